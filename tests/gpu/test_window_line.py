"""What is decoded side by side comes out in order, and what a window leaves out is heard again."""

import numpy as np
import pytest

from gpu.decoding import DecodedWindow
from gpu.mel import N_FRAMES
from gpu.speech import Stretch
from gpu.window_line import Recognised, TimedTokens, WindowLine
from gpu.windows import Window

DECODED = DecodedWindow((), (), -0.1, 1.0, 0.0, 0.0, 0)


def window(*stretches, speech=None, n_before=0):
    mel = np.zeros((80, N_FRAMES), np.float32)
    spans = None if speech is None else tuple(Stretch(*s) for s in speech)
    return Window(tuple(Stretch(*s) for s in stretches), mel, spans, n_before)


def piece(start_s, end_s):
    return TimedTokens(round(start_s * 50), round(end_s * 50), (1,))


def begun(line, *windows):
    for w in windows:
        line.begin(w)


def finish(line, w, pieces, advance):
    line.finish(Recognised(w, DECODED, pieces, advance, "en"))


def times(part: Recognised):
    return [(p.start / 50, p.end / 50) for p in part.pieces]


def test_finished_windows_wait_for_those_before_them():
    first, second = window((0, 2900), speech=[(0, 2900)]), window((2900, 5000), speech=[(0, 2000)])
    line = WindowLine()
    begun(line, first, second)
    finish(line, second, [piece(0, 20)], 2100)
    assert list(line.ready()) == []
    finish(line, first, [piece(0, 29)], 2900)
    assert [part.window for part in line.ready()] == [first, second]
    assert list(line.ready()) == []
    assert line.take() is None
    assert line.frames_done == 5000


def test_speech_without_text_is_a_window_between_the_texts_around_it():
    whole = window((1000, 3900), speech=[(0, 500), (600, 1500), (1600, 2900)])
    line = WindowLine()
    begun(line, whole)
    finish(line, whole, [piece(0, 5), piece(15.8, 29)], 2900)
    rest = line.take()
    assert rest.stretches == (Stretch(1500, 2580),)
    assert rest.speech == (Stretch(100, 1000),)
    assert [times(part) for part in line.ready()] == [[(0, 5)]]
    line.begin(rest)
    finish(line, rest, [piece(1, 10)], rest.n_frames)
    assert [times(part) for part in line.ready()] == [[(1, 10)], [(15.8, 29)]]


def test_a_rest_is_not_searched_again():
    whole = window((0, 2900), speech=[(0, 2900)])
    line = WindowLine()
    begun(line, whole)
    finish(line, whole, [piece(0, 5), piece(20, 29)], 2900)
    rest = line.take()
    finish(line, rest, [piece(0, 1), piece(14, 15)], rest.n_frames)
    assert line.take() is None


def test_a_window_that_ends_early_is_heard_from_there_on():
    whole = window((0, 2900), speech=[(0, 2900)])
    line = WindowLine()
    begun(line, whole)
    finish(line, whole, [piece(0, 20)], 2000)
    assert line.take().stretches == (Stretch(2000, 2900),)


@pytest.mark.parametrize("end_s", [4.2, 5])
def test_pauses_and_short_sounds_are_not_worth_it(end_s):
    whole = window((0, 2900), speech=[(0, 500), (900, 2800)])
    line = WindowLine()
    begun(line, whole)
    finish(line, whole, [piece(0, end_s), piece(9, 28)], 2900)
    assert line.take() is None


def test_without_listening_only_the_end_is_looked_at():
    whole = window((0, 2900))
    whole.mel[:, :2800] = 1
    line = WindowLine()
    begun(line, whole)
    finish(line, whole, [piece(0, 1), piece(20, 28)], 2900)
    assert line.take() is None


def test_what_is_settled_when_channels_overlap():
    line = WindowLine()
    left, right = window((0, 2900), speech=[(0, 2900)]), window((500, 3400), speech=[(0, 2900)])
    begun(line, left, right)
    finish(line, left, [piece(0, 29)], 2900)
    assert line.settled_s == 5, "the other channel's window begins there"
    finish(line, right, [piece(0, 10)], 1000)
    assert line.settled_s == 5, "nothing before the latest window's start can still come"
    assert line.take().start == 1500
