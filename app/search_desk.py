"""The search through all transcripts: the window and what it finds."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QAction, QKeySequence

from app.document.search import Hit, hits
from app.session import Recording, Session
from app.widgets.appearance import Appearance
from app.widgets.main_window import MainWindow
from app.widgets.search_window import SearchWindow
from app.widgets.texts import translate

# Segments are looked at in slices of this length between two turns of the window's loop.
SEARCH_BUDGET_S = 0.006
MOST_HITS = 500


class _Text:
    """A recording as the search sees it: its transcript may be replaced meanwhile."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.segments = recording.transcript.segments


class SearchDesk(QObject):
    """Owns its command in the menu "Edit", and the window while it is open."""

    def __init__(self, window: MainWindow, session: Session, appearance: Appearance) -> None:
        super().__init__(window)
        self._main, self._session, self._appearance = window, session, appearance
        self.window: SearchWindow | None = None
        self._hits: Iterator[Hit[_Text] | None] = iter(())
        self._n_hits = 0
        self._slice = QTimer(self, singleShot=True, interval=0)
        self._slice.timeout.connect(self._go_on)
        self.search_all = QAction(self)
        self.search_all.setShortcut(QKeySequence("Ctrl+Shift+F"))
        self.search_all.triggered.connect(self.show)
        window.edit_menu.add([self.search_all])
        window.installEventFilter(self)
        window.closing.connect(self._close)
        self._retranslate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        return super().eventFilter(watched, event)

    def show(self) -> None:
        if self.window is None:
            self.window = SearchWindow(self._appearance, self._main)
            self.window.wanted.connect(self._search)
            self.window.opened.connect(self._open)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()
        self.window.ask()

    def _close(self) -> None:
        if self.window is not None:
            self.window.close()

    def _search(self, text: str) -> None:
        """From the newest recording to the oldest."""
        self._slice.stop()
        self._n_hits = 0
        texts = (_Text(recording) for recording in reversed(self._session.recordings))
        self._hits = hits(texts, text) if text else iter(())
        if text:
            self._go_on()

    def _go_on(self) -> None:
        if self.window is None:
            return
        end = time.perf_counter() + SEARCH_BUDGET_S
        found: list[Hit[_Text]] = []
        has_ended = True
        for hit in self._hits:
            if hit is not None:
                found.append(hit)
            if self._n_hits + len(found) == MOST_HITS or time.perf_counter() > end:
                has_ended = self._n_hits + len(found) == MOST_HITS
                break
        self._n_hits += len(found)
        for hit in found:
            recording = hit.source.recording
            self.window.add(recording, hit.segment, hit.text, hit.places)
        if has_ended:
            self.window.show_end(are_all=self._n_hits < MOST_HITS)
        else:
            self._slice.start()

    def _open(self, recording: Recording, segment: object) -> None:
        """Show the recording at the segment, or where it was if it has become another one."""
        if self._session.recording(recording.job_id) is not recording:
            return  # removed meanwhile
        view = self._main.page.view
        self._main.recordings_view.select(recording)
        segments = recording.transcript.segments
        start_s = getattr(segment, "start", 0.0)
        row = next((row for row, there in enumerate(segments) if there is segment), None)
        if row is None:
            row = next((row for row, there in enumerate(segments) if there.end > start_s), len(segments) - 1)
        self._main.raise_()
        self._main.activateWindow()
        view.select_row(row)
        view.setFocus()

    def _retranslate(self) -> None:
        self.search_all.setText(translate("Menus", "Search &all transcripts…"))
        self.search_all.setToolTip(translate("Menus", "Looks for a text in every recording of the list"))
