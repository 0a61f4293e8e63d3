"""A box for a whole number."""

from __future__ import annotations

from PySide6.QtWidgets import QSpinBox, QWidget

PADDING = 6  # as in the lists beside it


class NumberBox(QSpinBox):
    """Its digits keep off its edges."""

    def __init__(self, least: int, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(least, most)
        self.lineEdit().setTextMargins(PADDING, 0, PADDING, 0)  # a style sheet's padding does not move it
