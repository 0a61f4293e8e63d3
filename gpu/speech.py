"""What of a recording is worth hearing: where somebody speaks, or, without voice activity detection, any sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gpu.mel import FRAMES_PER_SECOND, HOP_LENGTH, Floats
from gpu.speech_spans import SpeechStream, VadOptions, speech_spans
from gpu.stage_clock import StageClock
from gpu.vad import CHUNK, SileroVad

AUDIBLE = np.float32(5e-6)  # below it the spectrogram shows nothing
PAUSE = VadOptions(min_silence_s=0.3, pad_s=0.0)  # between two spans `within` a stretch


@dataclass(frozen=True)
class Stretch:
    """Frames [start, end) of 10 ms."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def moved(self, by: int) -> Stretch:
        return Stretch(self.start + by, self.end + by)


class Speech(Protocol):
    """Known as far as the recording has been read.

    Attributes:
        margin: frames; speech that begins so soon after what has been read may have to begin earlier.
    """

    margin: int

    def listen(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        """The same blocks, (n,) float32 mono 16 kHz; to be iterated once, to the end."""
        ...

    def next_stretch(self, first: int, last: int) -> Stretch | None:
        """The first to be recognised between two frames, clipped to them."""
        ...

    def within(self, stretch: Stretch) -> list[Stretch] | None:
        """Where somebody speaks in it; None if that is not known."""
        ...


class SpokenParts:
    """Speech, as Silero hears it.

    Args:
        options: of what is worth recognising.
        clock: see `SpeechStream`.
    """

    def __init__(self, vad: SileroVad, options: VadOptions, clock: StageClock | None = None) -> None:
        self._stream = SpeechStream(vad, options, clock)
        self.margin = round(options.pad_s * FRAMES_PER_SECOND)

    def listen(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        return self._stream.listen(blocks)

    def next_stretch(self, first: int, last: int) -> Stretch | None:
        spans = self._stream.spans(first * HOP_LENGTH, last * HOP_LENGTH)
        return Stretch(spans[0].start // HOP_LENGTH, -(-spans[0].end // HOP_LENGTH)) if spans else None

    def within(self, stretch: Stretch) -> list[Stretch]:
        first = stretch.start * HOP_LENGTH // CHUNK
        probabilities = self._stream.probabilities()[first : -(-stretch.end * HOP_LENGTH // CHUNK)]
        found = []
        for span in speech_spans(probabilities, PAUSE):
            start, end = ((first * CHUNK + sample) // HOP_LENGTH for sample in (span.start, span.end))
            found.append(Stretch(max(start, stretch.start), min(end, stretch.end)))
        return found


class AnySound:
    """Everything but digital silence, in which Whisper hears "you" or "thank you"."""

    margin = 0

    def __init__(self) -> None:
        self._audible: list[bool] = []  # by frame
        self._rest = np.empty(0, np.float32)

    def listen(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        for block in blocks:
            samples = np.concatenate([self._rest, block])
            n_frames = len(samples) // HOP_LENGTH
            frames = samples[: n_frames * HOP_LENGTH].reshape(n_frames, HOP_LENGTH)
            self._audible += (np.abs(frames).max(axis=1, initial=0) > AUDIBLE).tolist()
            self._rest = samples[n_frames * HOP_LENGTH :]
            yield block
        self._audible.append(bool((np.abs(self._rest) > AUDIBLE).any()))

    def next_stretch(self, first: int, last: int) -> Stretch | None:
        return Stretch(first, last) if any(self._audible[first:last]) else None

    def within(self, stretch: Stretch) -> None:
        return None
