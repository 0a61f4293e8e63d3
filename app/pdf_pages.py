"""The pages of a transcript on paper: the title, a paragraph for each segment with its time in the margin, numbers of
pages."""

from __future__ import annotations

import re
import unicodedata

from PySide6.QtCore import QBuffer, QIODevice, QLocale, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGlyphRun,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)

from app.document.subtitles import one_line, spoken_by
from app.document.transcript import Transcript, clock
from app.paths import APP_NAME
from app.utf16 import n_units
from gpu.errors import OutputFileError
from gpu.types import Words

RESOLUTION = 600  # dots an inch, of places; letters are outlines
MARGIN_MM = 20.0
SIZE, TITLE_SIZE, SMALL_SIZE = 10.5, 18.0, 8.5  # points, as what follows
TIME_WIDTH, FOOT, PARAGRAPH_GAP = 46.0, 26.0, 4.0
POINT = RESOLUTION / 72
LINE_HEIGHT = 1.2  # of what the letters take
GREY, BLACK = "#5b6470", "#111111"
LETTERS_TOLD = 8

_FAMILIES = ("Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial")
_CHINESE = ("Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC")
_EAST_ASIAN = {  # the same code points look otherwise in these languages
    "ja": ("Yu Gothic", "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP"),
    "ko": ("Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans CJK KR", "Noto Sans KR"),
    "yue": ("Microsoft JhengHei", "PingFang HK", "Noto Sans CJK HK", "Noto Sans CJK TC"),
}
_RADICALS = "".join(map(chr, range(0x2E80, 0x2FE0)))  # signs in dictionaries that look like ideographs


def draw(transcript: Transcript) -> bytes:
    """The file. There must be a `QGuiApplication`.

    Raises:
        OutputFileError: no font has the letters of the text.
    """
    radicals = _check_fonts(transcript)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = _writer(buffer, one_line(transcript.path.name))
    pages = _Pages(writer, transcript.language)
    length = clock(max((segment.end for segment in transcript.segments), default=0.0))
    below = " · ".join(filter(None, (length, transcript.language)))
    pages.write_title(one_line(transcript.path.name), below)
    for segment in transcript.segments:
        if text := one_line(segment.text):
            pages.write(clock(segment.start), spoken_by(segment), text, doubtful=bool(segment.doubts))
    pages.end()
    return _searchable(bytes(buffer.data().data()), radicals)


def _writer(buffer: QBuffer, title: str) -> QPdfWriter:
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator(APP_NAME)
    writer.setResolution(RESOLUTION)
    inches = QLocale.system().measurementSystem() == QLocale.MeasurementSystem.ImperialUSSystem
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.Letter if inches else QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM), QPageLayout.Unit.Millimeter)
    return writer


class _Pages:
    """Draws paragraphs one below the other, each by itself: a text of hours takes long to lay out as a whole, and no
    other thread can run Python meanwhile. Everything is measured in the dots of the paper."""

    def __init__(self, writer: QPdfWriter, language: str | None) -> None:
        self._writer = writer
        self._painter = QPainter(writer)
        self._width = float(writer.width())
        self._bottom = writer.height() - FOOT * POINT
        self._y, self._number = 0.0, 0
        self._text, self._title = _font(language), _font(language, TITLE_SIZE, bold=True)
        self._small = _font(language, SMALL_SIZE)
        self._speaker, self._doubtful = QTextCharFormat(), QTextCharFormat()
        self._speaker.setFontWeight(QFont.Weight.Bold)
        self._doubtful.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        self._next_page()

    def write_title(self, title: str, below: str) -> None:
        self._paragraph(self._layout(title, self._title), 0.0)
        self._painter.setPen(QColor(GREY))
        self._paragraph(self._layout(below, self._small), 0.0)
        self._y += 12 * POINT

    def write(self, time: str, speaker: str, text: str, *, doubtful: bool) -> None:
        layout = self._layout(speaker + text, self._text)
        ranges = [(0, n_units(speaker), self._speaker)]
        if doubtful:
            ranges.append((n_units(speaker), n_units(text), self._doubtful))
        layout.setFormats([_range(*values) for values in ranges])
        self._paragraph(layout, TIME_WIDTH * POINT, time)

    def end(self) -> None:
        self._painter.end()

    def _layout(self, text: str, font: QFont) -> QTextLayout:
        layout = QTextLayout(text, font, self._writer)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        if _is_backwards(text):
            option.setTextDirection(Qt.LayoutDirection.RightToLeft)
            option.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute)
        else:
            option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        layout.setTextOption(option)
        return layout

    def _paragraph(self, layout: QTextLayout, margin: float, time: str = "") -> None:
        """Args:
        margin: at the side where its lines begin.
        time: stands there beside the first line.
        """
        backwards = layout.textOption().textDirection() == Qt.LayoutDirection.RightToLeft
        left, width = (0.0 if backwards else margin), self._width - margin
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
        layout.endLayout()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            height = line.height() * LINE_HEIGHT
            if self._y + height > self._bottom:
                self._next_page()
            if number == 0 and time:
                self._draw_time(time, self._y + line.ascent(), backwards=backwards)
            line.draw(self._painter, QPointF(left, self._y - line.y()))
            self._y += height
        self._y += PARAGRAPH_GAP * POINT

    def _draw_time(self, time: str, baseline: float, *, backwards: bool) -> None:
        self._painter.setFont(self._small)
        self._painter.setPen(QColor(GREY))
        width = QFontMetricsF(self._small, self._writer).horizontalAdvance(time)
        self._painter.drawText(QPointF(self._width - width if backwards else 0.0, baseline), time)
        self._painter.setPen(QColor(BLACK))

    def _next_page(self) -> None:
        if self._number:
            self._writer.newPage()
        self._number += 1
        self._y = 0.0
        self._painter.setFont(self._small)
        self._painter.setPen(QColor(GREY))
        foot = QRectF(0, self._bottom, self._width, FOOT * POINT)
        self._painter.drawText(foot, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, str(self._number))
        self._painter.setPen(QColor(BLACK))


