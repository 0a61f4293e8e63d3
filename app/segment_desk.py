"""Who speaks in a segment and when, told by a person: dialogs, and the commands that open them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.document.times import room
from app.editor import Editor
from app.widgets.main_window import MainWindow
from app.widgets.speaker_dialog import Speaker, SpeakerDialog
from app.widgets.texts import on_language_change, translate
from app.widgets.times_dialog import TimesDialog
from gpu.types import Segment


class SegmentDesk(QObject):
    """Owns two commands in the menu "Edit"."""

    def __init__(self, window: MainWindow, editor: Editor) -> None:
        super().__init__(window)
        self._window, self._page, self._editor = window, window.page, editor
        self.dialog: TimesDialog | SpeakerDialog | None = None
        self.speaker, self.times = QAction(self), QAction(self)
        self.speaker.setShortcut(QKeySequence("Ctrl+K"))
        self.times.setShortcut(QKeySequence("Ctrl+E"))
        window.edit_menu.add([self.speaker, self.times], before=window.edit_menu.again)
        self.speaker.triggered.connect(self._ask_for_speaker)
        self.times.triggered.connect(self._ask_for_times)
        self._page.view.selectionModel().selectionChanged.connect(self._update)
        for signal in (self._page.model.modelReset, window.edit_menu.changed):
            signal.connect(self._update)
        on_language_change(window, self._retranslate)
        self._update()
        self._retranslate()

    def _ask_for_times(self) -> None:
        self._page.view.finish_edit()
        recording, rows = self._window.current, self._page.view.selected_rows
        if recording is None or len(rows) != 1:
            return
        segments = recording.transcript.segments
        duration_s = recording.stats.duration_s if recording.stats is not None else None
        dialog = TimesDialog(segments[rows[0]], room(segments, rows[0], duration_s), self._window)
        dialog.chosen.connect(partial(self._retime, rows[0], segments[rows[0]]))
        self._open(dialog)

    def _retime(self, row: int, segment: Segment, start_s: float, end_s: float) -> None:
        if row < self._page.model.rowCount() and self._page.model.segment(row) is segment:
            self._editor.retime(row, start_s, end_s)

    def _ask_for_speaker(self) -> None:
        self._page.view.finish_edit()
        rows, model = self._page.view.selected_rows, self._page.model
        if not rows or self._window.current is None:
            return
        there = self._window.current.transcript.segments
        speakers = list(dict.fromkeys(s.speaker for s in there if s.speaker is not None))
        here: list[Speaker] = list(dict.fromkeys(model.segment(row).speaker for row in rows))
        dialog = SpeakerDialog(speakers, here, self._window)
        dialog.chosen.connect(partial(self._name, rows, here))
        self._open(dialog)

    def _name(self, rows: list[int], here: list[Speaker], speaker: Speaker, everywhere: bool) -> None:
        if everywhere and len(here) == 1 and self._window.current is not None:
            there = self._window.current.transcript.segments
            rows = [row for row, segment in enumerate(there) if segment.speaker == here[0]]
        self._editor.set_speaker(rows, speaker)

    def _open(self, dialog: TimesDialog | SpeakerDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._forget)
        dialog.open()

    def _forget(self) -> None:
        self.dialog = None
        self._page.view.setFocus()

    def _update(self) -> None:
        n = self._page.view.n_selected if self._page.model.editable else 0
        self.speaker.setEnabled(n > 0)
        self.times.setEnabled(n == 1)

    def _retranslate(self) -> None:
        self.speaker.setText(translate("Menus", "Set the s&peaker…"))
        self.times.setText(translate("Menus", "Set the t&imes…"))
