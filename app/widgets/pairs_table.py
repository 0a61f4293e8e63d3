"""A table of two columns that a person fills in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text_label import TextLabel

LINES = 4  # that are shown without scrolling


class PairsTable(QWidget):
    """Signals:
    changed: `pairs` are other ones; those without a first part are not among them.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._explanation = QLabel(), TextLabel()
        self._explanation.setProperty("muted", True)
        self._heading = ""
        self.table = QTableWidget(0, 2)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self._name.setBuddy(self.table)
        self.add, self.remove = QPushButton(), QPushButton()
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self._name, self._explanation, self.table):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self.add.clicked.connect(self._add_row)
        self.remove.clicked.connect(self._remove_rows)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._remove_rows)
        self.table.itemChanged.connect(self.changed)
        self.table.itemSelectionChanged.connect(self._update)
        self._update()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        rows = (tuple(self._cell(row, column) for column in range(2)) for row in range(self.table.rowCount()))
        return tuple((first.strip(), second.strip()) for first, second in rows if first.strip())

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        if tuple(pairs) == self.pairs and self.table.rowCount() == len(pairs):
            return
        self.table.blockSignals(True)
        self.table.setRowCount(0)
        for pair in pairs:
            self._insert(*pair)
        self.table.blockSignals(False)
        self._update()

    def set_texts(self, name: str, explanation: str, columns: tuple[str, str], button: str) -> None:
        self._name.setText(name)
        self._explanation.setText(explanation)
        self.table.setHorizontalHeaderLabels(list(columns))
        self.table.setAccessibleName(name)
        self.table.setAccessibleDescription(explanation)
        self.add.setText(button)
        self.add.setToolTip(explanation)
        self.remove.setText(self.tr("Remove"))
        self.remove.setToolTip(self.tr("The selected lines"))
        self._update()

    def _cell(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text() if item is not None else ""

    def _insert(self, first: str, second: str) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        for column, text in enumerate((first, second)):
            self.table.setItem(row, column, QTableWidgetItem(text))

    def _add_row(self) -> None:
        self._insert("", "")
        row = self.table.rowCount() - 1
        self.table.setCurrentCell(row, 0)
        self.table.setFocus()
        self.table.edit(self.table.model().index(row, 0))
        self._update()

    def _remove_rows(self) -> None:
        for row in sorted({index.row() for index in self.table.selectedIndexes()}, reverse=True):
            self.table.removeRow(row)
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        self.remove.setEnabled(bool(self.table.selectedIndexes()))
        line = self.table.verticalHeader().defaultSectionSize()
        n_lines = min(max(self.table.rowCount(), 2), LINES)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + n_lines * line + 4)
