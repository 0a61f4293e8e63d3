"""Search through many transcripts, beside a plain look at each."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.search import BEFORE, hits
from gpu.types import Segment
from tests.support.engine_messages import make_segment


@dataclass
class Source:
    segments: list[Segment]


def sources(*texts: list[str]) -> list[Source]:
    return [Source([make_segment(i, text) for i, text in enumerate(of_one)]) for of_one in texts]


some_text = st.text(alphabet='aAbB .*"é中文', max_size=8)


@given(st.lists(st.lists(some_text, max_size=5), max_size=3), some_text.filter(str.strip))
def test_as_a_plain_look_at_each(texts: list[list[str]], wanted: str) -> None:
    wanted = wanted.strip()
    there = sources(*texts)
    found = [hit for hit in hits(there, wanted) if hit is not None]
    expected = [s for source in there for s in source.segments if wanted.lower() in s.text.strip().lower()]
    assert [hit.segment for hit in found] == expected
    for hit in found:
        assert hit.places
        for first, end in hit.places:
            assert hit.text[first:end].lower() == wanted.lower()


@pytest.mark.parametrize("wanted", ["会议", "議", "记录会议"])
def test_chinese_of_any_length(wanted: str) -> None:
    [hit] = [hit for hit in hits(sources(["今天记录会议内容", "上次的會議"]), wanted) if hit is not None]
    [(first, end)] = hit.places
    assert hit.text[first:end] == wanted


def test_far_behind_the_beginning_it_is_shown_with_what_is_before() -> None:
    text = "word " * 30 + "here " + "more " * 5
    [hit] = [hit for hit in hits(sources([text]), "here") if hit is not None]
    [(first, end)] = hit.places
    assert hit.text.startswith("…word")
    assert hit.text[first:end] == "here"
    assert first <= BEFORE + 1


def test_what_is_added_meanwhile_is_found() -> None:
    [source] = sources(["one word", "another"])
    search = hits([source], "word")
    assert next(search) is not None
    source.segments.append(make_segment(2, "word again"))
    assert [hit.text for hit in search if hit is not None] == ["word again"]
