"""Parts of recordings: their samples, and their events as those of the whole."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.clips import WHOLE, Clip, Placed, clips_of, remaining
from gpu.errors import OptionsError
from gpu.types import LanguageDetected, MemoryUsage, RunStats, Segment, Word

RATE = 100
MEMORY = MemoryUsage(1, 1, 1, 1)


def test_starts_and_ends_in_turn() -> None:
    assert clips_of(()) == clips_of((0.0,)) == [WHOLE]
    assert clips_of((1.5,)) == [Clip(1.5, None)]
    assert clips_of((1.0, 2.0, 3.0)) == [Clip(1.0, 2.0), Clip(3.0, None)]


@pytest.mark.parametrize("times", [(2.0, 1.0), (-1.0,), (1.0, 1.0), (1.0, 3.0, 2.0), (float("nan"),), (float("inf"),)])
def test_what_is_not_in_order_is_refused(times: tuple[float, ...]) -> None:
    with pytest.raises(OptionsError, match="not in order of time"):
        clips_of(times)


@given(
    sizes=st.lists(st.integers(1, 70), max_size=9),
    start=st.integers(0, 300),
    length=st.none() | st.integers(1, 300),
)
def test_samples_of_a_clip(sizes: list[int], start: int, length: int | None) -> None:
    samples = np.arange(sum(sizes), dtype=np.float32)
    n_read = 0

    def blocks() -> Iterator[np.ndarray]:
        nonlocal n_read
        for block in np.split(samples, np.cumsum(sizes)[:-1]) if sizes else []:
            n_read += len(block)
            yield block

    end = None if length is None else start + length
    clip = Clip(start / RATE, None if end is None else end / RATE)
    found = np.concatenate([np.empty(0, np.float32), *clip.cut(blocks(), RATE)])
    assert np.array_equal(found, samples[start:end])
    if end is not None:
        assert n_read <= end + 70
    assert clip.duration_s(len(samples) / RATE) == pytest.approx(len(found) / RATE)


@pytest.mark.parametrize(
    ("times", "settled_s", "left"),
    [
        ((), 5.0, (5.0,)),
        ((2.0,), 5.0, (5.0,)),
        ((7.0,), 5.0, (7.0,)),
        ((1.0, 6.0, 8.0, 9.0), 5.0, (5.0, 6.0, 8.0, 9.0)),
        ((1.0, 4.0, 8.0), 5.0, (8.0,)),
        ((1.0, 4.0), 4.0, (3.99, 4.0)),
    ],
)
def test_what_is_left_of_clips(times: tuple[float, ...], settled_s: float, left: tuple[float, ...]) -> None:
    assert remaining(times, settled_s) == pytest.approx(left)
    clips_of(remaining(times, settled_s))


def segment(start: float, end: float) -> Segment:
    words = (Word(" so", start, end, 0.9),)
    return Segment(0, start, end, " so", (1,), 0.0, -0.1, 1.0, 0.0, words=words)


def stats(audio_s: float, duration_s: float | None, **more: float) -> RunStats:
    return RunStats(audio_s, duration_s, 4.0, 1, 10, 1, MEMORY, n_segments=1, settled_s=audio_s, **more)


def test_events_of_two_clips_are_those_of_one_run() -> None:
    placed = Placed()
    first = [LanguageDetected("en", 0.9), segment(0.5, 2.0), stats(2.0, 2.0)]
    second = [segment(0.0, 1.0), stats(8.0, 20.0), stats(20.0, 20.0)]
    events = [*placed.events(first, Clip(10.0, 12.0), 50.0), *placed.events(second, Clip(30.0, None), 50.0)]
    segments = [event for event in events if isinstance(event, Segment)]
    assert [(s.id, s.start, s.end) for s in segments] == [(0, 10.5, 12.0), (1, 30.0, 31.0)]
    assert [s.words[0].start for s in segments if s.words] == [10.5, 30.0]
    told = [event for event in events if isinstance(event, RunStats)]
    assert [(s.audio_s, s.duration_s, s.settled_s, s.n_segments) for s in told] == [
        (12.0, 50.0, 12.0, 1), (38.0, 50.0, 38.0, 2), (50.0, 50.0, 50.0, 2),
    ]  # fmt: skip
    assert [s.n_windows for s in told] == [1, 2, 2]
    assert [s.audio_s - s.skipped_s for s in told] == [2.0, 10.0, 22.0]
    assert told[-1].real_time_factor == pytest.approx(8.0 / 22.0)


def test_the_whole_passes_as_it_is() -> None:
    event = stats(3.0, 9.0)
    assert list(Placed().events([event], WHOLE, 9.0)) == [event]
