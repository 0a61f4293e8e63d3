"""From probabilities of speech to spans of it, found while the recording is still being read.

The rules are those of Silero's `get_speech_timestamps`: speech begins where the probability reaches a threshold, and
ends where it falls below a lower one and does not come back in time; what lasts too short is dropped; what is left is
widened on both sides. One thing differs: speech ends where it ends also at the end of a recording, which Silero takes
for its end whenever less than the time to wait is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gpu.audio import SAMPLE_RATE
from gpu.stage_clock import StageClock, stage
from gpu.vad import CHUNK, Floats, SileroVad

_GATHERED = 8 * SAMPLE_RATE  # samples heard at once: the network takes them at a fraction of what single seconds cost


@dataclass(frozen=True)
class VadOptions:
    """What counts as speech.

    Attributes:
        threshold: probability from which on it is; speech that has begun is over 0.15 below.
        min_speech_s: shorter speech is none.
        min_silence_s: shorter silence does not part speech.
        pad_s: what is added before and after; two spans share a silence that is too short for both.
    """

    threshold: float = 0.5
    min_speech_s: float = 0.0
    min_silence_s: float = 2.0
    pad_s: float = 0.4


@dataclass(frozen=True)
class Span:
    """Samples [start, end) at 16 kHz."""

    start: int
    end: int


def speech_spans(probabilities: Floats, options: VadOptions, n_samples: int | None = None) -> list[Span]:
    """The spans of a whole recording, in order, apart from each other.

    Args:
        probabilities: (n_chunks,) as `gpu.vad` gives them.
        n_samples: its length, which no span exceeds.
    """
    finder = SpanFinder(options)
    found = finder.feed(probabilities)
    return found + finder.finish(len(probabilities) * CHUNK if n_samples is None else n_samples)


class SpanFinder:
    """The same for a recording as it comes."""

    def __init__(self, options: VadOptions) -> None:
        self._threshold = options.threshold
        self._low_threshold = max(options.threshold - 0.15, 0.01)
        self._min_speech = options.min_speech_s * SAMPLE_RATE
        self._min_silence = options.min_silence_s * SAMPLE_RATE
        self._pad = int(options.pad_s * SAMPLE_RATE)
        self._n_chunks = 0
        self._start: int | None = None  # of speech that goes on
        self._silence: int | None = None  # since when it may be over
        self._last: Span | None = None  # speech that is over, widened in front only: what comes next decides its end

    @property
    def open(self) -> Span | None:
        """What has begun and may still grow or, being too short, be dropped; widened in front only."""
        if self._start is None:
            return self._last
        start = self._last.start if self._last else max(self._start - self._pad, 0)
        return Span(start, self._n_chunks * CHUNK if self._silence is None else self._silence)

    def feed(self, probabilities: Floats) -> list[Span]:
        """The spans that are settled by the next chunks' probabilities, (n,) float32."""
        settled: list[Span] = []
        for probability in probabilities.tolist():
            now = self._n_chunks * CHUNK
            self._n_chunks += 1
            if probability >= self._threshold:
                self._silence = None
                if self._start is None:
                    self._start = now
            elif probability < self._low_threshold and self._start is not None:
                if self._silence is None:
                    self._silence = now
                if now - self._silence >= self._min_silence:
                    settled += self._close(self._silence)
        # Speech that goes on may yet be dropped; until then, what lies before it can only wait if they are close.
        return settled + self._settle(self._n_chunks * CHUNK if self._start is None else self._start)

    def finish(self, n_samples: int) -> list[Span]:
        """The rest, once the recording is known to have `n_samples`."""
        settled: list[Span] = []
        if self._start is not None:
            settled += self._close(n_samples if self._silence is None else self._silence)
        if self._last is not None:
            settled.append(replace(self._last, end=self._last.end + self._pad))
            self._last = None
        return [replace(span, end=min(span.end, n_samples)) for span in settled]

    def _close(self, end: int) -> list[Span]:
        assert self._start is not None
        start, self._start, self._silence = self._start, None, None
        if end - start <= self._min_speech:
            return []
        settled = self._settle(start)
        before = self._pad
        if self._last is not None:  # nearer than both paddings
            before = (start - self._last.end) // 2
            settled.append(replace(self._last, end=self._last.end + before))
        self._last = Span(max(start - before, 0), end)
        return settled

    def _settle(self, silent_until: int) -> list[Span]:
        """The last span, if it has all the room it wants."""
        last = self._last
        if last is None or silent_until - last.end < 2 * self._pad:
            return []
        self._last = None
        return [replace(last, end=last.end + self._pad)]


class SpeechStream:
    """What is spoken in a recording, known as far as it has been read.

    It hears the blocks that pass through `listen`, but only works when it is asked or has gathered enough. Keeps every
    span and probability: half a megabyte an hour. To be asked by the thread that iterates `listen`, or after the end.

    Args:
        options: of the spans.
        clock: times the network, as the stage "vad".
    """

    def __init__(self, vad: SileroVad, options: VadOptions, clock: StageClock | None = None) -> None:
        self._stream = vad.stream()
        self._clock = clock
        self._finder = SpanFinder(options)
        self._waiting: list[Floats] = []
        self._probabilities: list[Floats] = []
        self._settled: list[Span] = []
        self._n_waiting = self._n_samples = 0

    def listen(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        """The same blocks, (n,) float32 mono 16 kHz; to be iterated once, to the end."""
        for block in blocks:
            self._waiting.append(block)
            self._n_waiting += len(block)
            self._n_samples += len(block)
            if self._n_waiting >= _GATHERED:
                self._hear()
            yield block
        self._hear()
        last = self._stream.finish()
        self._probabilities.append(last)
        self._settled += self._finder.feed(last) + self._finder.finish(self._n_samples)

    def spans(self, first: int, last: int) -> list[Span]:
        """The speech between two samples, clipped to them, as far as has been read; what goes on there included."""
        self._hear()
        open_span = [self._finder.open] if self._finder.open else []
        begin = bisect_right(self._settled, first, key=lambda span: span.end)
        return [
            Span(max(span.start, first), min(span.end, last))
            for span in self._settled[begin:] + open_span
            if span.start < last and span.end > first
        ]

    def probabilities(self) -> Floats:
        """(n_chunks,) float32: of every chunk of 512 samples read so far."""
        self._hear()
        self._probabilities = [np.concatenate([np.empty(0, np.float32), *self._probabilities])]
        return self._probabilities[0]

    def _hear(self) -> None:
        if self._waiting:
            with stage(self._clock, "vad"):
                heard = self._stream.feed(np.concatenate(self._waiting))
            self._waiting, self._n_waiting = [], 0
            self._probabilities.append(heard)
            self._settled += self._finder.feed(heard)
