"""The menu "Playback": what can be done with the sound of the recording that is shown."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from app.widgets.texts import translate


class PlaybackMenu(QObject):
    """Owns its actions, which work wherever the keyboard is, also while a text is edited."""

    def __init__(self, menu_bar: QMenuBar, before: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self.toggle = self._action("playback.toggle", "Ctrl+Space")
        self.back = self._action("playback.back", "Alt+Left")
        self.forward = self._action("playback.forward", "Alt+Right")
        self.before = self._action("playback.before", "Ctrl+Up")
        self.after = self._action("playback.after", "Ctrl+Down")
        self.loop = self._action("playback.loop", "Ctrl+L")
        self.loop.setCheckable(True)
        self.starts_here = self._action("playback.starts_here", "Alt+[")
        self.ends_here = self._action("playback.ends_here", "Alt+]")
        self.slower = self._action("playback.slower", "Ctrl+[")
        self.faster = self._action("playback.faster", "Ctrl+]")
        self.louder = self._action("playback.louder", "Ctrl+Shift+Up")
        self.softer = self._action("playback.softer", "Ctrl+Shift+Down")
        self.mute = self._action("playback.mute", "Ctrl+Shift+M")
        self.mute.setCheckable(True)
        self._menu = QMenu(menu_bar)
        menu_bar.insertMenu(before.menuAction(), self._menu)
        self._menu.addActions([self.toggle, self.back, self.forward])
        self._menu.addSeparator()
        self._menu.addActions([self.before, self.after, self.loop])
        self._menu.addSeparator()
        self._menu.addActions([self.slower, self.faster])
        self._menu.addSeparator()
        self._menu.addActions([self.louder, self.softer, self.mute])
        self._menu.addSeparator()
        self._menu.addActions([self.starts_here, self.ends_here])
        self.retranslate()

    def set_enabled(self, is_enabled: bool) -> None:
        for action in self._menu.actions():
            action.setEnabled(is_enabled)

    def retranslate(self) -> None:
        self._menu.setTitle(translate("Menus", "&Playback"))
        for action, text in {
            self.toggle: translate("Menus", "&Play or pause"),
            self.back: translate("Menus", "Five seconds bac&k"),
            self.forward: translate("Menus", "Five seconds &forward"),
            self.before: translate("Menus", "Segment &before"),
            self.after: translate("Menus", "&Next segment"),
            self.loop: translate("Menus", "&Repeat the segment"),
            self.starts_here: translate("Menus", "Segment begins &here"),
            self.ends_here: translate("Menus", "Segment &ends here"),
            self.slower: translate("Menus", "&Slower"),
            self.faster: translate("Menus", "F&aster"),
            self.louder: translate("Menus", "&Louder"),
            self.softer: translate("Menus", "Sof&ter"),
            self.mute: translate("Menus", "&Mute"),
        }.items():
            action.setText(text)

    def _action(self, name: str, shortcut: str) -> QAction:
        action = QAction(self)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(shortcut))
        return action
