"""What of a text is to be looked at again: words the model was not sure of, and segments with doubts about them."""

from __future__ import annotations

from dataclasses import dataclass

from gpu.types import Segment

UNSURE = 0.5  # probability of a word: below, one in three or four is wrong
VERY_UNSURE = 0.25


@dataclass(frozen=True)
class Place:
    """A timed word in a text: where it begins and ends, in characters, and how probable it is."""

    start: int
    end: int
    probability: float

    @property
    def is_unsure(self) -> bool:
        return self.probability < UNSURE

    @property
    def is_very_unsure(self) -> bool:
        return self.probability < VERY_UNSURE


def places(segment: Segment) -> list[Place]:
    """The timed words in the stripped text of a segment. One that is not found there, in its order, is left out."""
    text, found, behind = segment.text.strip(), [], 0
    for word in segment.words or ():
        shown = word.word.strip()
        start = text.find(shown, behind) if shown else -1
        if start >= 0:
            behind = start + len(shown)
            found.append(Place(start, behind, word.probability))
    return found


def is_doubtful(segment: Segment) -> bool:
    """Something speaks against its text, or a word of it is unsure."""
    return bool(segment.doubts) or has_unsure_words(segment)


def has_unsure_words(segment: Segment) -> bool:
    return segment.words is not None and any(word.probability < UNSURE for word in segment.words)
