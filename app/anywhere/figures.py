"""Numbers that are spoken out, as figures: English and Chinese. What is no whole number of either stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TIES = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_SMALL.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TIES.split(), 2)}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ENGLISH = frozenset(_ONES) | frozenset(_TENS) | frozenset(_SCALES) | {"hundred", "and", "point", "percent"}

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_CHINESE = frozenset(_DIGITS) | frozenset("十百千万萬亿億点點分之")
_NUMBER = "零〇一二三四五六七八九两兩十百千万萬亿億"
_CHINESE_FORM = re.compile(
    rf"(?P<percent>百分之)?(?P<whole>[{_NUMBER}]+?)(?:[点點](?P<part>[零〇一二三四五六七八九]+))?(?![{_NUMBER}点點分之])"
)
FIRST_WORDS = frozenset(_ONES) | frozenset(_TENS) | frozenset(_DIGITS) | {"十", "百"}
LATER_WORDS = _ENGLISH
_DIGIT = "[一二三四五六七八九]"
_GROUP = re.compile(f"零?(?:({_DIGIT})千)?零?(?:({_DIGIT})百)?零?(?:({_DIGIT}?)十)?零?({_DIGIT})?")


def is_chinese_number(char: str) -> bool:
    return char in _CHINESE


def english_figures(tokens: Sequence[str]) -> tuple[int, str]:
    """The number that tokens (words, spaces and hyphens, in small letters) begin with: how many they are, and its
    figures. Below ten words are left alone, as is usual; but not before "percent" and around "point"."""
    places = [i for i, token in enumerate(tokens) if token in _ENGLISH]
    words = [tokens[i] for i in places]
    n_digits = next((i for i, word in enumerate(words) if _ONES.get(word, 10) > 9), len(words))
    if n_digits >= 3:  # said one by one: a telephone number
        return places[n_digits - 1] + 1, "".join(str(_ONES[word]) for word in words[:n_digits])
    used, value = _english_number(words)
    if not used:
        return 0, ""
    text, is_figure = str(value), value > 9
    if words[used : used + 1] == ["point"]:
        n_part = next((i for i, word in enumerate(words[used + 1 :]) if _ONES.get(word, 10) > 9), len(words) - used - 1)
        if n_part:
            text += "." + "".join(str(_ONES[word]) for word in words[used + 1 : used + 1 + n_part])
            used, is_figure = used + 1 + n_part, True
    if words[used : used + 1] == ["percent"]:
        used, text, is_figure = used + 1, text + "%", True
    return (places[used - 1] + 1, text) if is_figure else (0, "")


def _english_number(words: Sequence[str]) -> tuple[int, int]:
    """How many words, and the value."""
    total, used, least = 0, 0, 10**12
    while used < len(words):
        skip = 1 if used and words[used] == "and" and words[used - 1] in (*_SCALES, "hundred") else 0
        n_group, group = _below_thousand(words[used + skip :])
        if not n_group or group >= least:
            break
        behind = used + skip + n_group
        scale = _SCALES.get(words[behind], 1) if behind < len(words) else 1
        if scale == 1 and not used:
            n_year, year = _below_hundred(words[behind:])
            if n_group <= 2 and 10 <= group < 100 <= 10 * year:  # nineteen eighty-four
                return behind + n_year, 100 * group + year
        if scale >= least:
            break
        total, used, least = total + group * scale, behind + (scale > 1), scale
        if scale == 1:
            break
    return used, total


def _below_thousand(words: Sequence[str]) -> tuple[int, int]:
    used, value = _below_hundred(words)
    if used and words[used : used + 1] == ["hundred"] and 0 < value < 100:
        used, value = used + 1, value * 100
        skip = 1 if words[used : used + 1] == ["and"] else 0
        n_rest, rest = _below_hundred(words[used + skip :])
        if n_rest and rest:
            return used + skip + n_rest, value + rest
    return used, value


def _below_hundred(words: Sequence[str]) -> tuple[int, int]:
    if not words:
        return 0, 0
    if words[0] in _ONES:
        return 1, _ONES[words[0]]
    if words[0] in _TENS:
        unit = _ONES.get(words[1], 0) if len(words) > 1 else 0
        return (2, _TENS[words[0]] + unit) if 0 < unit < 10 else (1, _TENS[words[0]])
    return 0, 0


def chinese_figures(chars: Sequence[str]) -> tuple[int, str]:
    """As `english_figures`, of characters. A digit alone stays, as do idioms that are no numbers (十分, 千万)."""
    found = _CHINESE_FORM.match("".join(chars))
    if found is None:
        return 0, ""
    percent, whole, part = found["percent"], found["whole"], found["part"]
    digits = [_DIGITS[char] for char in whole if char in _DIGITS]
    if len(digits) == len(whole):
        if len(whole) == 2 or (len(whole) > 2 and part):
            return 0, ""  # 三四 is "three or four"
        value = "".join(map(str, digits))
    else:
        number = _chinese_number(whole)
        if number is None:
            return 0, ""
        value = str(number)
    if (len(value) == 1 or whole == "十") and not (percent or part):
        return 0, ""
    text = value + ("." + "".join(str(_DIGITS[char]) for char in part) if part else "") + ("%" if percent else "")
    return found.end(), text


def _chinese_number(text: str) -> int | None:
    """None where it is not said the way numbers are."""
    plain = text.translate(str.maketrans("兩两〇萬億", "二二零万亿"))
    total = 0
    for unit, scale in (("亿", 10**8), ("万", 10**4)):
        head, sign, tail = plain.partition(unit)
        if sign:
            group = _chinese_group(head)
            if not group:
                return None
            total, plain = total + group * scale, tail
    group = _chinese_group(plain) if plain else 0
    if group is None:
        return None
    return total + group


def _chinese_group(text: str) -> int | None:
    """Below ten thousand: 三千零二十."""
    found = _GROUP.fullmatch(text)
    if found is None or not text.strip("零"):
        return None
    thousands, hundreds, tens, ones = (_DIGITS.get(char or "零", 0) for char in found.groups())
    if found[3] == "":
        tens = 1
    return 1000 * thousands + 100 * hundreds + 10 * tens + ones
