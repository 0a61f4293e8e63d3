"""What a recording looks like: its outline, the segments under it, and where it is being heard."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.document.transcript import clock
from app.playback.units import BINS_PER_SECOND, Outline
from app.widgets.appearance import Appearance
from gpu.types import Segment

HEIGHT = 84
SEGMENTS_HEIGHT = 16  # at the bottom
NARROWEST_S = 2.0  # what can be seen at once
FIRST_S = 30.0
NARROWEST_PX = 2.0  # of a segment that is drawn by itself
GRIP = 5  # pixels to each side of an edge
SKIP_S = 5.0


class WaveformView(QWidget):
    """Shows a stretch of a recording, and follows what is heard until it is moved by hand.

    Signals:
        heard_wanted: it was clicked at a position, in seconds.
        skip_wanted: by so many seconds, by keyboard.
        step_wanted: to the next segment (1), or the one before (-1).
        toggle_wanted: play or pause.
        retime_wanted: an edge of a segment was dragged: its row, new start and end in seconds.
    """

    heard_wanted = Signal(float)
    skip_wanted = Signal(float)
    step_wanted = Signal(int)
    toggle_wanted = Signal()
    retime_wanted = Signal(int, float, float)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._outline: Outline = np.zeros((0, 2), np.int8)
        self._segments: Sequence[Segment] = ()
        self._duration_s = 0.0
        self._first_s, self._shown_s = 0.0, FIRST_S
        self._position_s = 0.0
        self._row = -1
        self._dragged: tuple[int, bool, float] | None = None  # row, whether its end, and where it is now
        self.may_retime = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, HEIGHT)

    @property
    def shown(self) -> tuple[float, float]:
        """From where to where, in seconds."""
        return self._first_s, self._first_s + self._shown_s

    def show_segments(self, segments: Sequence[Segment], duration_s: float) -> None:
        """Those of a transcript, in order of time; the list may grow and change, `update` then."""
        self._segments, self._duration_s = segments, duration_s
        self._move_to(self._first_s)

    def show_outline(self, outline: Outline) -> None:
        self._outline = outline
        self._duration_s = max(self._duration_s, len(outline) / BINS_PER_SECOND)
        self.update()

    def show_position(self, position_s: float, row: int) -> None:
        """What is heard now, in which segment; -1 for none."""
        self._position_s, self._row = position_s, row
        first, last = self.shown
        if not first <= position_s <= last - 0.05 * self._shown_s:
            self._move_to(position_s - 0.1 * self._shown_s)
        self.setAccessibleDescription(f"{clock(position_s)} / {clock(self._duration_s)}")
        self.update()

    def zoom(self, factor: float, around_s: float | None = None) -> None:
        """See `factor` times as much, with a moment where it is."""
        around = self._position_s if around_s is None else around_s
        share = (around - self._first_s) / self._shown_s
        self._shown_s = min(max(self._shown_s * factor, NARROWEST_S), max(self._duration_s, NARROWEST_S))
        self._move_to(around - share * self._shown_s)

    # ------------------------------------------------------------- events

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        colors = self._appearance.colors
        painter.fillRect(self.rect(), QColor(colors.surface))
        self._paint_segments(painter)
        self._paint_outline(painter)
        painter.setPen(QPen(QColor(colors.danger), 2))
        x = self._x(self._position_s)
        painter.drawLine(QLineF(x, 0, x, self.height()))
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        edge = self._edge_at(event.position())
        if edge is not None:
            row, is_end = edge
            segment = self._segments[row]
            self._dragged = (row, is_end, segment.end if is_end else segment.start)
        else:
            self.heard_wanted.emit(self._time(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragged is not None:
            row, is_end, _ = self._dragged
            self._dragged = (row, is_end, self._limited(row, is_end, self._time(event.position().x())))
            self.update()
            return
        over_edge = self._edge_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if over_edge else Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragged is None:
            return
        (row, is_end, at), self._dragged = self._dragged, None
        segment = self._segments[row]
        self.retime_wanted.emit(row, segment.start if is_end else at, at if is_end else segment.end)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(0.8**steps, self._time(event.position().x()))
        else:
            self._move_to(self._first_s - 0.15 * steps * self._shown_s)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            match event.key():  # Tab would move the focus; Escape does
                case Qt.Key.Key_Tab:
                    self.step_wanted.emit(1)
                    return True
                case Qt.Key.Key_Backtab:
                    self.step_wanted.emit(-1)
                    return True
                case Qt.Key.Key_Escape:
                    self.focusNextChild()
                    return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        match event.key():
            case Qt.Key.Key_Space:
                self.toggle_wanted.emit()
            case Qt.Key.Key_Left:
                self.skip_wanted.emit(-SKIP_S)
            case Qt.Key.Key_Right:
                self.skip_wanted.emit(SKIP_S)
            case Qt.Key.Key_Up | Qt.Key.Key_Plus:
                self.zoom(0.5)
            case Qt.Key.Key_Down | Qt.Key.Key_Minus:
                self.zoom(2.0)
            case Qt.Key.Key_Home:
                self.heard_wanted.emit(0.0)
            case _:
                super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.update()

    # ------------------------------------------------------------- painting

    def _paint_outline(self, painter: QPainter) -> None:
        """Two values a column: the lowest and the highest of what lies in it."""
        first, last = self.shown
        height = self.height() - SEGMENTS_HEIGHT
        middle = height / 2
        edges = np.linspace(first, last, self.width() + 1) * BINS_PER_SECOND
        begins = edges[:-1].astype(int)
        ends = np.maximum(edges[1:].astype(int), begins + 1)
        n = int(np.searchsorted(begins, len(self._outline)))
        painter.setPen(QColor(self._appearance.colors.border))
        painter.drawLine(QLineF(0, middle, self.width(), middle))
        if n == 0:
            return
        begins, ends = np.maximum(begins[:n], 0), np.minimum(ends[:n], len(self._outline))
        part = self._outline[begins[0] : ends[-1]]
        at = begins - begins[0]
        low = np.minimum.reduceat(part[:, 0], at)
        high = np.maximum.reduceat(part[:, 1], at)
        scale = (middle - 3) / 128
        painter.setPen(QColor(self._appearance.colors.muted))
        painter.drawLines(
            [
                QLineF(x, middle - scale * top, x, middle - scale * bottom)
                for x, (bottom, top) in enumerate(zip(low.tolist(), high.tolist(), strict=True))
            ]
        )

    def _paint_segments(self, painter: QPainter) -> None:
        colors = self._appearance.colors
        first, last = self.shown
        top = self.height() - SEGMENTS_HEIGHT
        begin = bisect_left(self._segments, first, key=lambda segment: segment.end)
        stop = bisect_right(self._segments, last, key=lambda segment: segment.start)
        runs: list[tuple[float, float]] = []  # those that touch are one where nobody could tell them apart
        for row in range(begin, stop):
            left, right = map(self._x, self._span(row))
            if row == self._row:
                painter.fillRect(QRectF(left, 0, right - left, top), QColor(colors.selected))
                painter.fillRect(_block(left, right, top), QColor(colors.accent))
            elif runs and right - runs[-1][1] < NARROWEST_PX:
                runs[-1] = (runs[-1][0], right)
            else:
                runs.append((left, right))
        for left, right in runs:
            painter.fillRect(_block(left, right, top), QColor(colors.border))

    def _span(self, row: int) -> tuple[float, float]:
        """Of a segment, as it is being dragged."""
        segment = self._segments[row]
        if self._dragged is None or self._dragged[0] != row:
            return segment.start, segment.end
        _, is_end, at = self._dragged
        return (segment.start, at) if is_end else (at, segment.end)

    # ------------------------------------------------------------- places

    def _x(self, seconds: float) -> float:
        return (seconds - self._first_s) / self._shown_s * self.width()

    def _time(self, x: float) -> float:
        return min(max(self._first_s + x / max(self.width(), 1) * self._shown_s, 0.0), self._duration_s)

    def _move_to(self, first_s: float) -> None:
        self._first_s = max(min(first_s, self._duration_s - self._shown_s), 0.0)
        self.update()

    def _edge_at(self, place: QPointF) -> tuple[int, bool] | None:
        """The row of the segment whose edge is there, and whether it is its end; the current one's first."""
        if not self.may_retime:
            return None
        time = self._time(place.x())
        nearest = bisect_right(self._segments, time, key=lambda segment: segment.start) - 1
        for row in (self._row, nearest, nearest + 1):
            if 0 <= row < len(self._segments):
                segment = self._segments[row]
                for is_end, edge in ((False, segment.start), (True, segment.end)):
                    if abs(self._x(edge) - place.x()) <= GRIP:
                        return row, is_end
        return None

    def _limited(self, row: int, is_end: bool, time: float) -> float:
        """Not beyond the segment's other edge, nor into its neighbours."""
        segment = self._segments[row]
        if is_end:
            after = self._segments[row + 1].start if row + 1 < len(self._segments) else self._duration_s
            return min(max(time, segment.start + 0.1), max(after, segment.end))
        before = self._segments[row - 1].end if row else 0.0
        return max(min(time, segment.end - 0.1), min(before, segment.start))


def _block(left: float, right: float, top: float) -> QRectF:
    """Of a segment, with a gap to the next."""
    return QRectF(left, top + 2, max(right - left - 1, 1), SEGMENTS_HEIGHT - 4)
