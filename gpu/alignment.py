"""When each token of a window is spoken, read off what the decoder's alignment heads look at.

The method is openai/whisper's `timing.py`: each head's attention is normalized over the tokens and smoothed over time,
and dynamic time warping lays a path through the mean. Ours leaves pauses out of the path: they lie between words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import Floats

Doubles = NDArray[np.float64]
Span = tuple[int, int]  # first position, and the one behind the last

_SMOOTHED = 7  # positions over which the median is taken
# Sorting pairs of seven values in this order brings their median to the middle (Paeth, Graphics Gems, 1990).
_EXCHANGES = ((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4))
# For each position; a token that is looked at is worth one to three, one that is not costs about a quarter.
_SILENCE_IN_A_WORD = 4.0
_SOUND_IN_NO_WORD = 0.5


def alignment_matrix(attention: Floats) -> Floats:
    """How much each token belongs to each moment: standard deviations above the mean over the tokens, over all heads.

    Args:
        attention: (n_heads, n_tokens, n_audio), see `gpu.backends.base.Decoder.attention`.

    Returns:
        (n_tokens, n_audio)
    """
    matrix = np.zeros(attention.shape[1:], np.float32)
    for head in attention:  # one at a time stays in the processor's cache
        centred = head - head.mean(axis=0)
        spread = np.sqrt(np.square(centred).mean(axis=0))
        matrix += median7(centred / np.maximum(spread, np.finfo(np.float32).tiny))
    return matrix / np.float32(len(attention))


def median7(x: Floats) -> Floats:
    """The median of each position of the last axis and the three to each side of it, mirrored at the ends; `x` itself
    where it is too short for that, as in openai/whisper."""
    reach = _SMOOTHED // 2
    if x.shape[-1] <= reach:
        return x
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(reach, reach)], mode="reflect")
    v = [padded[..., i : i + x.shape[-1]] for i in range(_SMOOTHED)]
    for i, j in _EXCHANGES:
        v[i], v[j] = np.minimum(v[i], v[j]), np.maximum(v[i], v[j])
    return v[3]


def warp(costs: Floats, sounds: Sequence[Span], pauses: Sequence[int], begins_word: NDArray[np.bool_]) -> list[Span]:
    """Dynamic time warping: the cheapest way through tokens and time that goes back in neither.

    Between two sounds is a pause. The path passes it for nothing where a word ends; inside a word it is dear. Whole
    sounds may be left out before the first token and after the last.

    Args:
        costs: (n_tokens, n_audio), n_tokens >= 1.
        sounds: spans of positions with pauses between them, in order; at least one, none empty.
        pauses: how many positions long each pause is; more than those between the sounds, where silence was left out.
        begins_word: (n_tokens,) whether a word begins with the token.

    Returns:
        The span of each token; empty for one that takes no time.
    """
    inside = np.where(begins_word, 0.0, 1.0)
    totals: list[Doubles] = []  # (n_tokens, positions) of each sound: the cheapest way to each cell, itself included
    entries: list[Doubles] = []  # (3, n_tokens): into each sound by a pause inside a token, by one before it, anew
    for i, (first, last) in enumerate(sounds):
        entry = np.full((3, len(costs)), np.inf)
        entry[2, 0] = _SOUND_IN_NO_WORD * _length(sounds[:i])
        if i:
            silence = _SILENCE_IN_A_WORD * pauses[i - 1]
            entry[0] = totals[-1][:, -1] + silence
            entry[1, 1:] = totals[-1][:-1, -1] + inside[1:] * silence
        entries.append(entry)
        totals.append(_ways_to(costs[:, first:last], entry.min(axis=0)))
    return _path(totals, entries, sounds)


def _ways_to(costs: Floats, entry: Doubles) -> Doubles:
    """Costs of the cheapest ways to the cells of one sound, given those of getting to its first position.

    Row by row instead of cell by cell: the way to a cell comes down into its row at or before it, then goes along the
    row, which costs a difference of sums.
    """
    sums = np.cumsum(costs, axis=1, dtype=np.float64)
    totals = np.empty_like(sums)
    totals[0] = entry[0] + sums[0]
    for row in range(1, len(costs)):
        above = totals[row - 1]
        come = np.minimum(above[1:], above[:-1]) - sums[row, :-1]
        come = np.concatenate([[min(above[0], entry[row])], come])
        np.add(np.minimum.accumulate(come), sums[row], out=totals[row])
    return totals


def _length(sounds: Sequence[Span]) -> int:
    return sum(last - first for first, last in sounds)


def _path(totals: Sequence[Doubles], entries: Sequence[Doubles], sounds: Sequence[Span]) -> list[Span]:
    """The spans of the tokens, from the last one back."""
    token = len(totals[0]) - 1
    ways = [total[token, -1] + _SOUND_IN_NO_WORD * _length(sounds[i + 1 :]) for i, total in enumerate(totals)]
    sound = int(np.argmin(ways))
    at = totals[sound].shape[1] - 1
    spans = [(0, sounds[sound][1])] * (token + 1)

    def begin(position: int, end_before: int) -> None:
        """The token begins here, and the one before it ended there."""
        nonlocal token
        spans[token] = (position, spans[token][1])
        token -= 1
        if token >= 0:
            spans[token] = (0, end_before)

    while token >= 0:
        here, first = totals[sound], sounds[sound][0]
        above = here[token - 1, at] if token else np.inf
        if at:
            aslant = here[token - 1, at - 1] if token else np.inf
            if here[token, at - 1] >= min(above, aslant):
                begin(first + at, first + at)
                at -= int(aslant <= above)
            else:
                at -= 1
            continue
        within, between, anew = entries[sound][:, token]
        cheapest = min(above, within, between, anew)
        if cheapest in (above, anew):
            begin(first, first)
            continue
        sound -= 1
        at = totals[sound].shape[1] - 1
        if cheapest == between:
            begin(first, sounds[sound][1])
    return spans
