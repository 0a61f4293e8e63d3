"""Segments are found again whatever a person has done to the transcript meanwhile, or it is said that they are not."""

from dataclasses import replace

from app.document import editing
from app.document.stretch import Stretch
from tests.support.engine_messages import make_segment

ALL = [make_segment(n, text) for n, text in enumerate(["One two.", "Three four.", "Five six.", "Seven."])]


def find(now: list) -> tuple[int, int] | None:
    return Stretch(ALL, 1, 2).find(now)


def test_it_is_where_it_was() -> None:
    stretch = Stretch(ALL, 1, 2)
    assert (stretch.start_s, stretch.end_s) == (3.0, 9.0)
    assert stretch.find(ALL) == (1, 2)


def test_what_was_before_it_has_more_or_fewer_rows() -> None:
    assert find([*editing.split(ALL[0], 3), *ALL[1:]]) == (2, 2)
    assert find(ALL[1:]) == (0, 2)


def test_it_was_changed_in_itself() -> None:
    assert find([ALL[0], editing.with_text(ALL[1], "Other."), *ALL[2:]]) == (1, 2)
    assert find([ALL[0], *editing.split(ALL[1], 5), *ALL[2:]]) == (1, 3)
    assert find([ALL[0], editing.merged(ALL[1:3]), ALL[3]]) == (1, 1)
    assert find([ALL[0], ALL[2], ALL[3]]) == (1, 1)


def test_nothing_tells_where_it_is() -> None:
    assert find([ALL[0], ALL[3]]) is None
    assert find([]) is None
    assert find([editing.merged(ALL[:2]), *ALL[2:]]) is None  # a text of before the stretch would go with it
    assert find([ALL[0], ALL[1], editing.retimed(ALL[2], 6.0, 9.5), ALL[3]]) is None


def test_a_segment_without_length_can_be_heard() -> None:
    stretch = Stretch([replace(ALL[0], end=0.0)], 0, 0)
    assert stretch.end_s > stretch.start_s


def test_only_the_speakers_that_were_meant() -> None:
    left, right = (replace(ALL[1], speaker=number) for number in (1, 2))
    found = [replace(ALL[1], speaker=1, text=" A"), replace(ALL[1], speaker=2, text=" B")]
    assert Stretch([left, right], 0, 0).fitting(found) == found[:1]
    assert Stretch([left, right], 0, 1).fitting(found) == found
    assert [segment.speaker for segment in Stretch([left], 0, 0).fitting([ALL[1]])] == [1]
