"""Where lines may end, by what typesetters of each script hold for wrong."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.line_breaks import breaks, may_break, pieces, room

CHINESE = "我们今天要谈的是“人工智能”的未来，它会怎样改变我们的生活（以及工作）？"


def phrases(text: str) -> list[str]:
    edges = [0, *sorted(i for i, is_phrase in breaks(text).items() if is_phrase), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def test_phrases_of_languages_without_spaces() -> None:
    assert phrases("今日は、とても良い天気ですね。") == ["今日は、", "とても", "良い", "天気ですね。"]
    found = phrases(CHINESE)
    assert "今天" in found
    assert "“人工智能”" in "".join(found)
    assert "".join(phrases("วันนี้อากาศดีมากเลย")) == "วันนี้อากาศดีมากเลย"
    assert len(phrases("วันนี้อากาศดีมากเลย")) > 2


@pytest.mark.parametrize(
    ("before", "behind", "may"),
    [
        ("中", "文", True),
        ("中", "A", True),
        ("3", "月", True),
        ("文", "，", False),
        ("文", "。", False),
        ("文", "）", False),
        ("文", "”", False),
        ("“", "中", False),
        ("（", "中", False),
        ("￥", "三", False),
        ("，", "文", True),
        ("コ", "ー", False),
        ("ち", "ょ", False),
        ("—", "—", False),
        ("a", "b", False),
        ("가", "나", False),
    ],
)
def test_characters(before: str, behind: str, may: bool) -> None:
    assert may_break(before, behind) is may


@given(st.text(st.sampled_from("中文，。（）“”abc 12ーっ！-\u0301กำ😀"), max_size=30))
def test_pieces_are_all_of_the_text_and_none_begins_with_closing_punctuation(text: str) -> None:
    found = list(pieces(text))
    assert "".join(piece for _, piece in found) == "".join(text.split())
    for position, piece in found:
        assert text[position:].startswith(piece)
        if position and not text[position - 1].isspace():
            assert unicodedata.category(piece[0]) not in ("Pe", "Pf", "Po", "Mn")


def test_room() -> None:
    assert room("abc") == (3, 0)
    assert room("中文，ok") == (2, 3)
    assert room("e\u0301\u200b") == (1, 0)
    assert room("한국어") == (0, 3)
