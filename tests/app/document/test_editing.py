"""Segments changed by a person: text, times and words still belong together."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document import editing
from gpu.types import Segment, Word
from tests.support.engine_messages import make_segment

words_of_text = st.lists(st.text("abcé,.'字中文-", min_size=1, max_size=6), min_size=1, max_size=8)
texts = words_of_text.map(" ".join)


def spoken(text: str, start: float = 10.0, end: float = 20.0) -> Segment:
    """Its words, as Whisper would time them: what is between spaces, evenly."""
    parts = text.split()
    step = (end - start) / len(parts)
    words = tuple(Word(f" {part}", start + i * step, start + (i + 1) * step, 0.5) for i, part in enumerate(parts))
    return replace(make_segment(0, text), start=start, end=end, words=words, doubts=("improbable",))


def check(segment: Segment) -> None:
    """Words say the text, one after the other, within the segment."""
    assert segment.words is not None
    assert "".join(word.word for word in segment.words) == segment.text
    times = [segment.start, *(time for word in segment.words for time in (word.start, word.end)), segment.end]
    assert all(a <= b + 1e-9 for a, b in pairwise(times)), times


@given(texts, texts)
def test_another_text(before: str, after: str) -> None:
    old = spoken(before)
    new = editing.with_text(old, after)
    check(new)
    assert (new.start, new.end, new.text) == (10.0, 20.0, f" {after}")
    if after != before:
        assert (new.tokens, new.doubts) == ((), ())


def test_words_that_are_the_same_keep_their_times() -> None:
    old = spoken("ask not what your country can do")
    new = editing.with_text(old, "Ask not what the whole country can do")
    assert old.words is not None
    assert new.words is not None
    kept = {word.word: word for word in old.words}
    same = [word for word in new.words if word.word in kept]
    assert [word.word for word in same] == [" not", " what", " country", " can", " do"]
    assert all(word == kept[word.word] for word in same)
    the, whole = new.words[3:5]
    assert (the.start, whole.end) == (kept[" your"].start, kept[" your"].end)
    assert (new.words[0].probability, same[0].probability) == (editing.SURE, 0.5)


def test_where_words_are_not_spaced_characters_are_timed() -> None:
    old = replace(
        spoken("x"), text="今天天气很好", words=(Word("今天", 10.0, 12.0, 0.9), Word("天气很好", 12.0, 16.0, 0.8))
    )
    new = editing.with_text(old, "今天天气真好。")
    check(new)
    assert new.words is not None
    assert [word.word for word in new.words] == [" 今", "天", "天", "气", "真", "好。"]
    assert new.words[3].end == pytest.approx(14.0)


@given(texts, st.integers(0, 60))
def test_split_and_merged_says_the_same(text: str, position: int) -> None:
    whole = spoken(text)
    try:
        first, second = editing.split(whole, position)
    except ValueError:
        assert not text[:position].strip() or not text[position:].strip()
        return
    for part in (first, second):
        check(part)
        assert part.doubts == whole.doubts
    assert first.end <= second.start
    again = editing.merged([first, second])
    check(again)
    assert again.text.replace(" ", "") == whole.text.replace(" ", "")
    assert (again.start, again.end) == (whole.start, second.end)


def test_split_without_words_shares_the_time_by_length() -> None:
    first, second = editing.split(make_segment(0, "abc defghi"), 3)
    assert (first.text, second.text) == (" abc", " defghi")
    assert first.end == second.start == pytest.approx(1.0)


def test_merged_keeps_what_is_known_of_all() -> None:
    a, b = (
        replace(make_segment(0, "I see."), speaker=1),
        replace(make_segment(1, "Yes."), speaker=1, doubts=("repeated",)),
    )
    both = editing.merged([a, b])
    assert (both.text, both.speaker, both.doubts, both.words) == (" I see. Yes.", 1, ("repeated",), None)
    assert editing.merged([a, replace(b, speaker=2)]).speaker is None
    assert editing.merged([make_segment(0, "今天"), make_segment(1, "很好")]).text == " 今天很好"


@given(texts, st.floats(0, 50), st.floats(0, 50))
def test_another_time(text: str, start: float, end: float) -> None:
    segment = spoken(text)
    if end - start < editing.SHORTEST_S:
        with pytest.raises(ValueError, match="a segment from"):
            editing.retimed(segment, start, end)
        return
    moved = editing.retimed(segment, start, end)
    check(moved)
    assert (moved.start, moved.end, moved.text) == (start, end, segment.text)


def test_replaced_as_often_as_it_is_there() -> None:
    segment = make_segment(0, "Mr Kay and KAY")
    assert editing.replaced(segment, "kay", "Quai\\1", match_case=False).text == " Mr Quai\\1 and Quai\\1"
    assert editing.replaced(segment, "kay", "x", match_case=True) is segment
    assert editing.replaced(make_segment(0, "a.*b"), ".*", "", match_case=True).text == " ab"
