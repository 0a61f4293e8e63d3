"""Times of segments as people read and write them, and what of a recording a segment may take."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.document.editing import SHORTEST_S
from gpu.types import Segment

_TIME = re.compile(r"(?:(?:(\d+):)?(\d{1,6}):)?(\d{1,6}(?:[.,]\d*)?|[.,]\d+)")
_MS = 1000


class Problem(enum.Enum):
    """Why a segment cannot have a time. The first that is met is told."""

    NO_START = enum.auto()
    NO_END = enum.auto()
    TOO_SHORT = enum.auto()
    TOO_EARLY = enum.auto()
    TOO_LATE = enum.auto()


@dataclass(frozen=True)
class Room:
    """Seconds between which a segment may be, without one that is another's. `end_s`: None where nothing ends it."""

    start_s: float
    end_s: float | None

    def problem(self, start_s: float | None, end_s: float | None) -> Problem | None:
        """Of times that were typed (None: not understood); to the millisecond, as they are shown."""
        if start_s is None:
            return Problem.NO_START
        if end_s is None:
            return Problem.NO_END
        if _ms(end_s) - _ms(start_s) < _ms(SHORTEST_S):
            return Problem.TOO_SHORT
        if _ms(start_s) < _ms(self.start_s):
            return Problem.TOO_EARLY
        if self.end_s is not None and _ms(end_s) > _ms(self.end_s):
            return Problem.TOO_LATE
        return None


def room(segments: Sequence[Segment], row: int, duration_s: float | None) -> Room:
    """From the end of the segment before to the beginning of the next one, of the same speaker where they are told
    apart: others may speak at once. Where two overlap already, they may go on doing so."""
    here = segments[row]
    before = next((s for s in reversed(segments[:row]) if s.speaker == here.speaker), None)
    behind = next((s for s in segments[row + 1 :] if s.speaker == here.speaker), None)
    start_s = 0.0 if before is None else min(before.end, here.start)
    if row:  # the order is that of the starts
        start_s = max(start_s, min(segments[row - 1].start, here.start))
    ends = [s for s in (behind.start if behind is not None else None, duration_s) if s is not None]
    return Room(max(start_s, 0.0), max(min(ends), here.end) if ends else None)


def parse_time(text: str) -> float | None:
    """Seconds of "83.5", "1:23.5", "0:01:23,5"; None for anything else."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    total = float(seconds.replace(",", ".")) + 60 * int(minutes or 0) + 3600 * int(hours or 0)
    return total if total < 1e6 else None


def written(seconds: float) -> str:
    """To the millisecond, as `parse_time` reads it: "1:23.500"."""
    whole, ms = divmod(_ms(seconds), _MS)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    rest = f"{second:02}.{ms:03}"
    return f"{hours}:{minute:02}:{rest}" if hours else f"{minute}:{rest}"


def _ms(seconds: float) -> int:
    return round(max(seconds, 0.0) * _MS)
