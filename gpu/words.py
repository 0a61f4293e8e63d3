"""Words with their times, out of a window's tokens.

The method is openai/whisper's `timing.py`, but for pauses: ours are heard (`gpu.sounds`) and end the words beside them,
where openai/whisper shortens words that are longer than most.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gpu.alignment import Span, warp
from gpu.backends.base import Floats
from gpu.decoding import DecodedWindow
from gpu.mel import FRAMES_PER_SECOND
from gpu.sounds import Sound
from gpu.tokenizer import Tokenizer
from gpu.types import Word

FRAMES_PER_POSITION = 2  # of the encoder
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
PREPENDED = "\"'“¿([{-"  # punctuation that belongs to the word after it
APPENDED = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True)
class Unit:
    """A word, as tokens [first, stop) of a text. Those of [spoken, silent) are the word, the others its punctuation."""

    text: str
    first: int
    stop: int
    spoken: int
    silent: int

    def moved(self, by: int) -> Unit:
        return Unit(self.text, self.first + by, self.stop + by, self.spoken + by, self.silent + by)


def split_to_units(tokens: Sequence[int], tokenizer: Tokenizer, language: str | None) -> list[Unit]:
    """Text tokens as words: with the space before them, or, in languages that have none, in characters or more."""
    units: list[Unit] = []
    first = 0
    for stop in range(1, len(tokens) + 1):
        complete, _ = tokenizer.split_to_complete(tokens[first:stop])
        if len(complete) < stop - first and stop < len(tokens):
            continue
        text = tokenizer.decode(tokens[first:stop])
        alone = language in WITHOUT_SPACES or text.startswith(" ") or text.strip() in string.punctuation
        if alone or not units:
            units.append(Unit(text, first, stop, first, stop))
        else:
            units[-1] = replace(units[-1], text=units[-1].text + text, stop=stop, silent=stop)
        first = stop
    return units


def merge_punctuations(units: Iterable[Unit]) -> list[Unit]:
    """Punctuation joined to the words it belongs to."""
    prepended: list[Unit] = []  # from the last
    for unit in reversed(list(units)):
        if prepended and unit.text.startswith(" ") and unit.text.strip() in PREPENDED:
            following = prepended[-1]
            prepended[-1] = replace(following, text=unit.text + following.text, first=unit.first)
        else:
            prepended.append(unit)
    merged: list[Unit] = []
    for unit in reversed(prepended):
        if merged and not merged[-1].text.endswith(" ") and unit.text in APPENDED:
            merged[-1] = replace(merged[-1], text=merged[-1].text + unit.text, stop=unit.stop)
        else:
            merged.append(unit)
    return merged


def words_of(
    texts: Sequence[Sequence[int]],
    window: DecodedWindow,
    sounds: Sequence[Sound],
    tokenizer: Tokenizer,
    language: str | None,
) -> list[tuple[Word, ...]]:
    """The words of a window's segments, with their times in the window in seconds.

    Args:
        texts: the segments' tokens: all of the window's text, or the beginning of it.
        window: with its alignment.
        sounds: of the window, in order.
    """
    assert window.alignment is not None
    places = [i for i, token in enumerate(window.tokens) if token < tokenizer.eot]
    spoken = [[token for token in text if token < tokenizer.eot] for text in texts]
    n_spoken = sum(map(len, spoken))
    spoken.append([window.tokens[i] for i in places[n_spoken:]])  # heard, but left to the next window
    units = [merge_punctuations(split_to_units(text, tokenizer, language)) for text in spoken]
    firsts = np.cumsum([0, *map(len, spoken)]).tolist()
    moved = [unit.moved(first) for of_text, first in zip(units, firsts, strict=False) for unit in of_text]
    words = time_words(moved, [window.logprobs[i] for i in places], window.alignment[places], sounds)
    cuts = np.cumsum([0, *map(len, units)]).tolist()
    return [tuple(words[a:b]) for a, b in pairwise(cuts[:-1])]


def time_words(units: Sequence[Unit], logprobs: Sequence[float], matrix: Floats, sounds: Sequence[Sound]) -> list[Word]:
    """The words of a window with their times in it.

    Args:
        units: all of the window's text, in order.
        logprobs: of its text tokens.
        matrix: `gpu.alignment.alignment_matrix` of its text tokens, (n_tokens, n_audio).
        sounds: of the window, in order.
    """
    if not units:
        return []
    heard = _positions(sounds, matrix.shape[1])
    begins = np.zeros(len(matrix), bool)
    begins[[unit.first for unit in units]] = True
    pauses = [(b.start - a.end) // FRAMES_PER_POSITION for (_, a), (_, b) in pairwise(heard)]
    spans = warp(-matrix, [span for span, _ in heard], pauses, begins)
    starts = {span[0]: sound.first for span, sound in heard}
    ends = {span[1]: sound.last for span, sound in heard}
    words = []
    for unit in units:
        # Punctuation counts where it leads up to a pause: there the sound decides, not the path.
        first = unit.first if spans[unit.first][0] in starts else unit.spoken
        last = (unit.stop if spans[unit.stop - 1][1] in ends else unit.silent) - 1
        start, end = spans[first][0], spans[last][1]
        words.append(
            Word(
                word=unit.text,
                start=starts.get(start, start * FRAMES_PER_POSITION) / FRAMES_PER_SECOND,
                end=ends.get(end, end * FRAMES_PER_POSITION) / FRAMES_PER_SECOND,
                probability=float(np.exp(logprobs[unit.spoken : unit.silent]).mean()),
            )
        )
    return words


def _positions(sounds: Sequence[Sound], n_audio: int) -> list[tuple[Span, Sound]]:
    """Sounds with their positions of the encoder; one of all positions where there is none."""
    heard: list[tuple[Span, Sound]] = []
    for sound in sounds:
        begin = max(sound.first // FRAMES_PER_POSITION, heard[-1][0][1] if heard else 0)
        end = min(-(-sound.last // FRAMES_PER_POSITION), n_audio)
        if begin < end:
            heard.append(((begin, end), sound))
    n_frames = n_audio * FRAMES_PER_POSITION
    return heard or [((0, n_audio), Sound(0, n_frames, 0, n_frames))]