def _range(start: int, length: int, format_: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, length, format_
    return made


def _font(language: str | None, size: float = SIZE, *, bold: bool = False) -> QFont:
    font = QFont()
    font.setFamilies([*_FAMILIES, *_EAST_ASIAN.get(language or "", ()), *_CHINESE])
    font.setPointSizeF(size)
    font.setBold(bold)
    font.setFeature(QFont.Tag("liga"), 0)  # "fi" is to be found as two letters
    return font


def _is_backwards(text: str) -> bool:
    """Its first letter is of a script that runs from right to left."""
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((direction for direction in directions if direction in ("L", "R", "AL")), "L") != "L"


def _check_fonts(transcript: Transcript) -> dict[str, str]:
    """Every letter must have a shape: Qt draws empty boxes where no font has it. Signs and emoji may be boxes.

    Returns:
        Radicals that share their shape with an ideograph of the text, with that.

    Raises:
        OutputFileError: the letters that no font has.
    """
    used = set[str]().union(transcript.path.name, *(segment.text for segment in transcript.segments))
    letters = sorted(char for char in used if unicodedata.category(char) in ("Lu", "Ll", "Lo", "Nd"))
    runs = _glyph_runs("".join(letters), transcript.language)
    if any(0 in run.glyphIndexes() for run in runs):
        missing = [c for c in letters if any(0 in r.glyphIndexes() for r in _glyph_runs(c, transcript.language))]
        raise OutputFileError(
            Words("No font on this system has the letters {letters}.", letters="".join(missing[:LETTERS_TOLD])),
            remedy=Words("Install a font for them, on Linux fonts-noto or fonts-noto-cjk, or choose another format."),
        )
    ideographs = "".join(char for char in letters if char >= "\u3400")
    fonts = {run.rawFont().familyName(): run.rawFont() for run in runs}
    radicals: dict[str, str] = {}
    for font in fonts.values():
        by_glyph = {glyph: char for char in ideographs for glyph in font.glyphIndexesForString(char) if glyph}
        for radical in _RADICALS:
            [glyph] = font.glyphIndexesForString(radical)
            if glyph in by_glyph:
                radicals[radical] = by_glyph[glyph]
    return radicals


def _glyph_runs(text: str, language: str | None) -> list[QGlyphRun]:
    layout = QTextLayout(text, _font(language))
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return layout.glyphRuns()


def _searchable(file: bytes, radicals: dict[str, str]) -> bytes:
    """Qt notes for each glyph the lowest code point that has it, for those who search and copy text. Where that is a
    radical, it is replaced by the ideograph of the text; what was written stays as long as it was."""
    replacements = {f"<{ord(old):04X}>".encode(): f"<{ord(new):04X}>".encode() for old, new in radicals.items()}
    if not replacements:
        return file

    def replace(array: re.Match[bytes]) -> bytes:
        return re.sub(rb"<[0-9A-F]{4}>", lambda code: replacements.get(code[0], code[0]), array[0])

    def replace_in_map(block: re.Match[bytes]) -> bytes:
        return re.sub(rb"\[[^\]]*\]|(?<=> )<[0-9A-F]{4}>(?=\n)", replace, block[0])

    return re.sub(rb"\d+ beginbfrange\n.*?endbfrange", replace_in_map, file, flags=re.DOTALL)
