"""The way from the menu to the window of models, which is made when it is wanted first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.engine.background import Background
from app.engine.messages import ModelFailed, ModelLoaded, ModelLoading
from app.settings import Settings
from app.widgets.appearance import Appearance
from app.widgets.main_window import MainWindow

if TYPE_CHECKING:
    from app.model_manager import ModelManager


class ModelsEntry(QObject):
    """Opens the window of models for the main window's menu, closes it with that, and tells it which one is in use.

    Signals:
        model_chosen: another is to be used: a `Path`.
        failed: an exception: what went wrong with the program itself.
    """

    model_chosen = Signal(object)
    failed = Signal(Exception)

    def __init__(self, window: MainWindow, settings: Settings, appearance: Appearance) -> None:
        super().__init__(window)
        self._settings, self._appearance = settings, appearance
        self._current: Path | None = None
        self._background = Background(self)
        self.manager: ModelManager | None = None
        window.models_requested.connect(self.show)
        window.closing.connect(self._close)

    def show(self) -> None:
        """What it is made of takes half a second to import: in the background."""
        if self.manager is not None:
            self.manager.show()
        else:
            self._background.run(_import_model_manager, self._open, self.failed.emit)

    def show_model(self, path: Path, message: ModelLoading | ModelLoaded | ModelFailed) -> None:
        """How it stands with the model that was chosen."""
        self._current = path
        if self.manager is not None:
            self.manager.show_model(path, message)

    def stop(self) -> None:
        """Stop what runs and wait for its end."""
        if self.manager is not None:
            self.manager.stop()

    def _open(self, make: type[ModelManager]) -> None:
        if self.manager is None:
            self.manager = make(self._settings, self._appearance)
            if self._current is not None:
                self.manager.window.show_current(self._current)
            self.manager.model_chosen.connect(self.model_chosen)
        self.manager.show()

    def _close(self) -> None:
        if self.manager is not None:
            self.manager.window.close()


def _import_model_manager() -> type[ModelManager]:
    from app.model_manager import ModelManager

    return ModelManager
