"""What stands above the list of recordings: its heading, how far all of it is, and the folder that is watched."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.queue_meter import QueueLag
from app.session import Session, State
from app.widgets.appearance import Appearance
from app.widgets.texts import time_left
from app.widgets.watch_indicator import WatchIndicator


class RecordingsHeader(QWidget):
    """The buddy of `heading` is for its owner to set."""

    def __init__(self, session: Session, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lag = QueueLag(0, 0.0, 0, None)
        self.heading, self.summary = QLabel(), QLabel(wordWrap=True)
        self.heading.setProperty("heading", True)
        self.summary.setProperty("muted", True)
        self.watch = WatchIndicator(appearance)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 6)
        layout.setSpacing(4)
        layout.addWidget(self.heading)
        layout.addWidget(self.summary)
        layout.addWidget(self.watch)
        self._retranslate()

    def show_queue(self, lag: QueueLag) -> None:
        """How much the engine has not done yet."""
        self._lag = lag
        self.update_summary()

    def update_summary(self) -> None:
        counts = Counter(recording.state for recording in self._session)
        n_to_do = counts[State.RUNNING] + counts[State.WAITING]
        parts = []
        if n_to_do:
            parts.append(self.tr("{n} to do").format(n=n_to_do))
            if self._lag.until_done_s is not None and not self._lag.n_unknown:
                parts.append(time_left(self._lag.until_done_s))
        elif counts[State.DONE]:
            parts.append(self.tr("{n} done").format(n=counts[State.DONE]))
        if counts[State.PAUSED]:
            parts.append(self.tr("{n} paused").format(n=counts[State.PAUSED]))
        if counts[State.FAILED]:
            parts.append(self.tr("{n} failed").format(n=counts[State.FAILED]))
        text = " · ".join(parts) if self._session.recordings else self.tr("None yet")
        self.summary.setText(text)
        self.summary.setVisible(bool(text))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self.heading.setText(self.tr("Recordings"))
        self.update_summary()
