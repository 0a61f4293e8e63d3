"""How fast a run is right now, from what the engine says about it and a clock that stands still with the machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gpu.awake_clock import awake_s
from gpu.types import RunStats

# "Now" is as short as it can be. A window of the recording is done at once, and several one right after the other
# where they are decoded together: it takes in the longest wait between two of these.
_MIN_S, _MIN_AUDIO_S = 10.0, 25.0
_N_WAITS = 16
_TOKENS_S = 5.0
_APART_S = 0.2
_MAX_SAMPLES = 5_000


@dataclass(frozen=True)
class Speed:
    """`real_time_factor`: None until there is something to measure; so is `tokens_per_s`."""

    real_time_factor: float | None = None
    tokens_per_s: float | None = None


@dataclass(frozen=True)
class _Sample:
    at_s: float
    heard_s: float
    n_decoded: int


class Pace:
    """Of one run. A run that stalls is seen to: time goes on though nothing is said."""

    def __init__(self, clock: Callable[[], float] = awake_s) -> None:
        self._clock = clock
        self._samples = deque([_Sample(clock(), 0.0, 0)], maxlen=_MAX_SAMPLES)
        self._waits_s: deque[float] = deque([0.0], maxlen=_N_WAITS)
        self._grown_s = self._samples[0].at_s  # when more was heard last

    def take(self, stats: RunStats) -> None:
        sample = _Sample(self._clock(), stats.audio_s - stats.skipped_s, stats.n_decoded)
        last = self._samples[-1]
        if len(self._samples) > 1 and sample.at_s - last.at_s < _APART_S and sample.heard_s == last.heard_s:
            return
        if sample.heard_s > last.heard_s:
            self._waits_s.append(sample.at_s - self._grown_s)
            self._grown_s = sample.at_s
        self._samples.append(sample)

    @property
    def speed(self) -> Speed:
        """As it is at this moment."""
        now, last = self._clock(), self._samples[-1]
        factor = tokens = None
        least_s = max(_MIN_S, *self._waits_s)
        for sample in reversed(self._samples):
            elapsed_s, audio_s = now - sample.at_s, last.heard_s - sample.heard_s
            if tokens is None and elapsed_s >= _TOKENS_S:
                tokens = (last.n_decoded - sample.n_decoded) / elapsed_s
            if elapsed_s >= least_s and audio_s >= _MIN_AUDIO_S:
                return Speed(elapsed_s / audio_s, tokens)
        first = self._samples[0]
        if (audio_s := last.heard_s - first.heard_s) > 0:
            factor = (now - first.at_s) / audio_s
        if tokens is None and last.n_decoded and now > first.at_s:
            tokens = (last.n_decoded - first.n_decoded) / (now - first.at_s)
        return Speed(factor, tokens)
