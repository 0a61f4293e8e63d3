"""What a check of a model file finds: every tensor with its largest error, and a verdict."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.model_work import Job, JobState, VerifyModel
from app.widgets import engine_texts
from app.widgets.appearance import Appearance
from app.widgets.job_list import STEPS, status_of
from app.widgets.rows_table import Column, RowsModel
from app.widgets.rows_view import RowsView
from app.widgets.text_label import TextLabel
from app.widgets.texts import translate
from gpu.types import TensorReport

ICON_SIZE = 22


class VerifyWindow(QDialog):
    """Displays a job of `VerifyModel`; `refresh` takes over what has changed in it.

    Signals:
        cancel_requested: of the `Job`; also when the window is closed before the end.
    """

    cancel_requested = Signal(object)

    def __init__(self, job: Job, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.job = job
        self._appearance = appearance
        self.table: RowsModel[tuple[TensorReport, bool]] = RowsModel(_columns(), lambda row: row[0].name, self)
        self.view: RowsView[tuple[TensorReport, bool]] = RowsView(self.table, appearance, 0)
        self.path, self.verdict, self.detail = TextLabel(), TextLabel(), TextLabel()
        self._icon = QLabel()
        self._bar = QProgressBar(textVisible=False, maximum=STEPS)
        self._button = QPushButton()
        self._button.clicked.connect(self.reject)
        self._arrange()
        self.resize(1080, 660)
        appearance.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        job = self.job
        n_known = len(self.table.rows)
        self.table.append([(report, report.name not in job.bad) for report in job.reports[n_known:]])
        if n_known == 0 and job.reports:
            self.view.fit()
        self._bar.setMaximum(STEPS if job.progress is not None else 0)
        self._bar.setValue(round(STEPS * (job.progress or 0.0)))
        self._bar.setVisible(not job.state.is_over)
        self._update_texts()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._update_texts()
        super().changeEvent(event)

    def done(self, result: int) -> None:
        """The window goes, by whichever key or button."""
        if not self.job.state.is_over:
            self.cancel_requested.emit(self.job)
        super().done(result)

    def _arrange(self) -> None:
        self.verdict.setProperty("heading", True)
        self.path.setProperty("muted", True)
        work = self.job.work
        assert isinstance(work, VerifyModel)
        self.path.setText(str(work.path))
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for widget in (self.verdict, self.detail, self.path, self._bar):
            texts.addWidget(widget)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(texts, 1)
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 6, 1, 6)
        inside.addWidget(self.view)
        card.setVisible(work.is_readable)
        bottom = QHBoxLayout()
        bottom.addStretch()
        bottom.addWidget(self._button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(12)
        layout.addLayout(top)
        layout.addWidget(card, 1)
        layout.addLayout(bottom)

    def _update_texts(self) -> None:
        job, colors = self.job, self._appearance.colors
        self.setWindowTitle(self.tr("Verify {name}").format(name=job.name))
        self.view.setAccessibleName(self.tr("Tensors"))
        self.view.setAccessibleDescription(
            self.tr("Each part of the model with its type, its values and what was found")
        )
        self._button.setText(self.tr("Close") if job.state.is_over else self.tr("Cancel"))
        stops = self.tr("Stops the check; the file stays as it is")
        self._button.setToolTip(self.tr("Closes this window") if job.state.is_over else stops)
        icon, color, verdict, detail = self._verdict()
        self._icon.setPixmap(self._appearance.pixmap(icon, getattr(colors, color), ICON_SIZE))
        self._icon.setMinimumSize(QSize(ICON_SIZE, ICON_SIZE))
        for label, text in ((self.verdict, verdict), (self.detail, detail)):
            label.setText(text)
            label.setVisible(bool(text))

    def _verdict(self) -> tuple[str, str, str, str]:
        """Icon, colour, and the two lines."""
        job = self.job
        match job.state:
            case JobState.FAILED:
                assert job.trouble is not None
                problem = engine_texts.problem(job.trouble.kind, job.trouble.message, job.trouble.remedy)
                return "error", "danger", problem.headline, f"{problem.detail} {problem.remedy}"
            case JobState.CANCELLED:
                return "cancelled", "warning", self.tr("The check was cancelled"), ""
            case JobState.DONE if job.bad:
                return "error", "danger", self._bad_text(), self.tr("Get the model again, or another one.")
            case JobState.DONE:
                published = job.compared is not None and job.compared.origin is not None
                is_plain = bool(job.reports) or published
                icon, color = ("done", "success") if is_plain else ("info", "accent")
                return icon, color, self._good_text(), self._published_text()
        return "running", "accent", self.tr("Checking every tensor…"), status_of(job)

    def _bad_text(self) -> str:
        names = ", ".join(self.job.bad[:3])
        n_more = len(self.job.bad) - 3
        if n_more > 0:
            return self.tr("{names} and {n} more tensors cannot be relied on").format(names=names, n=n_more)
        return self.tr("Not to be relied on: {names}").format(names=names)

    def _good_text(self) -> str:
        reports = self.job.reports
        if not reports:
            published = self.job.compared is not None and self.job.compared.origin
            return self.tr("The file is a published one") if published else self.tr("Not a published file we know")
        errors = [error for report in reports for error in report.errors.values()]
        if not errors:
            return self.tr("All {n} tensors are sound").format(n=len(reports))
        text = self.tr("All {n} tensors are sound; largest error {error}")
        return text.format(n=len(reports), error=_error_text(max(errors)))

    def _published_text(self) -> str:
        compared = self.job.compared
        if compared is None:
            return ""
        if compared.origin is None:
            text = self.tr(
                "No published file we know is like it: it was converted, trained or changed. SHA-256 {hash}…"
            )
            return text.format(hash=compared.sha256[:16])
        text = self.tr("Byte by byte the file published by {origin}. SHA-256 {hash}…")
        return text.format(origin=compared.origin, hash=compared.sha256[:16])


def _largest_error(row: tuple[TensorReport, bool]) -> float:
    """-1 where no backend is compared."""
    return max(row[0].errors.values(), default=-1.0)


def _errors_text(row: tuple[TensorReport, bool]) -> str:
    return ", ".join(map(_error_text, row[0].errors.values())) or "–"


def _error_text(error: float) -> str:
    return f"{error:.1e}" if error else "0"


def _columns() -> list[Column[tuple[TensorReport, bool]]]:
    return [
        Column(lambda: translate("Tensors", "Tensor"), lambda row: row[0].name, color=_color),
        Column(lambda: translate("Tensors", "Type"), lambda row: row[0].type),
        Column(lambda: translate("Tensors", "Shape"), lambda row: " × ".join(map(str, row[0].shape)), is_figure=True),
        Column(
            lambda: translate("Tensors", "Least"), lambda row: f"{row[0].min:.4g}", lambda r: r[0].min, is_figure=True
        ),
        Column(
            lambda: translate("Tensors", "Largest"), lambda row: f"{row[0].max:.4g}", lambda r: r[0].max, is_figure=True
        ),
        Column(
            lambda: translate("Tensors", "Spread"),
            lambda row: f"{row[0].std:.4g}",
            lambda r: r[0].std,
            lambda: translate("Tensors", "Standard deviation"),
            is_figure=True,
        ),
        Column(
            lambda: translate("Tensors", "No numbers"),
            lambda row: str(row[0].n_nan + row[0].n_inf) if row[0].n_nan + row[0].n_inf else "–",
            lambda r: r[0].n_nan + r[0].n_inf,
            lambda: translate("Tensors", "Weights that are NaN or infinite"),
            color=_color,
            is_figure=True,
        ),
        Column(
            lambda: translate("Tensors", "Max error"),
            _errors_text,
            _largest_error,
            lambda: translate("Tensors", "Largest difference of a weight from the definition of its format"),
            color=_color,
            is_figure=True,
        ),
    ]  # fmt: skip


def _color(row: tuple[TensorReport, bool]) -> str:
    return "" if row[1] else "danger"
