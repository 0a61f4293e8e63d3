"""What is measured is held against what is wanted."""

from itertools import pairwise

from tests.bench.transcript_view import bound, make_segments, missed, table

GOOD = {"open, from the store": [0.7], "scroll by a step of the wheel": [0.004, 0.008], "list: resume": [0.03]}


def test_what_is_too_slow_is_named() -> None:
    assert missed(GOOD) == []
    slow = GOOD | {"scroll by a step of the wheel": [0.004, 0.017], "keep 400 quick changes": [2.1]}
    assert missed(slow) == [
        "scroll by a step of the wheel 17.0 ms, at most 16",
        "keep 400 quick changes 2100.0 ms, at most 2000",
    ]
    assert bound("undo: delete 1,000") == 0.05


def test_the_table_says_how_near_the_limit_is() -> None:
    row = next(line for line in table(GOOD).splitlines() if "wheel" in line)
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["6.0 ms", "8.0 ms", "16.0 ms", "0.38", "0.50"]


def test_segments_are_in_order_with_words_that_fit() -> None:
    segments = list(make_segments(60, with_words=True))
    assert all(before.end <= behind.start + 1e-9 for before, behind in pairwise(segments))
    assert all("".join(word.word for word in s.words or ()) == s.text for s in segments)
    assert any(s.doubts for s in segments)
