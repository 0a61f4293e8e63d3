"""Arrangements that more than one widget uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QApplication, QGridLayout, QHBoxLayout, QLabel, QTableView, QWidget

from app.widgets.appearance import Appearance

Field = TypeVar("Field", bound=QWidget)


def centered_row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side, in the middle of the width there is."""
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addStretch()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


def labelled(labels: Mapping[Field, QLabel]) -> QGridLayout:
    """Fields below each other, each behind its label, whose key leads to it."""
    form = QGridLayout()
    form.setHorizontalSpacing(12)
    form.setVerticalSpacing(8)
    form.setColumnStretch(1, 1)
    for row, (field, label) in enumerate(labels.items()):
        label.setBuddy(field)
        form.addWidget(label, row, 0)
        form.addWidget(field, row, 1)
    return form


def show_as_rows(table: QTableView) -> None:
    """A table to be read, of whole rows: no grid, nothing to type into, and the Tab key leaves it."""
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setCornerButtonEnabled(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.verticalHeader().hide()


def enlarge(label: QLabel, factor: float, appearance: Appearance) -> None:
    """Compared with all other texts, also when their size is changed; and a heading's weight."""
    _Enlarger(label, factor, appearance)


class _Enlarger(QObject):
    """Ends with its label."""

    def __init__(self, label: QLabel, factor: float, appearance: Appearance) -> None:
        super().__init__(label)
        self._label, self._factor = label, factor
        appearance.changed.connect(self._scale)
        self._scale()

    def _scale(self) -> None:
        font = QFont()  # all that is not set here is as around it
        font.setPointSizeF(self._factor * QApplication.font().pointSizeF())
        font.setWeight(QFont.Weight.DemiBold)
        self._label.setFont(font)
