"""Entries of the menu "Help" for when something goes wrong."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from app.widgets.texts import on_language_change, translate


class HelpMenu(QObject):
    """Owns its actions, which stand before the last entry of the menu."""

    def __init__(self, menu: QMenu) -> None:
        super().__init__(menu)
        self.log, self.report = QAction(self), QAction(self)
        last = menu.actions()[-1]
        menu.insertActions(last, [self.log, self.report])
        menu.insertSeparator(last)
        on_language_change(menu, self._retranslate)
        self._retranslate()

    def _retranslate(self) -> None:
        self.log.setText(translate("Menus", "&Log…"))
        self.report.setText(translate("Menus", "&Problem report…"))
