"""What is chosen for some recordings alone: the dialog, the models it offers, and where it goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from app.engine.background import Background
from app.engine.messages import Message, ModelLoading
from app.engine.thread import EngineThread
from app.models.overview import overview
from app.notices import Notices
from app.recordings import Recordings
from app.session import Recording
from app.widgets.main_window import MainWindow
from app.widgets.recording_options_dialog import RecordingOptionsDialog


class RecordingOptions(QObject):
    """Asks when the window wants it, one dialog at a time."""

    def __init__(self, window: MainWindow, recordings: Recordings, engine: EngineThread, notices: Notices) -> None:
        super().__init__(window)
        self._window, self._recordings, self._notices = window, recordings, notices
        self._background = Background(self)
        self._model: Path | None = None  # in use
        self.dialog: RecordingOptionsDialog | None = None
        engine.message.connect(self._take)
        window.commands.options_requested.connect(self._ask)

    def _ask(self, recordings: list[Recording]) -> None:
        if self.dialog is None:
            self.dialog = RecordingOptionsDialog(recordings, self._model, self._window)
            self.dialog.chosen.connect(self._recordings.set_options)
            self.dialog.finished.connect(self._forget)
            self._background.run(usable_models, self._show_models, self._notices.tell_failure)
            self.dialog.open()

    def _take(self, message: Message) -> None:
        if isinstance(message, ModelLoading):
            self._model = message.path

    def _show_models(self, models: list[tuple[Path, int]]) -> None:
        if self.dialog is not None:
            self.dialog.show_models(models)

    def _forget(self) -> None:
        self.dialog = None


def usable_models() -> list[tuple[Path, int]]:
    """On this disk: the files, and their sizes in bytes. Takes a moment: for the background."""
    found = [row.model for row in overview().on_disk]
    return [(model.path, model.n_bytes) for model in found if model.is_usable]
