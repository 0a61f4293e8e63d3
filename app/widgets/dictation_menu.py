"""The menu "Dictate"."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QMenuBar

from app.widgets.named_action import named_action
from app.widgets.texts import translate


class DictationMenu(QObject):
    """Owns its actions."""

    def __init__(self, menu_bar: QMenuBar, before: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self.show_panel = named_action("dictation.show", "Ctrl+Alt+D", self)
        self.show_panel.setCheckable(True)
        self.toggle = named_action("dictation.toggle", "F9", self)
        self.pause = named_action("dictation.pause", "Shift+F9", self)
        self.discard = named_action("dictation.discard", "", self)
        self.copy = named_action("dictation.copy", "", self)
        self.anywhere = named_action("dictation.anywhere", "", self)
        self._menu = QMenu(menu_bar)
        menu_bar.insertMenu(before.menuAction(), self._menu)
        self._menu.addAction(self.show_panel)
        self._menu.addSeparator()
        self._menu.addActions([self.toggle, self.pause, self.discard])
        self._menu.addSeparator()
        self._menu.addActions([self.copy, self.anywhere])
        self._is_active = False
        self.show_active(False)
        self.retranslate()

    def show_active(self, active: bool) -> None:
        self._is_active = active
        self.pause.setEnabled(active)
        self.discard.setEnabled(active)

    def retranslate(self) -> None:
        self._menu.setTitle(translate("Menus", "&Dictation"))
        for action, text in {
            self.show_panel: translate("Menus", "&Show dictation"),
            self.toggle: translate("Menus", "&Start or finish dictating"),
            self.pause: translate("Menus", "&Pause or go on dictating"),
            self.discard: translate("Menus", "&Discard what is being dictated"),
            self.copy: translate("Menus", "&Copy the dictation"),
            self.anywhere: translate("Menus", "&Into any program…"),
        }.items():
            action.setText(text)
