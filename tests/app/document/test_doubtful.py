"""Which words are unsure, and where they stand in the text that is shown."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.document import editing
from app.document.doubtful import is_doubtful, places
from gpu.types import Segment, Word
from tests.support.engine_messages import make_segment


def segment(*words: tuple[str, float]) -> Segment:
    timed = tuple(Word(word, float(i), float(i + 1), probability) for i, (word, probability) in enumerate(words))
    return replace(make_segment(0), end=float(len(words)), text="".join(word for word, _ in words), words=timed)


def unsure(of: Segment) -> list[str]:
    return [of.text.strip()[place.start : place.end] for place in places(of) if place.is_unsure]


SPOKEN = segment((" Tears", 0.9), (" in", 0.3), (" Houston,", 0.2), (" in", 0.95), (" May.", 0.5))


def test_each_word_is_found_where_it_stands() -> None:
    assert unsure(SPOKEN) == ["in", "Houston,"]
    assert [(place.start, place.end) for place in places(SPOKEN)] == [(0, 5), (6, 8), (9, 17), (18, 20), (21, 25)]
    assert [place.is_very_unsure for place in places(SPOKEN)] == [False, False, True, False, False]
    assert places(replace(SPOKEN, words=None)) == []


def test_unspaced_words_and_words_that_are_elsewhere() -> None:
    assert unsure(segment(("今天", 0.3), ("天气", 0.9), ("好。", 0.1))) == ["今天", "好。"]
    assert unsure(replace(SPOKEN, text=" Tears in May.")) == ["in"]


def test_words_that_a_person_left_alone_stay_unsure() -> None:
    edited = editing.with_text(SPOKEN, "Tears in Boston, in May.")
    assert unsure(edited) == ["in"]
    first, second = editing.split(SPOKEN, 8)
    assert (unsure(first), unsure(second)) == (["in"], ["Houston,"])
    assert unsure(editing.merged([first, second])) == ["in", "Houston,"]


def test_segments_that_are_looked_at_again() -> None:
    assert is_doubtful(SPOKEN)
    sure = segment((" All", 0.9), (" well.", 0.5))
    assert not is_doubtful(sure)
    assert is_doubtful(replace(sure, doubts=("repeated",)))
    assert not is_doubtful(make_segment(0))


@given(st.lists(st.tuples(st.text(max_size=4), st.floats(0, 1)), max_size=8), st.text(max_size=20))
def test_places_are_in_order_and_in_the_text(words: list[tuple[str, float]], text: str) -> None:
    found = places(replace(segment(*words), text=text))
    ends = [0, *(place.end for place in found)]
    assert all(end <= place.start < place.end <= len(text.strip()) for end, place in zip(ends, found, strict=False))
