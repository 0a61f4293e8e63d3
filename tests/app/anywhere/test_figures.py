"""Numbers as figures, against numbers that are spelled here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.anywhere.figures import chinese_figures, english_figures

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TIES = "- - twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TENS = SMALL.split(), TIES.split()


def english(number: int) -> str:
    for scale, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = number % scale
            joint = " and " if rest < 100 else " "
            return f"{english(number // scale)} {name}" + (joint + english(rest) if rest else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def chinese(number: int) -> str:
    """As children learn it: one 零 for any gap."""
    if number == 0:
        return "零"
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= scale:
            rest = number % scale
            zero = "零" if rest and rest < scale // 10 else ""
            return chinese(number // scale) + name + (zero + chinese(rest) if rest else "")
    return "零一二三四五六七八九"[number]


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for word in text.split(" "):
        for number, part in enumerate(word.split("-")):
            tokens += ["-" if number else " ", part]
    return tokens[1:]


@given(st.integers(10, 10**12 - 1))
def test_english_numbers(number: int) -> None:
    tokens = _tokens(english(number))
    assert english_figures(tokens) == (len(tokens), str(number))


@given(st.integers(11, 10**12 - 1))
def test_chinese_numbers(number: int) -> None:
    text = chinese(number)
    assert chinese_figures(text) == (len(text), str(number))


@given(st.text("零〇一二三四五六七八九两十百千万亿点分之", max_size=10))
def test_what_is_no_number_is_left_alone(text: str) -> None:
    n_used, figures = chinese_figures(text)
    assert (n_used == 0) == (figures == "")
    assert n_used <= len(text)


@given(st.lists(st.sampled_from([*ONES, *TENS[2:], "hundred", "thousand", "million", "and", "point", "percent"])))
def test_any_words(words: list[str]) -> None:
    tokens = _tokens(" ".join(words)) if words else []
    n_used, figures = english_figures(tokens)
    assert (n_used == 0) == (figures == "")
    assert n_used <= len(tokens)
    assert not n_used or tokens[n_used - 1] not in ("and", "point", " ", "-")


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("nineteen eighty-four", "1984"),
        ("twenty twenty-six", "2026"),
        ("two point five", "2.5"),
        ("five percent", "5%"),
        ("twelve hundred", "1200"),
        ("five five five one two", "55512"),
        ("five", ""),
        ("one two", ""),
    ],
)
def test_how_else_they_are_said(said: str, figures: str) -> None:
    assert english_figures(_tokens(said))[1] == figures


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("百分之二十", "20%"), ("三点一四", "3.14"), ("一九八四", "1984"), ("两百", "200"), ("十", ""), ("三四", ""),
        ("千万", ""), ("万一", ""), ("一", ""), ("兩萬", "20000"),
    ],
)  # fmt: skip
def test_how_else_they_are_said_in_chinese(said: str, figures: str) -> None:
    assert chinese_figures(said)[1] == figures
