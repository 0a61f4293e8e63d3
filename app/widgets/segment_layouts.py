"""Texts of segments laid out as they are painted, with the words marked that the model was not sure of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextLayout, QTextOption

from app.document.doubtful import Place, has_unsure_words, places
from app.utf16 import n_units
from app.widgets.appearance import Colors
from app.widgets.transcript_model import shown_text, speaker_prefix
from gpu.types import Segment

LINE_HEIGHT = 1.2  # of the font's own
N_KEPT = 300  # rows: some screens full


def lay_out(text: str, font: QFont, width: float, formats: list[QTextLayout.FormatRange] | None = None) -> QTextLayout:
    """`text` wrapped to `width` pixels; right-to-left scripts run from the right."""
    layout = QTextLayout(text, font)
    if formats:
        layout.setFormats(formats)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    layout.setTextOption(option)
    layout.beginLayout()
    y = 0.0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(width, 1.0))
        line.setPosition(QPointF(0.0, y))
        y += LINE_HEIGHT * line.height()
    layout.endLayout()
    return layout


@dataclass(frozen=True)
class _Kept:
    segment: Segment
    text: str
    width: float
    layout: QTextLayout


class SegmentLayouts:
    """Of the rows that were painted last: those that are painted again need not be laid out anew.

    Attributes:
        marks_words: what the model was not sure of has a colour and a line below.
    """

    def __init__(self) -> None:
        self.marks_words = True
        self._kept: dict[int, _Kept] = {}

    def forget(self) -> None:
        """Fonts or colours are others."""
        self._kept.clear()

    def of(self, row: int, segment: Segment, font: QFont, width: float, colors: Colors) -> QTextLayout:
        text, kept = shown_text(segment), self._kept.get(row)
        if kept is not None and kept.segment is segment and (kept.text, kept.width) == (text, width):
            return kept.layout
        layout = lay_out(text, font, width, self._formats(segment, colors))
        if len(self._kept) >= N_KEPT:
            self._kept.clear()
        self._kept[row] = _Kept(segment, text, width, layout)
        return layout

    def word_at(self, segment: Segment, layout: QTextLayout, point: QPointF) -> Place | None:
        """The timed word at a point of a layout, if there is one."""
        position = _position_at(layout, point)
        if position is None:
            return None
        ranges = [(place, *_range(segment, place)) for place in places(segment)]
        return next((place for place, start, length in ranges if start <= position < start + length), None)

    def _formats(self, segment: Segment, colors: Colors) -> list[QTextLayout.FormatRange]:
        if not self.marks_words or not has_unsure_words(segment):
            return []
        formats = []
        for place in places(segment):
            if place.is_unsure:
                part = QTextLayout.FormatRange()
                part.start, part.length = _range(segment, place)
                part.format = _mark(colors, place.is_very_unsure)
                formats.append(part)
        return formats


def _range(segment: Segment, place: Place) -> tuple[int, int]:
    """Where it begins in the text that is shown, and how long it is: in UTF-16 units, as Qt counts."""
    text = segment.text.strip()
    return n_units(speaker_prefix(segment) + text[: place.start]), n_units(text[place.start : place.end])


@cache
def _mark(colors: Colors, is_very_unsure: bool) -> QTextCharFormat:
    """No colour alone: the lines below differ too."""
    color = QColor(colors.danger if is_very_unsure else colors.warning)
    mark = QTextCharFormat()
    mark.setForeground(color)
    mark.setUnderlineColor(color)
    styles = QTextCharFormat.UnderlineStyle
    mark.setUnderlineStyle(styles.WaveUnderline if is_very_unsure else styles.DashUnderline)
    return mark


def _position_at(layout: QTextLayout, point: QPointF) -> int | None:
    """In UTF-16 units, as Qt counts; None beside the text."""
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        rect = line.naturalTextRect()
        if rect.top() <= point.y() < rect.top() + LINE_HEIGHT * line.height():
            if not rect.left() <= point.x() <= rect.right():
                return None
            return line.xToCursor(point.x(), line.CursorPosition.CursorOnCharacter)
    return None
