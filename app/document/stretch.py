"""Some neighbouring segments of a transcript, to be found again after a person has gone on changing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gpu.types import Segment

_SLACK_S = 0.05  # by which neighbours may overlap
_SHORTEST_S = 0.1  # that can be heard


class Stretch:
    """What is said from the first to the last of some segments.

    Args:
        segments: of the transcript, all, in their order.
        first, last: rows of those that are meant.

    Attributes:
        start_s, end_s: where it is in the recording.
    """

    def __init__(self, segments: Sequence[Segment], first: int, last: int) -> None:
        self._all = tuple(segments)  # kept, so that no other object can have their identity
        self._meant = self._all[first : last + 1]
        self.start_s = min(segment.start for segment in self._meant)
        self.end_s = max(*(segment.end for segment in self._meant), self.start_s + _SHORTEST_S)

    def find(self, now: Sequence[Segment]) -> tuple[int, int] | None:
        """First row, and how many, of what is in their place; None: it cannot be told from what stands beside it.

        Segments that were changed in themselves are known by their time.
        """
        meant = {id(segment) for segment in self._meant}
        rows = [row for row, segment in enumerate(now) if id(segment) in meant]
        if len(rows) < len(meant):
            others = {id(segment) for segment in self._all} - meant
            new = [(row, segment) for row, segment in enumerate(now) if id(segment) not in others]
            new = [(row, s) for row, s in new if s.end > self.start_s + _SLACK_S and s.start < self.end_s - _SLACK_S]
            if any(s.start < self.start_s - _SLACK_S or s.end > self.end_s + _SLACK_S for _row, s in new):
                return None  # merged with a neighbour, or moved
            rows = [row for row, _segment in new]
        if not rows or rows[-1] - rows[0] >= len(rows):
            return None
        return rows[0], len(rows)

    def fitting(self, found: Sequence[Segment]) -> list[Segment]:
        """Of what was recognised there, that of the same speakers."""
        speakers = {segment.speaker for segment in self._meant}
        if len(speakers) == 1 and all(segment.speaker is None for segment in found):
            return [replace(segment, speaker=next(iter(speakers))) for segment in found]
        return [segment for segment in found if segment.speaker is None or segment.speaker in speakers]
