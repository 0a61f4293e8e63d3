"""Frames between the thread that decodes and the device: all of them, in order, and where they belong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.playback.ring import Ring, faded_in

RATE = 1000


def ramp(start: int, n: int) -> np.ndarray:
    return np.arange(start, start + n, dtype=np.float32)[:, np.newaxis]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=60))
def test_what_is_written_is_read_once_and_in_order(steps: list[tuple[bool, int]]) -> None:
    ring = Ring(64, 1, RATE)
    heard, n_written = [], 1  # 0 is silence
    for is_write, n in steps:
        if is_write:
            n_written += ring.write(ramp(n_written, n))
        else:
            out = np.full((n, 1), np.nan, np.float32)
            n_read = ring.read(out)
            assert (out[n_read:] == 0).all()
            heard += out[:n_read, 0].tolist()
    assert heard == list(range(1, 1 + len(heard)))
    assert ring.room == 64 - (n_written - 1 - len(heard))


def test_dropped_frames_fade_out_and_what_follows_is_whole() -> None:
    ring = Ring(64, 1, RATE)
    ring.write(np.ones((30, 1), np.float32))
    ring.drop()
    ring.write(np.full((10, 1), 0.5, np.float32))
    out = np.empty((20, 1), np.float32)
    n_fade = ring.read(out) - 10
    assert n_fade == 4  # of a thousand a second
    assert (np.diff(out[:n_fade, 0]) < 0).all()
    assert (out[n_fade : n_fade + 10] == 0.5).all()
    assert ring.is_empty


def test_positions_follow_loops_and_speeds() -> None:
    ring = Ring(4000, 1, RATE)
    ring.begin(10.0, 2.0)
    ring.write(np.zeros((500, 1), np.float32))
    ring.begin(10.0, 2.0)  # again
    ring.write(np.zeros((500, 1), np.float32))
    assert ring.position_s(250) == pytest.approx(10.5)
    assert ring.position_s(499) == pytest.approx(10.998)
    assert ring.position_s(750) == pytest.approx(10.5)
    ring.drop()
    ring.begin(3.0, 1.0)
    assert ring.position_s(600) == 3.0  # what was dropped is not where we are
    ring.write(np.zeros((100, 1), np.float32))
    ring.forget(1050)
    assert ring.position_s(1050) == pytest.approx(3.05)


def test_a_beginning_does_not_click() -> None:
    block = np.ones((100, 2), np.float32)
    faded = faded_in(block, RATE)
    assert faded[0].tolist() == [0, 0]
    assert (faded[4:] == 1).all()
    assert (block == 1).all()
