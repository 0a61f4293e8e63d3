"""What a recording looks like: its outline, the segments above it, and where it is being heard."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.document.transcript import clock
from app.playback.units import BINS_PER_SECOND, Outline
from app.widgets.appearance import Appearance
from app.widgets.waveform_painting import Stretch, lane_height, paint
from gpu.types import Segment

LANES = 5  # as high as so many lines of text
NARROWEST_S = 2.0  # what can be seen at once
FIRST_S = 30.0
SHORTEST_S = 0.1  # of a segment whose edge is dragged
TOGETHER_S = 0.02  # an end and a start so near to each other are one edge
GRIP = 5  # pixels to each side of an edge
HEAD = 5  # of what shows where it is heard
SKIP_S = 5.0
JUMP_S = 0.5  # whoever goes further than playing does wants to see where


@dataclass(frozen=True)
class Edge:
    """Of a segment, where it is dragged. `is_shared`: the end of this one is the start of the next."""

    row: int
    is_end: bool
    at_s: float
    is_shared: bool = False


class WaveformView(QWidget):
    """Shows a stretch of a recording, and follows what is heard unless somebody looks elsewhere.

    Signals:
        heard_wanted: it was clicked at a position, in seconds.
        skip_wanted: by so many seconds, by keyboard.
        step_wanted: to the next segment (1), or the one before (-1).
        speed_wanted: faster (1), or slower (-1).
        toggle_wanted: play or pause. left: Escape.
        retime_wanted: an edge of a segment was dragged: its row, new start and end in seconds.
        boundary_wanted: the end of a row, which is the start of the next, was dragged to a time.

    Attributes:
        may_retime: edges can be dragged.
        takes_tab: Tab steps through the segments; else it leaves.
    """

    heard_wanted = Signal(float)
    skip_wanted = Signal(float)
    step_wanted = Signal(int)
    speed_wanted = Signal(int)
    toggle_wanted = Signal()
    left = Signal()
    retime_wanted = Signal(int, float, float)
    boundary_wanted = Signal(int, float)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._outline: Outline = np.zeros((0, 2), np.int8)
        self._segments: Sequence[Segment] = ()
        self._duration_s = 0.0
        self._first_s, self._wanted_s = 0.0, FIRST_S
        self._position_s = 0.0
        self._row = -1
        self._dragged: Edge | None = None
        self._picture: QPixmap | None = None  # all but where it is heard, which changes all the time
        self.may_retime = self.takes_tab = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.redraw)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(400, LANES * lane_height(self.font()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, LANES * lane_height(self.font()))

    @property
    def _shown_s(self) -> float:
        """How much is seen: as much as is wanted, if there is so much."""
        return min(self._wanted_s, max(self._duration_s, NARROWEST_S))

    @property
    def shown(self) -> tuple[float, float]:
        """From where to where, in seconds."""
        return self._first_s, self._first_s + self._shown_s

    def show_segments(self, segments: Sequence[Segment], duration_s: float) -> None:
        """Those of a transcript, in order of time; the list may grow and change, `redraw` then."""
        if segments is not self._segments:
            self._first_s, self._wanted_s, self._position_s = 0.0, FIRST_S, 0.0
            self._dragged = None
        self._segments, self._duration_s = segments, max(duration_s, len(self._outline) / BINS_PER_SECOND)
        self._move_to(self._first_s)

    def show_outline(self, outline: Outline) -> None:
        self._outline = outline
        self._duration_s = max(self._duration_s, len(outline) / BINS_PER_SECOND)
        self.redraw()

    def show_position(self, position_s: float, row: int) -> None:
        """What is heard now, in which segment; -1 for none."""
        before, self._position_s = self._position_s, position_s
        first, last = self.shown
        was_seen = first <= before <= last or abs(position_s - before) > JUMP_S
        if was_seen and not first <= position_s <= last - 0.05 * self._shown_s:
            self._move_to(position_s - 0.1 * self._shown_s)
        if row != self._row:
            self._row = row
            self.redraw()
        self.setAccessibleDescription(f"{clock(position_s)} / {clock(self._duration_s)}")
        for time in (before, position_s):
            self.update(QRect(round(self._x(time)) - HEAD - 2, 0, 2 * HEAD + 4, self.height()))

    def redraw(self) -> None:
        """Something has changed that does not move with the sound."""
        self._picture = None
        self.update()

    def zoom(self, factor: float, around_s: float | None = None) -> None:
        """See `factor` times as much, with a moment where it is."""
        around = self._position_s if around_s is None else around_s
        share = min(max((around - self._first_s) / self._shown_s, 0.0), 1.0)
        self._wanted_s = min(max(self._shown_s * factor, NARROWEST_S), max(self._duration_s, NARROWEST_S))
        self._move_to(around - share * self._shown_s)

    def limited(self, row: int, is_end: bool, time: float) -> float:
        """Where an edge may be: not beyond the segment's other edge, nor in its neighbours."""
        segment = self._segments[row]
        if is_end:
            after = self._segments[row + 1].start if row + 1 < len(self._segments) else self._duration_s
            return min(max(time, segment.start + SHORTEST_S), max(after, segment.end))
        before = self._segments[row - 1].end if row else 0.0
        return max(min(time, segment.end - SHORTEST_S), min(before, segment.start))

    # ------------------------------------------------------------- events

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.size() != self.size() * ratio:
            self._picture = self._drawn(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(self._appearance.colors.text)
        x = self._x(self._position_s)
        painter.setPen(QPen(color, 1.5))
        painter.drawLine(QLineF(x, 0, x, self.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([QPointF(x - HEAD, 0), QPointF(x + HEAD, 0), QPointF(x, 1.4 * HEAD)]))
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._appearance.colors.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        edge = self._edge_at(event.position())
        if edge is not None and edge.is_shared and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            is_end = event.position().x() <= self._x(edge.at_s)
            edge = Edge(edge.row if is_end else edge.row + 1, is_end, edge.at_s)
        self._dragged = edge
        if edge is None:
            self.heard_wanted.emit(self._time(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if (edge := self._dragged) is not None:
            self._dragged = replace(edge, at_s=self._place_for(edge, self._time(event.position().x())))
            self.redraw()
            return
        over_edge = self._edge_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if over_edge else Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if (edge := self._dragged) is None:
            return
        self._dragged = None
        segment = self._segments[edge.row]
        if edge.is_shared:
            self.boundary_wanted.emit(edge.row, edge.at_s)
        elif edge.is_end:
            self.retime_wanted.emit(edge.row, segment.start, edge.at_s)
        else:
            self.retime_wanted.emit(edge.row, edge.at_s, segment.end)
        self.redraw()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(0.8**steps, self._time(event.position().x()))
        else:
            self._move_to(self._first_s - 0.15 * steps * self._shown_s)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and self.takes_tab:
            match event.key():  # they would move the focus
                case Qt.Key.Key_Tab:
                    self.step_wanted.emit(1)
                    return True
                case Qt.Key.Key_Backtab:
                    self.step_wanted.emit(-1)
                    return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        tell: dict[int, Callable[[], object]] = {
            Qt.Key.Key_Space: self.toggle_wanted.emit,
            Qt.Key.Key_Left: partial(self.skip_wanted.emit, -SKIP_S),
            Qt.Key.Key_Right: partial(self.skip_wanted.emit, SKIP_S),
            Qt.Key.Key_Up: partial(self.zoom, 0.5),
            Qt.Key.Key_Down: partial(self.zoom, 2.0),
            Qt.Key.Key_Plus: partial(self.speed_wanted.emit, 1),
            Qt.Key.Key_Equal: partial(self.speed_wanted.emit, 1),
            Qt.Key.Key_Minus: partial(self.speed_wanted.emit, -1),
            Qt.Key.Key_Home: partial(self.heard_wanted.emit, 0.0),
            Qt.Key.Key_Escape: self._escape,
        }
        if (told := tell.get(event.key())) is None:
            super().keyPressEvent(event)
        else:
            told()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.updateGeometry()
            self.redraw()
        super().changeEvent(event)

    # ------------------------------------------------------------- inside

    def _escape(self) -> None:
        """Give up what is dragged, or else leave."""
        if self._dragged is None:
            self.left.emit()
        else:
            self._dragged = None
            self.redraw()

    def _drawn(self, ratio: float) -> QPixmap:
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self._appearance.colors.surface))
        stretch = Stretch(
            self.width(), self.height(), self._first_s, self._shown_s, self._duration_s, self._row, self._span
        )
        painter = QPainter(picture)
        painter.setFont(self.font())
        paint(painter, stretch, self._outline, self._segments, self._appearance.colors)
        painter.end()
        return picture

    def _span(self, row: int) -> tuple[float, float]:
        """Of a segment, as it is being dragged."""
        segment, edge = self._segments[row], self._dragged
        if edge is not None and row == edge.row:
            return (segment.start, edge.at_s) if edge.is_end else (edge.at_s, segment.end)
        if edge is not None and edge.is_shared and row == edge.row + 1:
            return edge.at_s, segment.end
        return segment.start, segment.end

    def _x(self, seconds: float) -> float:
        return (seconds - self._first_s) / self._shown_s * self.width()

    def _time(self, x: float) -> float:
        return min(max(self._first_s + x / max(self.width(), 1) * self._shown_s, 0.0), self._duration_s)

    def _move_to(self, first_s: float) -> None:
        self._first_s = max(min(first_s, self._duration_s - self._shown_s), 0.0)
        self.redraw()

    def _edge_at(self, place: QPointF) -> Edge | None:
        """The edge that can be dragged there, the current segment's first."""
        if not self.may_retime:
            return None
        time = self._time(place.x())
        nearest = bisect_right(self._segments, time, key=lambda segment: segment.start) - 1
        for row in (self._row, nearest, nearest + 1, nearest - 1):
            if not 0 <= row < len(self._segments):
                continue
            segment = self._segments[row]
            if abs(self._x(segment.end) - place.x()) <= GRIP:
                shared = row + 1 < len(self._segments) and self._segments[row + 1].start - segment.end <= TOGETHER_S
                return Edge(row, True, segment.end, shared)
            if abs(self._x(segment.start) - place.x()) <= GRIP:
                if row and segment.start - self._segments[row - 1].end <= TOGETHER_S:
                    return Edge(row - 1, True, self._segments[row - 1].end, True)
                return Edge(row, False, segment.start)
        return None

    def _place_for(self, edge: Edge, time: float) -> float:
        if not edge.is_shared:
            return self.limited(edge.row, edge.is_end, time)
        first, second = self._segments[edge.row : edge.row + 2]
        return min(max(time, first.start + SHORTEST_S), second.end - SHORTEST_S)
