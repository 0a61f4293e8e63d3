"""The search through all transcripts: the window and what it finds."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.document.search import hits
from app.session import Recording, Session
from app.widgets.appearance import Appearance
from app.widgets.front import bring_forward
from app.widgets.main_window import MainWindow
from app.widgets.search_window import SearchWindow
from app.widgets.slices import Slices
from app.widgets.texts import on_language_change, translate
from gpu.types import Segment

MOST_HITS = 500


class SearchDesk(QObject):
    """Owns its command in the menu "Edit", and the window while it is open."""

    def __init__(self, window: MainWindow, session: Session, appearance: Appearance) -> None:
        super().__init__(window)
        self._main, self._session, self._appearance = window, session, appearance
        self.window: SearchWindow | None = None
        self._slices = Slices(self)
        self.search_all = QAction(self)
        self.search_all.setShortcut(QKeySequence("Ctrl+Shift+F"))
        self.search_all.triggered.connect(self.show)
        window.edit_menu.add([self.search_all])
        window.closing.connect(self._close)
        on_language_change(window, self._retranslate)
        self._retranslate()

    def show(self) -> None:
        if self.window is None:
            self.window = SearchWindow(self._appearance, self._main)
            self.window.wanted.connect(self._search)
            self.window.opened.connect(self._open)
        bring_forward(self.window)
        self.window.ask()

    def _close(self) -> None:
        if self.window is not None:
            self.window.close()

    def _search(self, text: str) -> None:
        if text and self.window is not None:
            self._slices.run(self._steps(self.window, text))
        else:
            self._slices.stop()

    def _steps(self, window: SearchWindow, text: str) -> Iterator[None]:
        """From the newest recording to the oldest."""
        n_hits = 0
        for recording in reversed(self._session.recordings):
            for hit in hits(recording.transcript.segments, text):
                if hit is not None:
                    window.add(recording, hit)
                    n_hits += 1
                    if n_hits == MOST_HITS:
                        window.show_end(are_all=False)
                        return
                yield
        window.show_end(are_all=True)

    def _open(self, recording: Recording, segment: Segment) -> None:
        """Show the recording at the segment, or where it was if it has become another one."""
        if self._session.recording(recording.job_id) is not recording:
            return  # removed meanwhile
        self._main.recordings_view.select(recording)
        self._main.recording_picked.emit()
        segments = recording.transcript.segments
        row = next((row for row, there in enumerate(segments) if there is segment), None)
        if row is None:
            row = next((row for row, there in enumerate(segments) if there.end > segment.start), len(segments) - 1)
        bring_forward(self._main)
        self._main.page.view.select_row(row)
        self._main.page.view.setFocus()

    def _retranslate(self) -> None:
        self.search_all.setText(translate("Menus", "Search &all transcripts…"))
        self.search_all.setToolTip(translate("Menus", "Looks for a text in every recording of the list"))
