"""A line below the text: how it stands with a selection that is transcribed again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.document.transcript import clock
from app.widgets.text_label import TextLabel

STEPS = 1000


class AgainBar(QFrame):
    """Hidden while there is none.

    Signals:
        cancel_requested: the button.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._start_s, self._end_s = "", 0.0, 0.0
        self._progress: float | None = None
        self._text = TextLabel()
        self.progress = QProgressBar(textVisible=False, maximum=STEPS)
        self.cancel = QPushButton()
        self.cancel.clicked.connect(self.cancel_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(12)
        layout.addWidget(self._text, 2)
        layout.addWidget(self.progress, 1)
        layout.addWidget(self.cancel)
        self._retranslate()
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def begin(self, name: str, start_s: float, end_s: float) -> None:
        """It waits for its turn."""
        self._name, self._start_s, self._end_s = name, start_s, end_s
        self.cancel.setEnabled(True)
        self.show_progress(None)
        self.show()

    def show_progress(self, progress: float | None) -> None:
        """0 to 1; None: it has not begun."""
        self._progress = progress
        self.progress.setVisible(progress is not None)
        self.progress.setMaximum(STEPS if progress else 0)
        self.progress.setValue(round(STEPS * (progress or 0.0)))
        self._update_text()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _update_text(self) -> None:
        text = (
            self.tr("{name}, {start} to {end}: waits for its turn to be transcribed again")
            if self._progress is None
            else self.tr("{name}, {start} to {end}: is transcribed again")
        )
        self._text.setText(text.format(name=self._name, start=clock(self._start_s), end=clock(self._end_s)))
        self.progress.setAccessibleDescription(self._text.text())

    def _retranslate(self) -> None:
        self._update_text()
        self.progress.setAccessibleName(self.tr("Progress of the selection"))
        self.cancel.setText(self.tr("Cancel"))
        self.cancel.setAccessibleName(self.tr("Cancel transcribing the selection"))
        self.cancel.setToolTip(self.tr("Stop it; the text stays as it is"))
