"""The windows of a recording that are decoded side by side, and what they left out, kept in order of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpu.decoding import DecodedWindow
from gpu.windows import WORTHWHILE, Window, clipped

FRAMES_PER_TIMESTAMP = 2  # 20 ms


@dataclass(frozen=True)
class TimedTokens:
    """Tokens of one segment, timestamps included, and its times in timestamp units from the window's start."""

    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Recognised:
    """A window, or a part of one, with the pieces of text that were found in it."""

    window: Window
    decoded: DecodedWindow
    pieces: Sequence[TimedTokens]


class WindowLine:
    """Windows that are being decoded at once, or wait for those before them."""

    def __init__(self) -> None:
        self._line: list[Window | Recognised] = []
        self._rests: deque[Window] = deque()
        self.frames_done = 0

    def take(self) -> Window | None:
        """What was left out of a window, to be decoded on its own. It has its place in the line."""
        return self._rests.popleft() if self._rests else None

    def begin(self, window: Window) -> None:
        """A window is being decoded."""
        if not window.is_rest:
            self._line.append(window)

    def finish(self, window: Window, decoded: DecodedWindow, pieces: Sequence[TimedTokens], advance: int) -> None:
        """A window is decoded up to its frame `advance`; what it leaves out of its speech is another window."""
        parts: list[Window | Recognised] = []
        n_taken = 0
        for first, last in _left_out(window, pieces, advance):
            n_before = sum(piece.start * FRAMES_PER_TIMESTAMP < last for piece in pieces)
            parts += [Recognised(window, decoded, pieces[n_taken:n_before]), window.rest(first, last)]
            n_taken = n_before
        parts.append(Recognised(window, decoded, pieces[n_taken:]))
        self._rests += [part for part in parts if isinstance(part, Window)]
        place = self._line.index(window)
        self._line[place : place + 1] = parts
        if not window.is_rest:
            self.frames_done += window.n_before + window.n_frames

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
