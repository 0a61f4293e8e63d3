"""Where a line of text may end: at spaces, and between the phrases of languages that write without them; and how much
room a text takes."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budoux import Parser

_CJK = re.compile(
    r"[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
_KANA = re.compile(r"[\u3040-\u30ff]")
_THAI = re.compile(r"[\u0e00-\u0e7f]")

# UAX 14, by general category. Behind an opening bracket or quotation mark, or the sign of a currency, no line ends ...
_OPENING = frozenset({"Ps", "Pi", "Sc", "Cf"})
# ... nor before closing ones, other punctuation, marks, signs of repetition and of length, and small kana.
_CLOSING = frozenset({"Pe", "Pf", "Po", "Mn", "Mc", "Me", "Cf", "Lm"})
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ")

_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})  # categories of what takes no room


def room(text: str) -> tuple[int, int]:
    """Characters of a text that are narrow, and those that are wide (Chinese, Japanese, Korean, emoji: UAX 11)."""
    if text.isascii():
        return len(text), 0
    seen = [char for char in text if unicodedata.category(char) not in _UNSEEN]
    n_wide = sum(unicodedata.east_asian_width(char) in "WF" for char in seen)
    return len(seen) - n_wide, n_wide


def may_break(before: str, behind: str) -> bool:
    """Whether a line may end between two characters without a space between them. Not asked of Thai: see `breaks`."""
    if not (_CJK.match(before) or _CJK.match(behind)):
        return False
    return not _sticks(before, behind)


def _sticks(before: str, behind: str) -> bool:
    category, next_category = unicodedata.category(before), unicodedata.category(behind)
    if category in _OPENING or next_category in _CLOSING or behind in _SMALL_KANA:
        return True
    return category == next_category == "Pd"  # a Chinese dash is two


def breaks(text: str) -> dict[int, bool]:
    """Positions in a line of text where it may be broken, spaces aside; True where a phrase begins."""
    found: dict[int, bool] = {}
    for chunk in re.finditer(r"\S+", text):
        if _CJK.search(chunk[0]):
            phrases = _phrases(chunk[0])
            pairs = pairwise(chunk[0])
            found.update({chunk.start() + i: i in phrases for i, pair in enumerate(pairs, 1) if may_break(*pair)})
        elif _THAI.search(chunk[0]):
            found.update({chunk.start() + i: True for i in _phrases(chunk[0]) if not _sticks(*chunk[0][i - 1 : i + 1])})
    return found


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """What of a text must not be torn apart, each with its position; spaces are in none."""
    found = breaks(text)
    for chunk in re.finditer(r"\S+", text):
        edges = [chunk.start(), *(i for i in range(chunk.start() + 1, chunk.end()) if i in found), chunk.end()]
        yield from ((start, text[start:end]) for start, end in pairwise(edges))


def _phrases(chunk: str) -> frozenset[int]:
    """Where phrases begin, in text without spaces."""
    script = "th" if _THAI.search(chunk) else "ja" if _KANA.search(chunk) else "zh-hans"
    phrases = _parser(script).parse(chunk)
    return frozenset(accumulate(map(len, phrases[:-1])))


@functools.cache
def _parser(script: str) -> Parser:
    import budoux  # read from a file: not before it is needed

    makers = {
        "th": budoux.load_default_thai_parser,
        "ja": budoux.load_default_japanese_parser,
        "zh-hans": budoux.load_default_simplified_chinese_parser,
    }
    return makers[script]()
