"""The works on models that run, wait or pause: how far each is, and buttons to stop it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.model_jobs import ConvertModel
from app.model_work import FetchModel, Job, JobState, VerifyModel
from app.widgets import engine_texts
from app.widgets.appearance import Appearance
from app.widgets.elided_label import ElidedLabel
from app.widgets.texts import data_size, percent, time_left, translate

STEPS = 1000
ICON_SIZE = 16
BORDER = 2  # the card's own and the layout's
MAX_ROWS = 3  # in view; the others are scrolled to


def title_of(job: Job) -> str:
    match job.work:
        case FetchModel():
            return translate("Jobs", "Downloading {name}").format(name=job.name)
        case ConvertModel():
            return translate("Jobs", "Writing {name}").format(name=job.name)
        case VerifyModel():
            return translate("Jobs", "Verifying {name}").format(name=job.name)


def status_of(job: Job) -> str:
    """How far it is, how fast, how long it will take."""
    if job.state is JobState.WAITING:
        return translate("Jobs", "Waiting until the work before it is done")
    if job.note:
        return translate("Jobs", "Trying again. {cause}").format(cause=engine_texts.translated(job.note))
    parts = [_amount(job)]
    if job.state is JobState.PAUSED:
        parts = [translate("Jobs", "Paused"), *(parts if job.n_done else [])]
    else:
        rate = job.rate.per_second if isinstance(job.work, FetchModel) else None
        parts += pace_texts(rate, job.time_left_s)
    return " · ".join(part for part in parts if part)


def amount_text(n_done: int, n_total: int) -> str:
    """Of bytes."""
    done, total = data_size(n_done), data_size(n_total)
    return f"{percent(n_done / n_total)} · " + translate("Jobs", "{done} of {total}").format(done=done, total=total)


def pace_texts(rate: float | None, left_s: float | None) -> list[str]:
    """Bytes a second and seconds left, as far as they are known."""
    rate_texts = [translate("Jobs", "{size} a second").format(size=data_size(round(rate)))] if rate is not None else []
    return rate_texts + ([time_left(left_s)] if left_s is not None else [])


def _amount(job: Job) -> str:
    if isinstance(job.work, VerifyModel):
        if (job.n_total and job.n_done >= job.n_total) or not job.work.is_readable:
            return translate("Jobs", "comparing it with the published files")
        return (
            translate("Jobs", "{n} of {total} tensors").format(n=job.n_done, total=job.n_total) if job.n_total else ""
        )
    if not job.n_total:
        return translate("Jobs", "reading the model")
    return amount_text(min(job.n_done, job.n_total), job.n_total)


class JobRow(QWidget):
    """One job.

    Signals:
        pause_requested, resume_requested, cancel_requested: of the `Job`.
    """

    pause_requested = Signal(object)
    resume_requested = Signal(object)
    cancel_requested = Signal(object)

    def __init__(self, job: Job, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self._appearance = appearance
        self.title, self.status = ElidedLabel(), QLabel(textFormat=Qt.TextFormat.PlainText)
        self.status.setProperty("muted", True)
        self.bar = QProgressBar(textVisible=False, maximum=STEPS)
        self.pause, self.cancel = QToolButton(), QToolButton()
        for button in (self.pause, self.cancel):
            button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pause.setVisible(isinstance(job.work, FetchModel))
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(self._on_cancel)
        self._arrange()
        self.refresh()

    def refresh(self) -> None:
        job = self.job
        title, status = title_of(job), status_of(job)
        self.title.setText(title)
        self.status.setText(status)
        is_busy = job.state is JobState.RUNNING and job.progress is None
        self.bar.setMaximum(0 if is_busy else STEPS)
        if not is_busy:
            self.bar.setValue(round(STEPS * (job.progress or 0.0)))
        self.bar.setAccessibleName(title)
        self.setAccessibleName(f"{title}, {status}")
        paused = job.state is JobState.PAUSED
        pause = translate("Jobs", "Resume {name}") if paused else translate("Jobs", "Pause {name}")
        self._label(self.pause, "resume" if paused else "pause", pause.format(name=job.name))
        self._label(self.cancel, "close", translate("Jobs", "Cancel {name}").format(name=job.name))
        self.pause.setEnabled(job.state in (JobState.RUNNING, JobState.PAUSED))

    def _arrange(self) -> None:
        texts = QHBoxLayout()
        texts.setSpacing(12)
        texts.addWidget(self.title, 1)
        texts.addWidget(self.status)
        left = QVBoxLayout()
        left.setSpacing(5)
        left.addLayout(texts)
        left.addWidget(self.bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(left, 1)
        layout.addWidget(self.pause)
        layout.addWidget(self.cancel)

    def _label(self, button: QToolButton, icon: str, name: str) -> None:
        button.setIcon(self._appearance.icon(icon, self._appearance.colors.text, ICON_SIZE))
        button.setToolTip(name)
        button.setAccessibleName(name)

    def _on_pause(self) -> None:
        (self.resume_requested if self.job.state is JobState.PAUSED else self.pause_requested).emit(self.job)

    def _on_cancel(self) -> None:
        self.cancel_requested.emit(self.job)


class JobList(QFrame):
    """There as long as there are jobs.

    Signals: those of `JobRow`.
    """

    pause_requested = Signal(object)
    resume_requested = Signal(object)
    cancel_requested = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._appearance = appearance
        self.rows: list[JobRow] = []
        self._content = QWidget()
        self._inside = QVBoxLayout(self._content)
        self._inside.setContentsMargins(16, 10, 10, 10)
        self._inside.setSpacing(10)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(self._content)
        self._content.installEventFilter(self)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._scroll)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self._refresh_all)
        self.hide()

    def refresh(self, jobs: Sequence[Job]) -> None:
        """Show these, as they stand now."""
        for row in [row for row in self.rows if row.job not in jobs]:
            self.rows.remove(row)
            self._inside.removeWidget(row)
            row.hide()
            row.deleteLater()
        shown = [row.job for row in self.rows]
        for job in jobs:
            if job not in shown:
                self._add(job)
        self._refresh_all()
        self.setVisible(bool(self.rows))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.FontChange):
            self._refresh_all()
        super().changeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """As high as the first rows, whatever their font is now."""
        if event.type() is QEvent.Type.LayoutRequest and self.rows:
            margins, n_rows = self._inside.contentsMargins(), min(len(self.rows), MAX_ROWS)
            height = n_rows * self.rows[0].sizeHint().height() + (n_rows - 1) * self._inside.spacing()
            self.setFixedHeight(height + margins.top() + margins.bottom() + 2 * BORDER)
        return super().eventFilter(watched, event)

    def _add(self, job: Job) -> None:
        row = JobRow(job, self._appearance)
        row.pause_requested.connect(self.pause_requested)
        row.resume_requested.connect(self.resume_requested)
        row.cancel_requested.connect(self.cancel_requested)
        self.rows.append(row)
        self._inside.addWidget(row)

    def _refresh_all(self) -> None:
        for row in self.rows:
            row.refresh()
