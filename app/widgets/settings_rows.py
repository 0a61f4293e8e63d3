"""A page of settings: each with its name, what chooses it, and a sentence that explains it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.widgets.text_label import TextLabel

Texts = Callable[[], tuple[str, str]]


class SettingsPage(QScrollArea):
    """Rows one below the other. `texts` of a row are asked for again when the language changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(18, 6, 18, 12)
        self._column.setSpacing(14)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._column.addLayout(self._grid)
        self._column.addStretch()
        self.setWidget(inside)
        self._rows: list[tuple[QLabel, QWidget, TextLabel, Texts]] = []

    def add(self, control: QWidget, texts: Texts) -> None:
        """A setting. What has a text of its own, as switches have, gets the name as that."""
        name, explanation = QLabel(), TextLabel()
        name.setBuddy(control)
        name.setContentsMargins(0, 5, 0, 0)
        explanation.setProperty("muted", True)
        row = 2 * len(self._rows)
        explanation.setContentsMargins(0, 0, 0, 14)
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(explanation, row + 1, 1)
        self._rows.append((name, control, explanation, texts))

    def add_wide(self, widget: QWidget, alignment: Qt.AlignmentFlag = Qt.AlignmentFlag(0)) -> None:  # noqa: B008
        """Something that takes the whole width, below the rows so far."""
        self._column.insertWidget(self._column.count() - 1, widget, 0, alignment)

    def retranslate(self) -> None:
        for label, control, explanation, texts in self._rows:
            name, text = texts()
            label.setText(name)
            explanation.setText(text)
            control.setAccessibleName(name)
            control.setAccessibleDescription(text)
