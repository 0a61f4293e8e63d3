"""The windows of a recording that are decoded side by side, and what they left out, kept in order of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gpu.decoding import DecodedWindow
from gpu.mel import FRAMES_PER_SECOND
from gpu.types import Word
from gpu.windows import WORTHWHILE, Window, clipped

FRAMES_PER_TIMESTAMP = 2  # 20 ms


@dataclass(frozen=True)
class TimedTokens:
    """Tokens of one segment, timestamps included, and its times in timestamp units from the window's start.

    `words` with their times in the window, if they are to be timed.
    """

    start: int
    end: int
    tokens: tuple[int, ...]
    words: tuple[Word, ...] | None = None


@dataclass(frozen=True, eq=False)
class Recognised:
    """A window, or a part of one, with the pieces of text that were found in it up to its frame `advance`."""

    window: Window
    decoded: DecodedWindow
    pieces: Sequence[TimedTokens]
    advance: int
    language: str


class WindowLine:
    """Windows that are being decoded at once, or wait for those before them."""

    def __init__(self) -> None:
        self._line: list[Window | Recognised] = []
        self._rests: deque[Window] = deque()
        self._latest = 0  # start of a window
        self._end = 0  # of all windows that began
        self.frames_done = 0

    def take(self) -> Window | None:
        """What was left out of a window, to be decoded on its own. It has its place in the line."""
        return self._rests.popleft() if self._rests else None

    def begin(self, window: Window) -> None:
        """A window is being decoded. They begin in order of their starts."""
        if not window.is_rest:
            self._line.append(window)
            self._latest = window.start
            self._end = max(self._end, window.end)

    @property
    def settled_s(self) -> float:
        """Nothing that is still to come begins before it."""
        return min([*self._unfinished_starts(), self._latest]) / FRAMES_PER_SECOND

    @property
    def passed_s(self) -> float:
        """Up to where everything that began has been taken by `ready`."""
        return min([*self._unfinished_starts(), self._end]) / FRAMES_PER_SECOND

    def _unfinished_starts(self) -> list[int]:
        return [part.start for part in self._line if isinstance(part, Window)]

    def finish(self, found: Recognised) -> None:
        """A window is decoded; what it leaves out of its speech is another window."""
        parts: list[Window | Recognised] = []
        n_taken = 0
        for first, last in _left_out(found.window, found.pieces, found.advance):
            n_before = sum(piece.start * FRAMES_PER_TIMESTAMP < last for piece in found.pieces)
            parts += [replace(found, pieces=found.pieces[n_taken:n_before]), found.window.rest(first, last)]
            n_taken = n_before
        parts.append(replace(found, pieces=found.pieces[n_taken:]))
        self._rests += [part for part in parts if isinstance(part, Window)]
        place = self._line.index(found.window)
        self._line[place : place + 1] = parts
        if not found.window.is_rest:
            self.frames_done += found.window.n_before + found.window.n_frames

    def ready(self) -> Iterator[Recognised]:
        """What is finished and has nothing unfinished before it."""
        while self._line and isinstance(self._line[0], Recognised):
            yield self._line[0]
            del self._line[0]


def _left_out(window: Window, pieces: Sequence[TimedTokens], advance: int) -> Iterator[tuple[int, int]]:
    """Frames of a window between which there is speech and no text, and those after the last of its text."""
    if window.speech is not None and not window.is_rest and pieces:
        end = 0
        for piece in [*pieces, None]:
            start = advance if piece is None else piece.start * FRAMES_PER_TIMESTAMP
            if sum(part.length for part in clipped(window.speech, end, start)) > WORTHWHILE:
                yield end, start
            end = max(end, 0 if piece is None else piece.end * FRAMES_PER_TIMESTAMP)
    if window.sound_end - advance > WORTHWHILE:
        yield advance, window.n_frames
