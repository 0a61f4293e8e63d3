"""The text of one recording, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gpu.types import Segment


@dataclass
class Transcript:
    """Segments in order of time; grows while the recording is being decoded.

    Attributes:
        path: the recording.
        language: code of the language, or None until it is known.
    """

    path: Path
    language: str | None = None
    segments: list[Segment] = field(default_factory=list)

    def append(self, segment: Segment) -> None:
        self.segments.append(segment)

    def copy(self) -> Transcript:
        """For another thread: what is changed from now on is not in it."""
        return Transcript(self.path, self.language, list(self.segments))

    @property
    def text(self) -> str:
        """The running text, without times."""
        return "".join(segment.text for segment in self.segments).strip()


def clock(seconds: float) -> str:
    """A place in a recording: 0:07, 12:34, 1:02:03; whole seconds, rounded down."""
    minutes, second = divmod(int(max(seconds, 0.0)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
