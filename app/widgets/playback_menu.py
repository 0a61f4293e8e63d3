"""The menu "Playback": what can be done with the sound of the recording that is shown."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QMenuBar

from app.widgets.named_action import named_action
from app.widgets.texts import translate


class PlaybackMenu(QObject):
    """Owns its actions, which work wherever the keyboard is, also while a text is edited."""

    def __init__(self, menu_bar: QMenuBar, before: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self.toggle = named_action("playback.toggle", "Ctrl+Space", self)
        self.back = named_action("playback.back", "Alt+Left", self)
        self.forward = named_action("playback.forward", "Alt+Right", self)
        self.before = named_action("playback.before", "Ctrl+Up", self)
        self.after = named_action("playback.after", "Ctrl+Down", self)
        self.loop = named_action("playback.loop", "Ctrl+L", self)
        self.loop.setCheckable(True)
        self.starts_here = named_action("playback.starts_here", "Alt+[", self)
        self.ends_here = named_action("playback.ends_here", "Alt+]", self)
        self.slower = named_action("playback.slower", "Ctrl+[", self)
        self.faster = named_action("playback.faster", "Ctrl+]", self)
        self.louder = named_action("playback.louder", "Ctrl+Shift+Up", self)
        self.softer = named_action("playback.softer", "Ctrl+Shift+Down", self)
        self.mute = named_action("playback.mute", "Ctrl+Shift+M", self)
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
