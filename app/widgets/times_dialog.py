"""The times of a segment, typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.document.times import Problem, Room, parse_time, written
from app.widgets.layouts import labelled
from app.widgets.text_label import TextLabel
from app.widgets.texts import translate
from gpu.types import Segment

WIDTH = 420


class TimesDialog(QDialog):
    """Says at once what is wrong with what is typed. Deletes itself when closed.

    Signals:
        chosen: start and end in seconds.
    """

    chosen = Signal(float, float)

    def __init__(self, segment: Segment, room: Room, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._segment, self._room = segment, room
        self.start, self.end = QLineEdit(written(segment.start)), QLineEdit(written(segment.end))
        self.problem = TextLabel()
        self.problem.setProperty("danger", True)
        self._hint = TextLabel()
        self._hint.setProperty("muted", True)
        self._labels = {self.start: QLabel(), self.end: QLabel()}
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(ok | cancel)
        self._arrange()
        self._retranslate()
        for field in (self.start, self.end):
            field.textChanged.connect(self._check)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.start.selectAll()

    def accept(self) -> None:
        start, end = self._times()
        if start is None or end is None or self._room.problem(start, end) is not None:
            return
        self.chosen.emit(start, end)
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _times(self) -> tuple[float | None, float | None]:
        """What was not touched stays to the last digit."""
        fields = ((self.start, self._segment.start), (self.end, self._segment.end))
        start, end = (old if field.text() == written(old) else parse_time(field.text()) for field, old in fields)
        return start, end

    def _check(self) -> None:
        problem = self._room.problem(*self._times())
        self.problem.setText("" if problem is None else self._words(problem))
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(problem is None)

    def _words(self, problem: Problem) -> str:
        match problem:
            case Problem.NO_START:
                return self.tr("The start is no time: write it as 1:23.5 (minutes and seconds).")
            case Problem.NO_END:
                return self.tr("The end is no time: write it as 1:23.5 (minutes and seconds).")
            case Problem.TOO_SHORT:
                return self.tr("The end must be behind the start.")
            case Problem.TOO_EARLY:
                time = written(self._room.start_s)
                return self.tr("The segment before ends at {time}: start there or later.").format(time=time)
            case Problem.TOO_LATE:
                time = written(self._room.end_s or 0.0)
                text = self.tr("What follows, or the end of the recording, is at {time}: end there or before.")
                return text.format(time=time)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(self._hint)
        layout.addLayout(labelled(self._labels))
        layout.addWidget(self.problem)
        layout.addStretch()
        layout.addWidget(self.buttons)
        self.setMinimumWidth(WIDTH)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Times of the segment"))
        self._hint.setText(self.tr("Hours, minutes and seconds, as in 1:02:03.5. The words move along."))
        for field, text, tip in (
            (self.start, self.tr("&Start"), self.tr("When the first word begins")),
            (self.end, self.tr("&End"), self.tr("When the last word ends")),
        ):
            self._labels[field].setText(text)
            field.setAccessibleName(text.replace("&", ""))
            field.setToolTip(tip)
        _explain(self.buttons)
        self._check()


def _explain(buttons: QDialogButtonBox) -> None:
    ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
    buttons.button(ok).setToolTip(translate("SegmentDialogs", "Change it; that can be undone"))
    buttons.button(cancel).setToolTip(translate("WatchDialog", "Leave everything as it was"))
