"""Sound on its way from the thread that decodes to the device, and what of it is heard at a moment."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FADE_S = 0.004  # what is cut off or begins within a wave would click


class Ring:
    """Frames that one thread writes and one callback reads; neither waits for the other.

    Frames are counted from the first on, and never anew. Every stretch of them belongs to a position in a recording.

    Args:
        n_frames: that fit into it.
        rate: frames a second.
    """

    def __init__(self, n_frames: int, n_channels: int, rate: int) -> None:
        self._frames = np.zeros((n_frames, n_channels), np.float32)
        self._fade = np.linspace(1, 0, round(FADE_S * rate), endpoint=False, dtype=np.float32)[:, np.newaxis]
        self._rate = rate
        self._drop_to = 0
        self.n_written = self.n_read = 0
        self._places = deque([(0, 0.0, 0.0)])  # first frame, position in seconds, seconds of the recording a second

    @property
    def room(self) -> int:
        return len(self._frames) - (self.n_written - self.n_read)

    @property
    def is_empty(self) -> bool:
        return self.n_read >= self.n_written

    def begin(self, position_s: float, speed: float) -> None:
        """What is written from now on is of another place in the recording."""
        self._places.append((self.n_written, position_s, speed))

    def write(self, block: Floats) -> int:
        """As much of (n, n_channels) as fits; how much that was."""
        block = block[: self.room]
        at = self.n_written % len(self._frames)
        n_first = min(len(block), len(self._frames) - at)
        self._frames[at : at + n_first] = block[:n_first]
        self._frames[: len(block) - n_first] = block[n_first:]
        self.n_written += len(block)
        return len(block)

    def drop(self) -> None:
        """Let nothing be heard of what was written up to now."""
        self._drop_to = self.n_written

    def read(self, out: Floats) -> int:
        """Fill (n, n_channels), with silence where there is nothing; how many are not. For the device's callback."""
        n_filled = 0
        if self._drop_to > self.n_read:
            n_filled = self._copy(out, min(self._drop_to - self.n_read, len(self._fade), len(out)))
            out[:n_filled] *= self._fade[:n_filled]
            self.n_read = self._drop_to
        n_filled += self._copy(out[n_filled:], min(self.n_written - self.n_read, len(out) - n_filled))
        out[n_filled:] = 0
        return n_filled

    def _copy(self, out: Floats, n: int) -> int:
        at = self.n_read % len(self._frames)
        n_first = min(n, len(self._frames) - at)
        out[:n_first] = self._frames[at : at + n_first]
        out[n_first:n] = self._frames[: n - n_first]
        self.n_read += n
        return n

    def position_s(self, frame: float) -> float:
        """Where in the recording a frame is. What was before the latest place counts as its beginning once dropped."""
        places = list(self._places)
        if self._drop_to:
            frame = max(frame, self._drop_to)
        first, position, speed = next((place for place in reversed(places) if place[0] <= frame), places[0])
        return position + max(frame - first, 0.0) / self._rate * speed

    def forget(self, frame: float) -> None:
        """Nobody asks for what was before a frame any more."""
        while len(self._places) > 1 and self._places[1][0] <= frame:
            self._places.popleft()


def faded_in(block: Floats, rate: int) -> Floats:
    """The first block of something that begins somewhere."""
    n = min(round(FADE_S * rate), len(block))
    block = block.copy()
    block[:n] *= np.linspace(0, 1, n, endpoint=False, dtype=np.float32)[:, np.newaxis]
    return block
