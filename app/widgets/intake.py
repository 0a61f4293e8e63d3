"""How recordings come into the window: picked, pasted, or dropped anywhere on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.pasted_paths import paths_in
from app.widgets import dialogs
from app.widgets.message_bar import MessageBar, Saying

SHOWN_LINES = 3
SHOWN_CHARACTERS = 80


class Intake(QObject):
    """Takes files and folders for a window, whose drops it sees first.

    Signals:
        paths_added: files and folders: a list of `Path`.
        drag_changed: whether something that can be dropped is over the window.

    Attributes:
        folder: where recordings were last picked.
        suffixes: of the files that are offered first.
    """

    paths_added = Signal(list)
    drag_changed = Signal(bool)

    def __init__(self, window: QWidget, message_bar: MessageBar) -> None:
        super().__init__(window)
        self._window, self._message_bar = window, message_bar
        self.folder = Path.home()
        self.suffixes: frozenset[str] = frozenset()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def ask_for_files(self) -> None:
        dialogs.ask_recordings(self._window, self.folder, self.suffixes, self._take_picked)

    def ask_for_folder(self) -> None:
        dialogs.ask_folder(self._window, self.folder, self._take_picked)

    def paste(self) -> None:
        """Files that were copied in a file manager, or paths as text; what is neither is told."""
        data = QGuiApplication.clipboard().mimeData()
        if data.hasUrls():
            self._take_urls(data.urls())
            return
        paths, others = paths_in(data.text())
        if paths:
            self.paths_added.emit(paths)
        if others or not paths:
            self._message_bar.say("error" if not paths else "warning", partial(self._no_paths, others))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QDropEvent) and event.type() is QEvent.Type.Drop:
            self._drop(event)
            return True
        if isinstance(event, QDragEnterEvent) and event.mimeData().hasUrls():
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.drag_changed.emit(True)
            return True
        if event.type() is QEvent.Type.DragLeave:
            self.drag_changed.emit(False)
            return True
        return super().eventFilter(watched, event)

    def _drop(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.drag_changed.emit(False)
        self._take_urls(urls)

    def _take_urls(self, urls: list[QUrl]) -> None:
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        if len(paths) < len(urls):
            self._message_bar.say("error", self._not_local)
        if paths:
            self.paths_added.emit(paths)

    def _take_picked(self, names: list[str]) -> None:
        paths = [Path(name) for name in names]
        self.folder = paths[0].parent
        self.paths_added.emit(paths)

    def _no_paths(self, others: list[str]) -> Saying:
        if not others:
            headline = self.tr("There are no files in the clipboard")
        else:
            headline = self.tr("Lines of the clipboard that are no files: {n}").format(n=len(others))
        shown = "\n".join(_shortened(line) for line in others[:SHOWN_LINES])
        remedy = self.tr("Copy files in the file manager, or full paths as text, one on each line.")
        return Saying(headline, f"{shown}\n{remedy}" if shown else remedy)

    def _not_local(self) -> Saying:
        return Saying(
            self.tr("Only files on this computer can be transcribed"),
            self.tr("Save the recording to a folder first, and drop it from there."),
        )


def _shortened(line: str) -> str:
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
