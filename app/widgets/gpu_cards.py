"""The parts of the window of GPU support: this machine's GPUs, what is fetched for them, and the checks' table."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.engine.gpu import GpuFacts
from app.gpu_work import GpuSight, GpuWork, Step
from app.model_work import JobState
from app.widgets.appearance import Appearance
from app.widgets.engine_texts import explained, translated
from app.widgets.job_list import STEPS, amount_text, pace_texts
from app.widgets.rows_table import Column
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, translate
from gpu.types import Check

ICON_SIZE = 22
OUTCOME_ICONS = {"passed": "done", "failed": "error", "skipped": "cancelled"}
OUTCOME_COLORS = {"passed": "success", "failed": "danger", "skipped": "muted"}


class MachineCard(QFrame):
    """What the driver says: an icon, the cause, the remedy, and every GPU."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._appearance = appearance
        self._icon = QLabel()
        self.cause, self.remedy, self.gpus = TextLabel(), TextLabel(), TextLabel()
        self.cause.setProperty("heading", True)
        self.remedy.setProperty("muted", True)
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for label in (self.cause, self.remedy, self.gpus):
            texts.addWidget(label)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(texts, 1)

    def show_sight(self, sight: GpuSight | None) -> None:
        icon, color, cause, remedy = self._texts(sight)
        self._icon.setPixmap(self._appearance.pixmap(icon, getattr(self._appearance.colors, color), ICON_SIZE))
        gpus = sight.overview.gpus if sight is not None else ()
        for label, text in (
            (self.cause, cause),
            (self.remedy, remedy),
            (self.gpus, "\n".join(_gpu_text(gpu) for gpu in gpus)),
        ):
            label.setText(text)
            label.setVisible(bool(text))

    def _texts(self, sight: GpuSight | None) -> tuple[str, str, str, str]:
        """Icon, colour, and the two lines."""
        if sight is None:
            return "running", "accent", translate("Gpu", "Looking for a GPU…"), ""
        seen = sight.overview
        cause = translated(seen.cause)
        if sight.usable:
            return "done", "success", cause, translate("Gpu", "It has passed the self-test and is used.")
        if seen.is_ready:
            advice = translate("Gpu", "Run the self-test: a GPU that passes it is used from then on.")
            return "info", "accent", cause, advice
        if sight.can_enable:
            advice = translate("Gpu", "Enable GPU support: what is missing is fetched, tested, and used if it passes.")
            return "info", "accent", cause, advice
        if sight.no_pack is not None and seen.lacks_packages:
            advice = explained(sight.no_pack)
            return "warning", "warning", cause, advice
        on_cpu = translate("Gpu", "Until then the program works on the CPU.")
        return "info", "accent", cause, f"{translated(seen.remedy)} {on_cpu}"


def _gpu_text(gpu: GpuFacts) -> str:
    state = (
        translate("Gpu", "has passed the self-test")
        if gpu.has_passed
        else translate("Gpu", "has not passed the self-test")
    )
    capability = translate("Gpu", "compute capability {capability}").format(capability=gpu.capability)
    return f"{gpu.ordinal}: " + " · ".join((gpu.name, data_size(gpu.total_memory), capability, state))


