"""Times as they are typed, and the room a segment has."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.times import Problem, Room, parse_time, room, written
from tests.support.engine_messages import make_segment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0), ("83.5", 83.5), (" 1:23.5 ", 83.5), ("1:23,5", 83.5), ("0:01:23.500", 83.5), ("01:02:03", 3723.0),
        ("90:00", 5400.0), (".5", 0.5), ("1:05.", 65.0), ("0:00:90", 90.0),
    ],
)  # fmt: skip
def test_what_people_write(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", ":", "1:", "1:2:3:4", "-1", "1 2", "1:2.3.4", "eins", "1e3", "nan", "9" * 400, "1:\N{SUPERSCRIPT TWO}"],
)
def test_what_is_no_time(text: str) -> None:
    assert parse_time(text) is None


@given(st.floats(0, 1e5))
def test_what_is_written_can_be_read(seconds: float) -> None:
    assert parse_time(written(seconds)) == pytest.approx(seconds, abs=0.0006)


def test_room_is_between_the_neighbours() -> None:
    """Of three seconds each, from 0, 3 and 6; the middle one was made shorter."""
    segments = [make_segment(0), replace(make_segment(1), start=3.5, end=5.0), make_segment(2)]
    assert room(segments, 1, 60.0) == Room(3.0, 6.0)
    assert room(segments, 0, 60.0) == Room(0.0, 3.5)
    assert room(segments, 2, 60.0) == Room(5.0, 60.0)
    assert room(segments, 2, None) == Room(5.0, None)


def test_other_speakers_may_speak_at_once() -> None:
    segments = [replace(make_segment(i), speaker=speaker) for i, speaker in enumerate((1, 2, "Bo", 1))]
    assert room(segments, 3, None) == Room(6.0, None)
    assert room(segments, 0, 60.0) == Room(0.0, 9.0)


def test_what_overlaps_already_may_stay() -> None:
    segments = [make_segment(0), replace(make_segment(1), start=2.0, end=7.0), make_segment(2)]
    assert room(segments, 1, 5.0) == Room(2.0, 7.0)


def test_the_first_problem_is_told() -> None:
    between = Room(3.0, 6.0)
    assert between.problem(3.0, 6.0) is None
    assert between.problem(3.0 - 1e-9, 6.0 + 1e-9) is None
    assert between.problem(None, None) is Problem.NO_START
    assert between.problem(4.0, None) is Problem.NO_END
    assert between.problem(4.0, 4.0) is Problem.TOO_SHORT
    assert between.problem(5.0, 4.0) is Problem.TOO_SHORT
    assert between.problem(2.9, 5.0) is Problem.TOO_EARLY
    assert between.problem(4.0, 6.1) is Problem.TOO_LATE
    assert Room(3.0, None).problem(4.0, 1e5) is None
