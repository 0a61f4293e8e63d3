"""How much sound is missing, by the clock: sound systems lose some without a word."""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.5  # in which sound that is only late comes after all
LEAST_S = 0.12  # of sound that counts as missing
DRIFT = 0.001  # seconds a second by which a device's clock may be wrong
SETTLING_S = 0.6  # after a stall, in which what waited comes
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000)  # that devices have
WRONG_RATE = 0.04  # that much away from what the device says, and ...
NEAR_RATE = 0.025  # ... that near to one of those


class GapMeter:
    """Compares what came with what should have.

    Sound comes late, in lumps, but never early: how late the earliest lump of the latest seconds is, only ever grows
    when some is missing.

    Args:
        rate: frames a second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: tuple[float, int] | None = None
        self._late: deque[tuple[float, float]] = deque()
        self._least = 0.0  # how late it is when nothing is missing
        self._resumed: float | None = None

    def look(self, called: float, n_frames: int) -> float:
        """Seconds that are missing, and have not been told.

        Args:
            called: when sound came last. n_frames: how much there is by then, since the beginning.
        """
        if self._first is None:
            self._first = called, n_frames
        if self._late and called == self._late[-1][0]:
            return 0.0
        late = self._lateness(called, n_frames)
        if not self._late and self._resumed is None:
            self._least = late
        before = self._late[-1][0] if self._late else called
        self._late.append((called, late))
        while self._late[0][0] < called - WINDOW_S:
            self._late.popleft()
        floor = min(value for _at, value in self._late)
        if self._resumed is not None:
            return 0.0
        missing = floor - self._least
        if missing > LEAST_S and called - self._late[0][0] > WINDOW_S / 2:
            self._least = floor
            return missing
        self._least = floor if missing < 0 else self._least + min(missing, DRIFT * min(called - before, WINDOW_S))
        return 0.0

    def stall(self) -> None:
        """Nothing comes."""
        self._late.clear()
        self._resumed = float("nan")

    def settle(self, called: float) -> float | None:
        """After a stall: what is missing, once everything that waited has come; None before that."""
        if self._resumed is None or not self._late:
            return None
        if self._resumed != self._resumed:
            self._resumed = called
        if called - self._resumed < SETTLING_S:
            return None
        floor = min(value for _at, value in self._late)
        missing, self._least, self._resumed = floor - self._least, floor, None
        return missing if missing > LEAST_S else 0.0

    def true_rate(self, called: float, n_frames: int) -> int:
        """Frames a second that really come, where the device says something else."""
        if self._first is None or called - self._first[0] <= 0:
            return self._rate
        measured = (n_frames - self._first[1]) / (called - self._first[0])
        if abs(measured / self._rate - 1) < WRONG_RATE:
            return self._rate
        nearest = min(RATES, key=lambda rate: abs(measured / rate - 1))
        return nearest if abs(measured / nearest - 1) < NEAR_RATE else self._rate

    def _lateness(self, called: float, n_frames: int) -> float:
        assert self._first is not None
        return (called - self._first[0]) - (n_frames - self._first[1]) / self._rate