class PackCard(QFrame):
    """What is fetched, how far that is, and the buttons for it.

    Signals:
        enable_requested, pause_requested, resume_requested, cancel_requested, remove_requested: buttons.
    """

    enable_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()
    remove_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._is_paused = False
        self.heading, self.packages, self.status = QLabel(), TextLabel(), TextLabel()
        self.heading.setProperty("heading", True)
        for label in (self.packages, self.status):
            label.setProperty("muted", True)
        self.bar = QProgressBar(textVisible=False, maximum=STEPS)
        self.enable, self.pause, self.cancel, self.remove = (QPushButton() for _ in range(4))
        self.enable.setProperty("primary", True)
        self.enable.clicked.connect(self.enable_requested)
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(self.cancel_requested)
        self.remove.clicked.connect(self.remove_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.enable, self.pause, self.cancel, self.remove):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        for widget in (self.heading, self.packages, self.status, self.bar):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def show_state(self, sight: GpuSight | None, work: GpuWork | None) -> None:
        """`work`: the latest, if there was any."""
        fetching = work is not None and work.is_fetching
        is_busy = work is not None and not work.state.is_over
        self._is_paused = work is not None and work.state is JobState.PAUSED
        self.enable.setVisible(not fetching)
        self.enable.setEnabled(sight is not None and sight.can_enable and not is_busy)
        self.pause.setVisible(fetching)
        self.pause.setEnabled(self._is_paused or (work is not None and work.step is Step.FETCHING))
        self.cancel.setVisible(fetching)
        self.remove.setVisible(not fetching and sight is not None and sight.has_files)
        self.remove.setEnabled(not is_busy)
        for widget in (self.bar, self.status):
            widget.setVisible(fetching)
        if fetching and work is not None:
            self._show_progress(work)
        self._show_texts(sight)

    def _show_progress(self, work: GpuWork) -> None:
        self.bar.setMaximum(0 if work.step is Step.UNPACKING else STEPS)
        if work.n_total and work.step is Step.FETCHING:
            self.bar.setValue(round(STEPS * work.n_done / work.n_total))
        self.status.setText(_fetch_text(work))
        self.bar.setAccessibleDescription(self.status.text())

    def _show_texts(self, sight: GpuSight | None) -> None:
        self.heading.setText(translate("Gpu", "Packages for the GPU"))
        self.packages.setText(_packages_text(sight))
        size = f" ({data_size(sight.pack.n_bytes)})" if sight is not None and sight.pack and sight.can_enable else ""
        self.enable.setText(translate("Gpu", "&Enable GPU support") + size)
        self.pause.setText(translate("Gpu", "Res&ume") if self._is_paused else translate("Gpu", "&Pause"))
        self.cancel.setText(translate("Gpu", "&Cancel the download"))
        self.enable.setToolTip(translate("Gpu", "Fetches the packages, tests the GPU, and uses it if it passes"))
        self.pause.setToolTip(translate("Gpu", "What has been fetched stays"))
        self.cancel.setToolTip(translate("Gpu", "Stops, and deletes what has been fetched"))
        self.remove.setText(translate("Gpu", "Re&move"))
        self.remove.setAccessibleDescription(translate("Gpu", "Deletes what was fetched for the GPU"))
        self.bar.setAccessibleName(translate("Gpu", "Fetching what the GPU needs"))

    def _on_pause(self) -> None:
        (self.resume_requested if self._is_paused else self.pause_requested).emit()


def _packages_text(sight: GpuSight | None) -> str:
    if sight is None:
        return ""
    if sight.is_installed:
        return translate("Gpu", "They are here: {names}.").format(names=", ".join(_names(sight)))
    if sight.overview.is_ready:
        return translate("Gpu", "Nothing needs to be fetched.")
    if sight.pack is None or not sight.can_enable:
        return translate("Gpu", "Nothing that could be fetched would help as things are.")
    from_where = translate(
        "Gpu", "From pypi.org into the program's own folder; each is checked against its SHA-256 before it is unpacked."
    )
    rows = [
        f"{name}: {data_size(package.file.n_bytes)}, " + translate("Gpu", "licence {name}").format(name=package.licence)
        for name, package in zip(_names(sight), sight.pack.packages, strict=True)
    ]
    return "\n".join([*rows, from_where])


def _names(sight: GpuSight) -> list[str]:
    return [f"{package.name} {package.version}" for package in sight.pack.packages] if sight.pack else []


def _fetch_text(work: GpuWork) -> str:
    if work.note:
        return translate("Jobs", "Trying again. {cause}").format(cause=translated(work.note))
    if work.step is Step.UNPACKING:
        return translate("Gpu", "Unpacking {name}…").format(name=work.unpacking)
    amount = amount_text(work.n_done, work.n_total)
    if work.state is JobState.PAUSED:
        return f"{translate('Jobs', 'Paused')} · {amount}"
    return " · ".join([amount, *pace_texts(work.rate.per_second, work.time_left_s)])


def outcome_text(check: Check) -> str:
    match check.outcome:
        case "passed":
            return translate("Gpu", "Passed")
        case "failed":
            return translate("Gpu", "Failed")
        case "skipped":
            return translate("Gpu", "Skipped")


def check_columns() -> list[Column[Check]]:
    return [
        Column(
            lambda: translate("Gpu", "Outcome"),
            outcome_text,
            color=lambda check: OUTCOME_COLORS[check.outcome],
            icon=lambda check: OUTCOME_ICONS[check.outcome],
            room_for=lambda: translate("Gpu", "Skipped") + "MMM",
        ),
        Column(lambda: translate("Gpu", "Check"), lambda check: sentence(translated(check.what))),
        Column(lambda: translate("Gpu", "Result"), lambda check: sentence(translated(check.detail))),
    ]


def sentence(text: str) -> str:
    """With a capital: what the self-test says are parts of sentences."""
    return text[:1].upper() + text[1:]
