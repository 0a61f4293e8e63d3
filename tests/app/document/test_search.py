"""Search through many transcripts, beside a plain look at each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.search import BEFORE, Hit, hits
from gpu.types import Segment
from tests.support.engine_messages import make_segment


def found(texts: list[str], wanted: str) -> list[Hit]:
    return [hit for hit in hits(segments(texts), wanted) if hit is not None]


def segments(texts: list[str]) -> list[Segment]:
    return [make_segment(i, text) for i, text in enumerate(texts)]


some_text = st.text(alphabet='aAbB .*"é中文', max_size=8)


@given(st.lists(some_text, max_size=15), some_text.filter(str.strip))
def test_as_a_plain_look_at_each(texts: list[str], wanted: str) -> None:
    wanted = wanted.strip()
    there = found(texts, wanted)
    expected = [segment for segment in segments(texts) if wanted.lower() in segment.text.strip().lower()]
    assert [hit.segment for hit in there] == expected
    for hit in there:
        assert hit.places
        for first, end in hit.places:
            assert hit.text[first:end].lower() == wanted.lower()


@pytest.mark.parametrize("wanted", ["会议", "議", "记录会议"])
def test_chinese_of_any_length(wanted: str) -> None:
    [hit] = found(["今天记录会议内容", "上次的會議"], wanted)
    [(first, end)] = hit.places
    assert hit.text[first:end] == wanted


def test_far_behind_the_beginning_it_is_shown_with_what_is_before() -> None:
    text = "word " * 30 + "here " + "more " * 5
    [hit] = found([text], "here")
    [(first, end)] = hit.places
    assert hit.text.startswith("…word")
    assert hit.text[first:end] == "here"
    assert first <= BEFORE + 1


def test_what_is_added_meanwhile_is_found() -> None:
    there = segments(["one word", "another"])
    search = hits(there, "word")
    assert next(search) is not None
    there.append(make_segment(2, "word again"))
    assert [hit.text for hit in search if hit is not None] == ["word again"]
