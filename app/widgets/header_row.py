"""A title with its buttons: beside it, or below it where both do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget

from app.widgets.elided_label import ElidedLabel

SPACING = 8
READABLE = 40  # characters of a name; a longer one may be shortened before its buttons leave its line


class HeaderRow(QWidget):
    """Takes the widgets over. What is hidden takes no room."""

    def __init__(self, name: ElidedLabel, badge: QWidget, buttons: Sequence[QWidget]) -> None:
        super().__init__()
        self._name, self._badge, self._buttons = name, badge, list(buttons)
        title, row = QHBoxLayout(), QHBoxLayout()
        title.addWidget(name, 1)
        title.addWidget(badge)
        row.addStretch()
        for button in self._buttons:
            row.addWidget(button)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._both.setContentsMargins(0, 0, 0, 0)
        self._both.addLayout(title, 1)
        self._both.addLayout(row)
        for layout in (title, row, self._both):
            layout.setSpacing(SPACING)

    @property
    def is_broken(self) -> bool:
        """The buttons stand below the name."""
        return self._both.direction() is QBoxLayout.Direction.TopToBottom

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Of two lines, whatever it has now: else it could never become as narrow as that."""
        title, row = self._widths(self._name.minimumSizeHint().width())
        return QSize(max(title, row), super().minimumSizeHint().height())

    def event(self, event: QEvent) -> bool:
        """A button came or went, or says something else."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._break()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._break()

    def _break(self) -> None:
        readable = READABLE * self._name.fontMetrics().averageCharWidth()
        title, row = self._widths(min(self._name.sizeHint().width(), readable))
        fits = title + SPACING + row <= self.width()
        directions = QBoxLayout.Direction
        direction = directions.LeftToRight if fits else directions.TopToBottom
        if direction is not self._both.direction():
            self._both.setDirection(direction)

    def _widths(self, name: int) -> tuple[int, int]:
        """Of the title with so much of its name, and of the buttons, in pixels."""
        title = [name, *(w.sizeHint().width() for w in (self._badge,) if not w.isHidden())]
        row = [button.sizeHint().width() for button in self._buttons if not button.isHidden()]
        return _with_gaps(title), _with_gaps(row)


def _with_gaps(widths: Sequence[int]) -> int:
    return sum(widths) + SPACING * max(len(widths) - 1, 0)
