"""Arrangements that more than one widget uses."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget


def centered_row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side, in the middle of the width there is."""
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addStretch()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row
