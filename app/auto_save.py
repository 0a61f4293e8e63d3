"""Transcripts saved by themselves, as the user has set it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.document.auto_save import SaveRule, save_by_rule
from app.engine.background import Background
from app.session import Recording
from app.settings import Settings
from app.widgets.save_dialog import SaveDialog


class AutoSave(QObject):
    """Asks what is to be saved, keeps it in the settings, and does it.

    Signals:
        saved: of a `Recording`, the files: a list of `Path`.
        failed: of a `Recording`, an exception.
        subtitles_wanted: to say how they are made.
        rule_kept: another rule holds.
    """

    saved = Signal(object, list)
    failed = Signal(object, Exception)
    subtitles_wanted = Signal()
    rule_kept = Signal()

    def __init__(self, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._settings, self._window = settings, window
        self._background = Background(self)

    def ask(self) -> None:
        dialog = SaveDialog(self._settings.save_rule, self._window)
        dialog.subtitles_wanted.connect(self.subtitles_wanted)
        dialog.chosen.connect(self._keep)
        dialog.open()

    def ask_for(self, recordings: list[Recording]) -> None:
        """Texts that are there, as the user says now."""
        rule = self._settings.save_rule
        if not rule.formats:
            rule = replace(rule, formats=("txt",))
        dialog = SaveDialog(rule, self._window, once=True)
        dialog.subtitles_wanted.connect(self.subtitles_wanted)
        dialog.chosen.connect(partial(self._save_all, recordings))
        dialog.open()

    def save(self, recording: Recording, rule: SaveRule | None = None) -> None:
        """Write the files of one that is done, if any are wanted."""
        rule = rule or self._settings.save_rule
        if not rule.formats or not recording.transcript.segments:
            return
        layout = replace(self._settings.subtitle_layout, highlight_words=self._settings.highlight_words)
        self._background.run(
            partial(save_by_rule, recording.transcript.copy(), rule, layout),
            partial(self._tell, recording),
            partial(self.failed.emit, recording),
            must_finish=True,
        )

    def _save_all(self, recordings: list[Recording], rule: SaveRule) -> None:
        for recording in recordings:
            self.save(recording, rule)

    def _tell(self, recording: Recording, paths: list[Path]) -> None:
        self.saved.emit(recording, paths)

    def _keep(self, rule: SaveRule) -> None:
        self._settings.save_rule = rule
        self.rule_kept.emit()
