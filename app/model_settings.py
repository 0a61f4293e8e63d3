"""The dialogs of what window and command line share, at work: the network, and the folders of models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.engine.background import Background
from app.models.errors import SettingsError
from app.models.overview import Overview
from app.models.settings import NetworkSettings, SharedSettings, add_folder, remove_folder
from app.paths import is_folder, models_dir
from app.widgets.appearance import Appearance
from app.widgets.folders_dialog import FolderRow, FoldersDialog
from app.widgets.network_dialog import NetworkDialog


class ModelSettings(QObject):
    """Opens the dialogs over a window, and keeps what is chosen in them.

    Signals:
        folders_changed: models are to be looked for anew.
        open_wanted: show this folder to the user, a `Path`.
        failed: settings could not be read or written, a `SettingsError` (the dialog of folders tells its own).
    """

    folders_changed = Signal()
    open_wanted = Signal(object)
    failed = Signal(object)

    def __init__(self, window: QWidget, appearance: Appearance) -> None:
        super().__init__(window)
        self._window = window
        self._appearance = appearance
        self._background = Background(self)
        self._seen: Overview | None = None  # None too while it is of other folders
        self._folders: list[tuple[Path, bool]] = []  # the user's, and whether they are there
        self._dialog: FoldersDialog | None = None
        self._changing = threading.Lock()  # a change reads the file and writes it: one after the other

    def show_overview(self, seen: Overview) -> None:
        """What was found, in all folders there are now."""
        self._seen = seen
        self._show_folders()

    def ask_network(self) -> None:
        try:
            dialog = NetworkDialog(SharedSettings.load().network, self._window)
        except SettingsError as e:
            self.failed.emit(e)
            return
        dialog.chosen.connect(self._keep_network)
        dialog.open()

    def ask_folders(self) -> None:
        self._background.run(_folders, self._open_folders, self.failed.emit)

    def _keep_network(self, network: NetworkSettings) -> None:
        try:
            with self._changing:
                replace(SharedSettings.load(), network=network).save()
        except SettingsError as e:
            self.failed.emit(e)

    def _open_folders(self, folders: list[tuple[Path, bool]]) -> None:
        if self._dialog is None:
            dialog = self._dialog = FoldersDialog(self._appearance, self._window)
            dialog.add_wanted.connect(lambda path: self._change(partial(add_folder, str(path)), path))
            dialog.remove_wanted.connect(lambda path: self._change(partial(remove_folder, str(path))))
            dialog.open_wanted.connect(self.open_wanted)
            dialog.finished.connect(self._forget_dialog)
            dialog.open()
        self._folders = folders
        self._show_folders()

    def _change(self, change: Callable[[], Path], added: Path | None = None) -> None:
        def work() -> list[tuple[Path, bool]]:
            with self._changing:
                change()
                return _folders()

        self._background.run(work, partial(self._take_folders, added), self._on_error, must_finish=True)

    def _take_folders(self, added: Path | None, folders: list[tuple[Path, bool]]) -> None:
        self._folders, self._seen = folders, None
        self._show_folders()
        if self._dialog is not None:
            self._dialog.show_problem(None)
            self._dialog.view.select(added)
        self.folders_changed.emit()

    def _on_error(self, error: Exception) -> None:
        if self._dialog is not None and isinstance(error, SettingsError):
            self._dialog.show_problem(error)
        else:
            self.failed.emit(error)

    def _show_folders(self) -> None:
        if self._dialog is None:
            return
        own = FolderRow(models_dir(), True, True, self._n_models(models_dir()))
        others = [(path, is_there) for path, is_there in self._folders if path != own.path]
        rows = [FolderRow(path, False, is_there, self._n_models(path)) for path, is_there in others]
        self._dialog.show_folders([own, *rows])

    def _n_models(self, folder: Path) -> int | None:
        if self._seen is None:
            return None
        return sum(found.model.path.is_relative_to(folder) for found in self._seen.on_disk)

    def _forget_dialog(self) -> None:
        self._dialog = None


def _folders() -> list[tuple[Path, bool]]:
    """The user's folders, and whether they are there. Raises `SettingsError`."""
    return [(folder, is_folder(folder)) for folder in SharedSettings.load().folders]
