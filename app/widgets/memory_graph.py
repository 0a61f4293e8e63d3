"""Memory over the last two minutes, drawn small."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gpu.types import MemoryUsage

N_SAMPLES = 240  # of half a second each
CURVE, GAP, BAR = 26, 4, 6  # pixels high
_LEAST = 2.0  # pixels of the bar: what is ours can be seen


class MemoryGraph(QWidget):
    """Ours as a curve on a scale of its own; below it, ours, what others use, and what is free, as parts of a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.samples: deque[MemoryUsage] = deque(maxlen=N_SAMPLES)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def add(self, memory: MemoryUsage) -> None:
        """The latest, at equal intervals. Of another device: the curve begins anew."""
        if self.samples and self.samples[-1].total != memory.total:
            self.samples.clear()
        self.samples.append(memory)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, CURVE + GAP + BAR)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.layoutDirection().name == "RightToLeft":
            painter.translate(self.width(), 0)
            painter.scale(-1, 1)
        border = self.palette().color(QPalette.ColorRole.Mid)
        painter.setPen(border)
        painter.drawLine(QPointF(0, CURVE - 0.5), QPointF(self.width(), CURVE - 0.5))
        self._draw_bar(painter, border)
        if len(self.samples) > 1:
            self._draw_curve(painter)

    def _draw_curve(self, painter: QPainter) -> None:
        accent = self.palette().color(QPalette.ColorRole.Accent)
        most = max(sample.used for sample in self.samples) * 1.1 or 1
        step = self.width() / (N_SAMPLES - 1)
        left = self.width() - step * (len(self.samples) - 1)  # the newest is at the end
        points = [QPointF(left + i * step, CURVE * (1 - s.used / most)) for i, s in enumerate(self.samples)]
        area = QColor(accent)
        area.setAlphaF(0.18)
        painter.setPen(area)
        painter.setBrush(area)
        painter.drawPolygon(QPolygonF([QPointF(left, CURVE), *points, QPointF(self.width(), CURVE)]))
        painter.setPen(accent)
        painter.drawPolyline(QPolygonF(points))

    def _draw_bar(self, painter: QPainter, border: QColor) -> None:
        roles = QPalette.ColorRole
        painter.save()
        painter.setPen(border)
        painter.setBrush(border)
        bar = QRectF(0, CURVE + GAP, self.width(), BAR)
        painter.drawRect(bar.adjusted(0, 0.5, 0, -0.5))
        if self.samples and (total := self.samples[-1].total) > 0:
            memory = self.samples[-1]
            ours = max(self.width() * memory.used / total, _LEAST)
            others = max(self.width() * (total - memory.free) / total - ours, 0.0)
            painter.fillRect(QRectF(ours + 1, bar.y(), others, BAR), self.palette().color(roles.PlaceholderText))
            painter.fillRect(QRectF(0, bar.y(), ours, BAR), self.palette().color(roles.Accent))
        painter.restore()
