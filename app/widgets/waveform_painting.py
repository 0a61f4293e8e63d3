"""How a stretch of a recording is drawn: segments above, the waveform in the middle, times below."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.document.transcript import clock
from app.playback.units import BINS_PER_SECOND, Outline
from app.widgets.appearance import Colors
from gpu.types import Segment

PADDING = 3  # above and below the text of a segment
RADIUS = 4.0
NARROWEST_PX = 4.0  # of a segment that is drawn by itself
MARK_PX = 90  # between two times, at least
SMALL = 0.85  # of the window's font: texts and times
SOFTEST = 16  # of 128: what is softer than that looks soft
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Stretch:
    """What is to be drawn, and where.

    Attributes:
        first_s, shown_s: the left edge, and how much of the recording is seen.
        row: the segment that is heard; -1 for none.
        span: of a segment, in seconds; another one than its own while it is dragged.
    """

    width: int
    height: int
    first_s: float
    shown_s: float
    duration_s: float
    row: int
    span: Callable[[int], tuple[float, float]]

    def x(self, seconds: float) -> float:
        return (seconds - self.first_s) / self.shown_s * self.width


def small(font: QFont) -> QFont:
    font = QFont(font)
    font.setPointSizeF(SMALL * font.pointSizeF())
    return font


def lane_height(font: QFont) -> int:
    """Of the segments, and of the times."""
    return round(QFontMetricsF(small(font)).height()) + 2 * PADDING


def paint(painter: QPainter, stretch: Stretch, outline: Outline, segments: Sequence[Segment], colors: Colors) -> None:
    painter.setFont(small(painter.font()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    lane = round(QFontMetricsF(painter.font()).height()) + 2 * PADDING
    _paint_times(painter, stretch, lane, colors)
    if 0 <= stretch.row < len(segments):
        left, right = map(stretch.x, stretch.span(stretch.row))
        painter.fillRect(QRectF(left, lane, right - left, stretch.height - 2 * lane), QColor(colors.selected))
    _paint_outline(painter, stretch, outline, lane, colors)
    _paint_segments(painter, stretch, segments, lane, colors)


def _paint_times(painter: QPainter, stretch: Stretch, lane: int, colors: Colors) -> None:
    least_s = MARK_PX * stretch.shown_s / max(stretch.width, 1)
    step_s = next((step for step in _STEPS_S if step >= least_s), _STEPS_S[-1])
    top = stretch.height - lane
    time = int(stretch.first_s // step_s) * step_s
    while time <= stretch.first_s + stretch.shown_s:
        x = stretch.x(time)
        painter.setPen(QColor(colors.border))
        painter.drawLine(QLineF(x, lane, x, top + 4))
        if x + 4 + painter.fontMetrics().horizontalAdvance(clock(time)) <= stretch.width:  # else it were cut off
            painter.setPen(QColor(colors.muted))
            painter.drawText(QRectF(x + 4, top, MARK_PX, lane), Qt.AlignmentFlag.AlignVCenter, clock(time))
        time += step_s


def _paint_outline(painter: QPainter, stretch: Stretch, outline: Outline, lane: int, colors: Colors) -> None:
    """A line for each column, from the lowest to the highest of what lies in it."""
    half = (stretch.height - 2 * lane) / 2
    middle = lane + half
    painter.setPen(QColor(colors.border))
    end = min(stretch.x(stretch.duration_s), stretch.width)
    painter.drawLine(QLineF(0, middle, end, middle))
    edges = np.linspace(stretch.first_s, stretch.first_s + stretch.shown_s, stretch.width + 1) * BINS_PER_SECOND
    begins = np.maximum(edges[:-1].astype(int), 0)
    begins = begins[: int(np.searchsorted(begins, len(outline)))]
    if not len(begins):
        return
    part = outline[begins[0] : max(int(edges[len(begins)]), int(begins[-1]) + 1)]
    at = begins - begins[0]
    scale = (half - 2) / max(SOFTEST, int(outline.max(initial=0)), -int(outline.min(initial=0)))
    low = middle - scale * np.minimum.reduceat(part[:, 0], at).astype(float) + 0.5
    high = middle - scale * np.maximum.reduceat(part[:, 1], at).astype(float) - 0.5
    lines = [QLineF(x + 0.5, a, x + 0.5, b) for x, (a, b) in enumerate(zip(high.tolist(), low.tolist(), strict=True))]
    heard = (0, 0)
    if stretch.row >= 0:
        left, right = (min(max(round(stretch.x(time)), 0), len(lines)) for time in stretch.span(stretch.row))
        heard = (left, right)
    painter.setPen(QPen(QColor(colors.muted), 1))
    painter.drawLines(lines[: heard[0]] + lines[heard[1] :])
    painter.setPen(QPen(QColor(colors.accent), 1))
    painter.drawLines(lines[heard[0] : heard[1]])


def _paint_segments(
    painter: QPainter, stretch: Stretch, segments: Sequence[Segment], lane: int, colors: Colors
) -> None:
    begin = bisect_left(segments, stretch.first_s, key=lambda segment: segment.end)
    stop = bisect_right(segments, stretch.first_s + stretch.shown_s, key=lambda segment: segment.start)
    narrow: list[tuple[float, float]] = []  # those that touch are one where nobody could tell them apart
    for row in range(begin, stop):
        left, right = map(stretch.x, stretch.span(row))
        if row == stretch.row:
            continue
        if right - left >= NARROWEST_PX:
            _paint_block(painter, left, right, lane, segments[row].text.strip(), (colors.hover, colors.text))
        elif narrow and right - narrow[-1][1] < NARROWEST_PX:
            narrow[-1] = (narrow[-1][0], right)
        else:
            narrow.append((left, right))
    for left, right in narrow:
        _paint_block(painter, left, right, lane, "", (colors.hover, colors.text))
    if begin <= stretch.row < stop:
        left, right = map(stretch.x, stretch.span(stretch.row))
        text = segments[stretch.row].text.strip()
        _paint_block(painter, left, right, lane, text, (colors.accent, colors.on_accent))


def _paint_block(painter: QPainter, left: float, right: float, lane: int, text: str, colors: tuple[str, str]) -> None:
    """A segment, with a gap to the next; its text as far as there is room."""
    block = QRectF(left + 0.5, 0, max(right - left - 1, 1.0), lane - 2)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors[0]))
    painter.drawRoundedRect(block, RADIUS, RADIUS)
    inside = block.adjusted(6, 0, -4, 0)
    inside.setLeft(max(inside.left(), 4))  # of one that began before
    if inside.width() > 2 * lane and text:
        painter.setPen(QColor(colors[1]))
        metrics = QFontMetricsF(painter.font())
        shown = metrics.elidedText(text[:200], Qt.TextElideMode.ElideRight, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
