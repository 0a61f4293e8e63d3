"""The waveform by mouse and keyboard."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.playback.units import BINS_PER_SECOND
from app.widgets.appearance import Appearance
from app.widgets.waveform_view import WaveformView
from gpu.types import Segment
from tests.support.accessibility import missing
from tests.support.engine_messages import make_segment

WIDTH = 600
SEGMENTS = [make_segment(number) for number in range(40)]


@pytest.fixture
def view(appearance: Appearance, qtbot: QtBot) -> WaveformView:
    view = WaveformView(appearance)
    qtbot.addWidget(view)
    view.resize(WIDTH, view.sizeHint().height())
    view.show()
    noise = np.random.default_rng(2).integers(0, 100, (120 * BINS_PER_SECOND, 1))
    view.show_outline(np.concatenate([-noise, noise], axis=1).astype(np.int8))
    view.show_segments(SEGMENTS, 120.0)
    return view


def x_of(view: WaveformView, seconds: float) -> QPoint:
    first, last = view.shown
    return QPoint(round((seconds - first) / (last - first) * view.width()), 30)


def wheel(view: WaveformView, steps: int, keys: Qt.KeyboardModifier) -> None:
    place = QPointF(WIDTH / 2, 30)
    angle = QPoint(0, 120 * steps)
    QApplication.sendEvent(
        view,
        QWheelEvent(place, place, QPoint(), angle, Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False),
    )


def test_a_click_is_heard_from_there(view: WaveformView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.heard_wanted) as signal:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=x_of(view, 17.0))
    assert signal.args[0] == pytest.approx(17.0, abs=0.06)


def test_keys(view: WaveformView, qtbot: QtBot) -> None:
    view.takes_tab = True
    for key, signal, args in (
        (Qt.Key.Key_Space, view.toggle_wanted, []),
        (Qt.Key.Key_Right, view.skip_wanted, [5.0]),
        (Qt.Key.Key_Left, view.skip_wanted, [-5.0]),
        (Qt.Key.Key_Tab, view.step_wanted, [1]),
        (Qt.Key.Key_Backtab, view.step_wanted, [-1]),
        (Qt.Key.Key_Plus, view.speed_wanted, [1]),
        (Qt.Key.Key_Minus, view.speed_wanted, [-1]),
        (Qt.Key.Key_Escape, view.left, []),
        (Qt.Key.Key_Home, view.heard_wanted, [0.0]),
    ):
        with qtbot.waitSignal(signal) as emitted:
            qtbot.keyClick(view, key)
        assert list(emitted.args) == args


def test_the_wheel_moves_and_zooms(view: WaveformView) -> None:
    wheel(view, -2, Qt.KeyboardModifier.NoModifier)
    first, last = view.shown
    assert first > 5.0
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    nearer = view.shown
    assert nearer[1] - nearer[0] == pytest.approx((last - first) * 0.8**3)
    assert sum(nearer) / 2 == pytest.approx((first + last) / 2, abs=0.1), "what the pointer is on stays there"
    wheel(view, -60, Qt.KeyboardModifier.ControlModifier)
    assert view.shown == (0.0, 120.0), "no more than there is"


def test_it_follows_what_is_heard(view: WaveformView) -> None:
    view.show_position(100.0, 33)
    first, last = view.shown
    assert first < 100.0 < last
    view.show_position(3.0, 1)
    assert view.shown[0] < 3.0


def apart() -> list[Segment]:
    """Segments with pauses between them."""
    return [replace(segment, end=segment.end - 1.0) for segment in SEGMENTS]


def test_edges_are_dragged_and_stay_between_their_neighbours(view: WaveformView, qtbot: QtBot) -> None:
    segments = apart()
    view.show_segments(segments, 120.0)
    view.may_retime = True
    view.show_position(segments[2].start + 0.5, 2)
    end = x_of(view, segments[2].end)
    for wanted, got in ((-0.7, -0.7), (-9.0, 0.1 - 2.0), (9.0, 1.0)):
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=end)
        qtbot.mouseMove(view, x_of(view, segments[2].end + wanted))
        with qtbot.waitSignal(view.retime_wanted) as signal:
            qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
        row, start, stop = signal.args
        assert (row, start) == (2, segments[2].start)
        assert stop == pytest.approx(segments[2].end + got, abs=0.06)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=x_of(view, segments[3].start))
    qtbot.mouseMove(view, x_of(view, 0.0))
    with qtbot.waitSignal(view.retime_wanted) as signal:
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    assert signal.args == [3, segments[2].end, segments[3].end]


def test_what_touches_is_dragged_together_and_alone_with_shift(view: WaveformView, qtbot: QtBot) -> None:
    view.may_retime = True
    edge = x_of(view, SEGMENTS[2].end)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=edge)
    qtbot.mouseMove(view, x_of(view, SEGMENTS[2].end + 1.0))
    with qtbot.waitSignal(view.boundary_wanted) as signal:
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=edge)
    row, time = signal.args
    assert row == 2
    assert time == pytest.approx(SEGMENTS[2].end + 1.0, abs=0.06)
    for side, row, at in ((-3, 2, 8.0), (3, 3, 10.0)):
        place = edge + QPoint(side, 0)
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, place)
        qtbot.mouseMove(view, x_of(view, at))
        with qtbot.waitSignal(view.retime_wanted) as signal:
            qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place)
        assert signal.args[0] == row
        assert signal.args[2 if row == 2 else 1] == pytest.approx(at, abs=0.06)


def test_escape_gives_up_a_drag(view: WaveformView, qtbot: QtBot) -> None:
    view.may_retime = True
    edge = x_of(view, SEGMENTS[2].end)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=edge)
    qtbot.mouseMove(view, x_of(view, SEGMENTS[2].end + 1.0))
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    with qtbot.assertNotEmitted(view.boundary_wanted), qtbot.assertNotEmitted(view.left):
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=edge)


def test_tab_is_the_way_out_for_all_who_do_not_listen(view: WaveformView, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.step_wanted):
        qtbot.keyClick(view, Qt.Key.Key_Tab)


def test_a_short_recording_fills_the_width(view: WaveformView) -> None:
    view.show_outline(np.zeros((11 * BINS_PER_SECOND, 2), np.int8))
    view.show_segments(SEGMENTS[:3], 11.0)
    assert view.shown == (0.0, 11.0)
    view.show_segments(list(SEGMENTS), 120.0)
    assert view.shown == (0.0, 30.0)


def test_who_looks_elsewhere_is_not_fetched_back(view: WaveformView) -> None:
    view.show_position(1.0, 0)
    view._move_to(60.0)
    view.show_position(1.03, 0)
    assert view.shown[0] == 60.0
    view.show_position(30.0, 10)  # but for another place
    assert view.shown[0] < 30.0


def test_what_does_not_move_is_drawn_once(view: WaveformView) -> None:
    view.grab()
    picture = view._picture
    for hundredth in range(100):
        view.show_position(hundredth / 100, 0)
        view.grab()
    assert view._picture is not picture, "another segment is heard"
    again = view._picture
    view.show_position(1.01, 0)
    view.grab()
    assert view._picture is again


def test_edges_rest_where_nothing_may_be_changed(view: WaveformView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.heard_wanted):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=x_of(view, SEGMENTS[2].end))


def test_five_hours_are_drawn_quickly(view: WaveformView) -> None:
    """All of it at once, the most there is to look at."""
    noise = np.random.default_rng(2).integers(-100, 100, (5 * 3600 * BINS_PER_SECOND, 2)).astype(np.int8)
    view.show_outline(np.sort(noise, axis=1))
    view.show_segments([make_segment(number) for number in range(6000)], 18_000.0)
    view.zoom(10_000)
    assert view.shown == (0.0, 18_000.0)
    began = time.thread_time()
    view.grab()
    assert time.thread_time() - began < 0.05


def test_a_screen_reader_is_told(view: WaveformView) -> None:
    view.setAccessibleName("Waveform")
    view.show_position(61.0, 3)
    assert missing(view) == []
    assert view.accessibleDescription() == "1:01 / 2:00"
