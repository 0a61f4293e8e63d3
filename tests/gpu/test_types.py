"""What the engine says: a line, and how it was made."""

from hypothesis import given
from hypothesis import strategies as st

from gpu.types import Words


def test_words_are_a_line_with_its_gaps_filled() -> None:
    words = Words("{name} has {n} sound tracks.", name="a.mkv", n=2)
    assert words == "a.mkv has 2 sound tracks."
    assert (words.template, words.values) == ("{name} has {n} sound tracks.", {"name": "a.mkv", "n": "2"})


def test_words_in_words_stay_words() -> None:
    inner = Words("tensor {name}", name="x")
    outer = Words("{what} occurs twice", what=inner)
    assert outer == "tensor x occurs twice"
    assert outer.values["what"] is inner


@given(st.text())
def test_whatever_a_value_is_the_words_are_one_line_and_can_be_made_again(value: str) -> None:
    words = Words("<{value}>", value=value)
    assert len(words.splitlines()) == 1
    assert words.template.format(**words.values) == words
