"""Where subtitles and their lines had best end: behind sentences and clauses rather than inside phrases, with lines of
about the same length. Two searches for the cheapest way through a row of words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_ROUNDING = 1e-9
_AT_SENTENCE, _AT_CLAUSE, _AT_PHRASE, _INSIDE_PHRASE = 0.0, 0.25, 0.6, 1.0  # against 1 for one more subtitle
_SENTENCE_END = frozenset(".!?。！？…؟।")
_CLAUSE_END = frozenset(",;:，、；：،؛–—")
_CLOSING = "\"'”’»)]）」』》】"


class Unit(NamedTuple):
    """What is never torn apart.

    Attributes:
        size: share of a line it takes.
        lead: the same of the space before it.
        cost: of ending a line or subtitle behind it.
    """

    size: float
    lead: float
    cost: float


def ends_sentence(text: str) -> bool:
    return text.rstrip(_CLOSING)[-1:] in _SENTENCE_END


def cost_behind(text: str, *, phrase_follows: bool, pause_s: float) -> float:
    """Of ending behind a word; a pause, if only a short one, is a good place too."""
    if ends_sentence(text):
        return _AT_SENTENCE
    last = text.rstrip(_CLOSING)[-1:]
    cost = _AT_CLAUSE if last in _CLAUSE_END else _AT_PHRASE if phrase_follows else _INSIDE_PHRASE
    return cost / 2 if pause_s > 0.3 else cost


def cue_ends(units: Sequence[Unit], label: float, max_lines: int | None, max_units: int | None) -> list[int]:
    """Where subtitles end: indices behind their last units.

    Args:
        label: share of a line that is taken at the beginning of the first.
    """
    n = len(units)
    if max_lines is None and max_units is None:
        return [n]
    best, before = [0.0] + [math.inf] * n, [0] * (n + 1)
    for i in range(n):
        line, n_lines = label if i == 0 else 0.0, 1
        for j in range(i, n):
            unit = units[j]
            lead = unit.lead if j > i else 0.0
            if j > i and line + lead + unit.size > 1 + _ROUNDING:
                line, lead, n_lines = 0.0, 0.0, n_lines + 1
            too_long = max_lines is not None and n_lines > max_lines
            if j > i and (too_long or (max_units is not None and j - i >= max_units)):
                break
            line += lead + unit.size
            fill = (n_lines - 1 + line) / max_lines if max_lines else (j - i + 1) / (max_units or n)
            cost = best[i] + 1 + 0.5 * (1 - min(fill, 1.0)) ** 2 + (unit.cost if j + 1 < n else 0.0)
            if cost <= best[j + 1]:
                best[j + 1], before[j + 1] = cost, i
    return _way(before)


def line_ends(units: Sequence[Unit], label: float) -> list[int]:
    """The same for the lines of a subtitle: as few as possible, then as even as possible."""
    n = len(units)
    best, before = [(0, 0.0)] + [(n + 1, 0.0)] * n, [0] * (n + 1)
    for i in range(n):
        n_lines, spent = best[i]
        line = label if i == 0 else 0.0
        for j in range(i, n):
            unit = units[j]
            line += unit.size + (unit.lead if j > i else 0.0)
            if j > i and line > 1 + _ROUNDING:
                break
            unevenness = (1 - min(line, 1.0)) ** 2 + (0.2 * unit.cost if j + 1 < n else 0.0)
            if (way := (n_lines + 1, spent + unevenness)) < best[j + 1]:
                best[j + 1], before[j + 1] = way, i
    return _way(before)


def _way(before: Sequence[int]) -> list[int]:
    ends, i = [], len(before) - 1
    while i > 0:
        ends.append(i)
        i = before[i]
    return ends[::-1]
