"""Where something was said, in many transcripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.document.editing import finder
from gpu.types import Segment

BEFORE = 40  # characters of a segment that are shown before what is found in it


class WithSegments(Protocol):
    """A recording."""

    @property
    def segments(self) -> Sequence[Segment]: ...


Source = TypeVar("Source", bound=WithSegments)


@dataclass(frozen=True)
class Hit(Generic[Source]):
    """A segment that holds what was looked for.

    Attributes:
        source: whose it is.
        text: of the segment; begins with "…" where what is found lies far behind its beginning.
        places: of what is found in `text`: first character, and the one behind the last.
    """

    source: Source
    segment: Segment
    text: str
    places: tuple[tuple[int, int], ...]


def hits(sources: Iterable[Source], wanted: str) -> Iterator[Hit[Source] | None]:
    """In the order of the sources and of their segments; None for each segment that has none, so that one may pause.

    Case does not count. A transcript may change meanwhile: what is added is found, what is gone is passed over.
    """
    pattern = finder(wanted, match_case=False)
    for source in sources:
        row = 0
        while row < len(source.segments):
            segment = source.segments[row]
            row += 1
            yield _hit(source, segment, pattern) if pattern.search(segment.text) else None


def _hit(source: Source, segment: Segment, pattern: re.Pattern[str]) -> Hit[Source] | None:
    text = segment.text.strip()
    places = [match.span() for match in pattern.finditer(text)]
    if not places:  # it was in the spaces around
        return None
    begin = max(places[0][0] - BEFORE, 0)
    if begin:
        begin = text.find(" ", begin, places[0][0]) + 1 or begin  # at a word, where there are words
        text, begin = "…" + text[begin:], begin - 1
    return Hit(source, segment, text, tuple((first - begin, end - begin) for first, end in places))
