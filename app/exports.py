"""What the menus offer beyond saving a transcript: how subtitles are made, and the text in other formats to paste."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QMimeData, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.document.export import contents
from app.document.subtitles import Layout
from app.engine.background import Background
from app.notices import Notices
from app.settings import Settings
from app.widgets.main_window import MainWindow
from app.widgets.subtitle_dialog import SubtitleDialog
from app.widgets.texts import format_name, translate

COPIED = ("txt", "times.txt", "srt", "vtt", "md", "html", "tsv")


class Exports(QObject):
    """Owns its menu entries and the dialog of subtitles."""

    def __init__(self, window: MainWindow, settings: Settings, notices: Notices) -> None:
        super().__init__(window)
        self._window, self._settings, self._notices = window, settings, notices
        self._background = Background(self)
        self.copy_menu = QMenu(window)
        for name in COPIED:
            action = QAction(self.copy_menu)
            action.setData(name)
            self.copy_menu.addAction(action)
        actions = window.actions_
        menu = actions.recording_menu
        behind = menu.actions()[menu.actions().index(actions.copy) + 1]
        menu.insertMenu(behind, self.copy_menu)
        menu.aboutToShow.connect(self._update)
        self.copy_menu.triggered.connect(self._copy)
        window.page.copy.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        window.page.copy.customContextMenuRequested.connect(self._pop_up)
        formats = window.page.save.menu()
        formats.addSeparator()
        formats.addAction(actions.subtitles)
        actions.subtitles.triggered.connect(self.ask_about_subtitles)
        self._update()

    @property
    def layout(self) -> Layout:
        """Of subtitles that are written now."""
        return replace(self._settings.subtitle_layout, highlight_words=self._window.options.panel.highlight_words)

    def ask_about_subtitles(self) -> None:
        self.ask_over(self._window)

    def ask_over(self, window: QWidget) -> None:
        dialog = SubtitleDialog(self._settings.subtitle_layout, window)
        dialog.chosen.connect(self._keep)
        dialog.open()

    def _pop_up(self, place: QPoint) -> None:
        self._update()
        self.copy_menu.popup(self._window.page.copy.mapToGlobal(place))

    def _keep(self, layout: Layout) -> None:
        self._settings.subtitle_layout = layout

    def _copy(self, action: QAction) -> None:
        recording = self._window.current
        if recording is None or not recording.transcript.segments:
            return
        name = action.data()
        work = partial(contents, recording.transcript.copy(), name, self.layout)
        self._background.run(work, partial(self._take, name), self._notices.tell_failure)

    def _take(self, name: str, made: bytes) -> None:
        """Web pages go to the clipboard as formatted text."""
        data = QMimeData()
        text = made.decode()
        if name == "html":
            data.setHtml(text)
        else:
            data.setText(text)
        QGuiApplication.clipboard().setMimeData(data)
        self._notices.tell_copied()

    def _update(self) -> None:
        self.copy_menu.setTitle(translate("Menus", "Copy &as"))
        for action in self.copy_menu.actions():
            name = action.data()
            action.setText(translate("Menus", "Formatted text") if name == "html" else format_name(name))
        recording = self._window.current
        self.copy_menu.setEnabled(recording is not None and bool(recording.transcript.segments))
