"""Arrangements that more than one widget uses."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QTableView, QWidget


def centered_row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side, in the middle of the width there is."""
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addStretch()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


def show_as_rows(table: QTableView) -> None:
    """A table to be read, of whole rows: no grid, nothing to type into, and the Tab key leaves it."""
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setCornerButtonEnabled(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.verticalHeader().hide()
