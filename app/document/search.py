"""Where something was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.document.editing import finder
from gpu.types import Segment

BEFORE = 40  # characters of a segment that are shown before what is found in it


@dataclass(frozen=True)
class Hit:
    """A segment that holds what was looked for.

    Attributes:
        text: of the segment; begins with "…" where what is found lies far behind its beginning.
        places: of what is found in `text`: first character, and the one behind the last.
    """

    segment: Segment
    text: str
    places: tuple[tuple[int, int], ...]


def hits(segments: Sequence[Segment], wanted: str) -> Iterator[Hit | None]:
    """In their order; None for each segment that has none, so that one may pause.

    Case does not count. They may change meanwhile: what is added is found, what is gone is passed over.
    """
    pattern = finder(wanted, match_case=False)
    row = 0
    while row < len(segments):
        segment = segments[row]
        row += 1
        yield _hit(segment, pattern) if pattern.search(segment.text) else None


def _hit(segment: Segment, pattern: re.Pattern[str]) -> Hit | None:
    text = segment.text.strip()
    places = [match.span() for match in pattern.finditer(text)]
    if not places:  # it was in the spaces around
        return None
    begin = max(places[0][0] - BEFORE, 0)
    if begin:
        begin = text.find(" ", begin, places[0][0]) + 1 or begin  # at a word, where there are words
        text, begin = "…" + text[begin:], begin - 1
    return Hit(segment, text, tuple((first - begin, end - begin) for first, end in places))
