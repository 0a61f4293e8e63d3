"""Commands with a name of their own, by which tests and the settings know them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence


def named_action(name: str, shortcut: str, parent: QObject) -> QAction:
    """`shortcut`: as Qt writes it; "" for none."""
    action = QAction(parent)
    action.setObjectName(name)
    action.setShortcut(QKeySequence(shortcut))
    return action
