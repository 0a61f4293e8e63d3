"""Unsure words as they are painted: coloured and underlined, named by a tool tip, read to screen readers."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QHelpEvent, QImage, QTextCharFormat
from PySide6.QtWidgets import QStyleOptionViewItem, QToolTip
from pytestqt.qtbot import QtBot

from app.document.transcript import Transcript
from app.widgets.appearance import DARK, LIGHT, Appearance, Colors
from app.widgets.segment_delegate import MARGIN_X, MARGIN_Y, SegmentDelegate
from app.widgets.segment_layouts import SegmentLayouts
from app.widgets.transcript_model import Column, TranscriptModel
from app.widgets.transcript_view import TranscriptView
from gpu.types import Segment, Word
from tests.support.engine_messages import make_segment
from tests.support.legibility import MIN_CONTRAST, contrast

WORDS = (Word(" \N{GRINNING FACE}", 0, 1, 0.9), Word(" heard", 1, 2, 0.4), Word(" Houston", 2, 3, 0.1))
TEXT = " \N{GRINNING FACE} heard Houston"
SEGMENT = replace(make_segment(0), text=TEXT, words=WORDS, speaker=1, doubts=("repeated",))
UNMARKED = replace(SEGMENT, words=None)


@pytest.fixture
def view(appearance: Appearance, qtbot: QtBot) -> TranscriptView:
    model = TranscriptModel()
    view = TranscriptView(model, appearance)
    qtbot.addWidget(view)
    model.setParent(view)
    view.resize(500, 200)
    view.show()
    return view


def show(view: TranscriptView, *segments: Segment) -> QImage:
    view._transcript.show(Transcript(None, segments=list(segments)))  # type: ignore[arg-type]
    return view.grab().toImage()


def colours(image: QImage) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_marks_can_be_read_on_every_row(colors: Colors) -> None:
    for color in (colors.warning, colors.danger):
        for ground in (colors.surface, colors.hover, colors.selected):
            assert contrast(color, ground) >= MIN_CONTRAST


def test_no_information_by_colour_alone(qtbot: QtBot) -> None:
    layout = SegmentLayouts().of(0, SEGMENT, QFont(), 400.0, LIGHT)
    shown = layout.text()
    units = shown.encode("utf-16-le")
    formats = layout.formats()
    marked = {
        units[2 * part.start : 2 * (part.start + part.length)].decode("utf-16-le"): part.format for part in formats
    }
    assert set(marked) == {"heard", "Houston"}
    styles = QTextCharFormat.UnderlineStyle
    assert marked["heard"].underlineStyle() == styles.DashUnderline
    assert marked["Houston"].underlineStyle() == styles.WaveUnderline
    assert marked["heard"].foreground().color() == QColor(LIGHT.warning)
    assert marked["Houston"].foreground().color() == QColor(LIGHT.danger)


def test_marks_come_and_go_with_the_switch(view: TranscriptView) -> None:
    plain = colours(show(view, UNMARKED))
    marked = colours(show(view, SEGMENT))
    assert {LIGHT.warning, LIGHT.danger} <= marked - plain
    view.mark_words(False)
    assert colours(view.grab().toImage()) == plain


def test_marks_take_no_room(view: TranscriptView) -> None:
    show(view, UNMARKED)
    before = view.rowHeight(0)
    show(view, SEGMENT)
    assert view.rowHeight(0) == before


def test_only_what_is_painted_is_laid_out(view: TranscriptView) -> None:
    show(view, *[replace(SEGMENT, id=i) for i in range(2000)])
    layouts = view._delegate.layouts
    assert 0 < len(layouts._kept) < 20
    kept = layouts._kept[0].layout
    view.viewport().repaint()
    assert layouts._kept[0].layout is kept
    view._transcript.replace(0, 1, [replace(SEGMENT, text=" Another")])
    view.viewport().repaint()
    assert layouts._kept[0].layout is not kept


def test_the_tool_tip_says_how_sure(view: TranscriptView, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _pos, text, *_: shown.append(text))
    show(view, SEGMENT)
    index = view.model().index(0, Column.TEXT)
    delegate = view.itemDelegate()
    assert isinstance(delegate, SegmentDelegate)
    layout = delegate.layouts.of(0, SEGMENT, view.font(), view.columnWidth(Column.TEXT) - 2 * MARGIN_X, LIGHT)
    option = QStyleOptionViewItem()
    option.rect = view.visualRect(index)
    content = QRect(option.rect).topLeft() + QPoint(MARGIN_X, MARGIN_Y)
    for word in ("Houston", "Speaker", ""):
        at = 0.0 if not word else layout.lineAt(0).cursorToX(len(layout.text()[: layout.text().index(word)]) + 2)
        x = float(at[0] if isinstance(at, tuple) else at) if word else 460.0
        point = content + QPointF(x, 4.0).toPoint()
        delegate.helpEvent(QHelpEvent(QHelpEvent.Type.ToolTip, point, point), view, option, index)
    assert shown == [
        "“Houston”: 10 % sure\nThe same text comes several times in a row.",
        "The same text comes several times in a row.",
        "The same text comes several times in a row.",
    ]


def test_a_screen_reader_is_told(view: TranscriptView) -> None:
    show(view, SEGMENT)
    told = view.model().index(0, Column.TEXT).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert told.splitlines() == [
        "The same text comes several times in a row.",
        "Unsure words: heard (40 %), Houston (10 %)",
    ]
