"""The keys of every command: seen, changed, and given back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text_label import TextLabel

_MNEMONIC_BEHIND = re.compile(r"\(&\w\)")  # as Chinese has it: no part of the name


class ShortcutsPage(QWidget):
    """A table of commands; below it the keys of the one that is selected.

    Signals:
        changed: of an action's name, to these keys (portable text; "": none).
        reset_wanted: all are to be as they come.
    """

    changed = Signal(str, str)
    reset_wanted = Signal()

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._names: list[str] = []
        self.table = QTableWidget(0, 2)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setTabKeyNavigation(False)
        self.keys = QKeySequenceEdit(maximumSequenceLength=1)
        self.keys.setClearButtonEnabled(True)
        self.none, self.reset = QPushButton(), QPushButton()
        self.problem = TextLabel()
        self.problem.setProperty("danger", True)
        row = QHBoxLayout()
        row.addWidget(self.keys, 1)
        row.addWidget(self.none)
        row.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 6, 18, 12)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        self.table.currentCellChanged.connect(self._show_current)
        self.keys.editingFinished.connect(self._take_keys)
        self.none.clicked.connect(self._take_none)
        self.reset.clicked.connect(self.reset_wanted)
        self._retranslate()

    def fill(self) -> None:
        """As the actions are now."""
        current = self.table.currentRow()
        self._names = sorted(self._actions, key=lambda name: _plain(self._actions[name]))
        self.table.setRowCount(len(self._names))
        for row, name in enumerate(self._names):
            action = self._actions[name]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            for column, text in enumerate((_plain(action), keys)):
                self.table.setItem(row, column, QTableWidgetItem(text))
        self.table.setCurrentCell(max(current, 0), 0)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    @property
    def current(self) -> str:
        row = self.table.currentRow()
        return self._names[row] if 0 <= row < len(self._names) else ""

    def _show_current(self) -> None:
        self.problem.setText("")
        if self.current:
            self.keys.setKeySequence(self._actions[self.current].shortcut())

    def _take_keys(self) -> None:
        name, wanted = self.current, self.keys.keySequence()
        if not name or wanted == self._actions[name].shortcut():
            return
        taken = next((a for n, a in self._actions.items() if n != name and a.shortcut() == wanted), None)
        if not wanted.isEmpty() and taken is not None:
            keys = wanted.toString(QKeySequence.SequenceFormat.NativeText)
            self._show_current()
            text = self.tr("{keys} already means “{command}”. Give that other keys first.")
            self.problem.setText(text.format(keys=keys, command=_plain(taken)))
            return
        self.problem.setText("")
        self.changed.emit(name, wanted.toString(QKeySequence.SequenceFormat.PortableText))
        self.fill()

    def _take_none(self) -> None:
        self.keys.clear()
        self._take_keys()

    def _retranslate(self) -> None:
        self.table.setHorizontalHeaderLabels([self.tr("Command"), self.tr("Keys")])
        self.table.setAccessibleName(self.tr("Commands and their keys"))
        self.table.setAccessibleDescription(self.tr("Select a command, then press its new keys in the field below"))
        self.keys.setAccessibleName(self.tr("Keys of the selected command"))
        self.keys.setToolTip(self.tr("Click here and press the keys"))
        for line in self.keys.findChildren(QLineEdit):  # Qt gives it once only, in the language of that moment
            line.setPlaceholderText(self.tr("Click here and press the keys"))
        self.none.setText(self.tr("No keys"))
        self.none.setToolTip(self.tr("The command stays in its menu"))
        self.reset.setText(self.tr("All as they come"))
        self.reset.setToolTip(self.tr("Gives every command the keys it had at first"))
        self.fill()


def _plain(action: QAction) -> str:
    text = _MNEMONIC_BEHIND.sub("", action.text())
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")
