"""Following the newest text, heights that fit, and thousands of rows."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.document.transcript import Transcript
from app.widgets.appearance import Appearance
from app.widgets.segment_delegate import MARGIN_X
from app.widgets.segment_layouts import lay_out
from app.widgets.transcript_model import Column, TranscriptModel
from app.widgets.transcript_view import TranscriptView
from tests.support.engine_messages import make_segment

LONG = "A sentence that is much too long for one line of the window and is therefore wrapped into several. " * 3


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(Path("a.wav"))


@pytest.fixture
def view(qtbot: QtBot, appearance: Appearance, transcript: Transcript) -> TranscriptView:
    model = TranscriptModel()
    model.show(transcript)
    view = TranscriptView(model, appearance)
    model.setParent(view)
    qtbot.addWidget(view)
    view.resize(500, 300)
    view.show()
    qtbot.waitExposed(view)
    return view


def append(view: TranscriptView, transcript: Transcript, count: int, text: str = LONG) -> None:
    for _ in range(count):
        transcript.append(make_segment(len(transcript.segments), text))
    model = view.model()
    assert isinstance(model, TranscriptModel)
    model.sync()


def settle(qtbot: QtBot, view: TranscriptView) -> None:
    qtbot.waitUntil(lambda: not view._unmeasured, timeout=60_000)  # the machine may be busy


def is_at_end(view: TranscriptView) -> bool:
    return view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_the_newest_text_stays_in_view(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    for _ in range(30):
        append(view, transcript, 1)
        settle(qtbot, view)
        assert is_at_end(view)
    assert view.verticalScrollBar().maximum() > 1000
    assert view.following


def test_the_newest_text_stays_in_view_when_room_is_taken(
    view: TranscriptView, transcript: Transcript, qtbot: QtBot
) -> None:
    append(view, transcript, 50)
    settle(qtbot, view)
    for height in (view.height() - 50, view.height() + 50):
        view.resize(view.width(), height)
        assert is_at_end(view)
        assert view.following
    view.verticalScrollBar().setValue(0)
    view.resize(view.width(), view.height() - 50)
    assert view.verticalScrollBar().value() == 0
    assert not view.following


def test_a_reader_who_scrolled_up_is_left_alone(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    append(view, transcript, 50)
    settle(qtbot, view)
    with qtbot.waitSignal(view.following_changed):
        view.verticalScrollBar().setValue(200)
    append(view, transcript, 50)
    settle(qtbot, view)
    assert view.verticalScrollBar().value() == 200
    with qtbot.waitSignal(view.following_changed):
        view.follow()
    assert is_at_end(view)
    append(view, transcript, 1)
    settle(qtbot, view)
    assert is_at_end(view)


def test_scrolling_back_to_the_end_follows_again(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    append(view, transcript, 50)
    settle(qtbot, view)
    view.verticalScrollBar().setValue(0)
    assert not view.following
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    assert view.following


@pytest.mark.parametrize("text", [LONG, "short", "没有空格的文本也会换行。" * 12, "x" * 300, "שלום עולם " * 30, ""])
def test_rows_are_as_high_as_their_text(view: TranscriptView, transcript: Transcript, qtbot: QtBot, text: str) -> None:
    append(view, transcript, 1, text)
    for width in (500, 300, 800):
        view.resize(width, 300)
        settle(qtbot, view)
        column = view.columnWidth(Column.TEXT)
        assert view.columnWidth(Column.TIME) + column <= view.viewport().width()
        layout = lay_out(text, view.font(), column - 2 * MARGIN_X)
        bottom = layout.lineAt(layout.lineCount() - 1).rect().bottom() if text else 0
        assert bottom <= view.rowHeight(0) <= bottom * 1.3 + 60
        assert layout.boundingRect().width() <= column


def test_the_reading_position_survives_a_new_width(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    append(view, transcript, 400)
    settle(qtbot, view)
    view.verticalScrollBar().setValue(view.rowViewportPosition(200) + view.verticalScrollBar().value())
    assert view.rowAt(0) == 200
    view.resize(350, 300)
    settle(qtbot, view)
    assert view.rowAt(0) == 200


def test_thousands_of_rows_never_hold_up_the_window(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    """A three-hour transcript comes at once, is scrolled and resized: no step takes 50 ms of the processor."""

    def cpu_of(step: object) -> float:
        started = time.thread_time()
        step()  # type: ignore[operator]
        return time.thread_time() - started

    n_rows = 5000
    for number in range(n_rows):
        transcript.append(make_segment(number))
    model = view.model()
    assert isinstance(model, TranscriptModel)
    steps = [cpu_of(model.sync), cpu_of(lambda: view.resize(700, 400)), cpu_of(view.scrollToTop)]
    while view._unmeasured:
        steps.append(cpu_of(QGuiApplication.processEvents))
    append(view, transcript, 1)
    steps += [cpu_of(lambda: append(view, transcript, 1)), cpu_of(QGuiApplication.processEvents)]
    assert max(steps) < 0.05
    assert view.verticalScrollBar().maximum() > n_rows * 20


def test_selected_rows_are_copied(view: TranscriptView, transcript: Transcript, qtbot: QtBot) -> None:
    for text in ("One", "Two", "Three"):
        append(view, transcript, 1, text)
    view.selectRow(1)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Two"
    view.selectAll()
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "One\nTwo\nThree"
