"""A recording cut at its pauses into windows that can be recognised in any order.

Whisper hears 30 s at a time. Where a window's length is left to the timestamps (OpenAI's way, `gpu.transcribe`), the
next one waits for the one before; cut beforehand, several are decoded at once. A cut goes where it is quietest, so that
no word is in two halves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gpu.mel import CHUNK_LENGTH, FRAMES_PER_SECOND, N_FRAMES, Floats, MelStream

LONGEST = 29 * FRAMES_PER_SECOND  # frames: what follows is silence, in which a last timestamp can lie
SLACK = 4 * FRAMES_PER_SECOND  # how far a cut may be from where windows would be equally long
WORTHWHILE = FRAMES_PER_SECOND  # frames of sound that are worth another look
USUAL = 27 * FRAMES_PER_SECOND
PAUSE = 40  # frames over which loudness is averaged


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of the recording.

    Attributes:
        start: its first frame (10 ms each). n_frames: how many there are.
        mel: (n_mels, 3000) float32; after `n_frames` the spectrogram of silence.
        has_sound: whether there is anything but digital silence.
    """

    start: int
    n_frames: int
    mel: Floats
    has_sound: bool = True

    @cached_property
    def sound_end(self) -> int:
        """Up to which of its frames there is sound: nearer to the loudest than to the quietest of it."""
        level = loudness(self.mel)[: self.n_frames]
        quiet, loud = np.percentile(level, (5, 90))
        return int(np.flatnonzero(level >= (quiet + loud) / 2)[-1])

    def rest(self, first: int) -> Window:
        """What is left of it from its frame `first` on."""
        mel = np.full_like(self.mel, self.mel[0, -1])
        mel[:, : self.n_frames - first] = self.mel[:, first : self.n_frames]
        return Window(self.start + first, self.n_frames - first, mel)


def cut_at_pauses(stream: MelStream, duration_s: float | None) -> Iterator[Window]:
    """The recording's windows in order of time.

    Args:
        duration_s: its length if known: the windows then become about equally long.
    """
    seek = 0
    while True:
        mel, n_frames = stream.window(seek)
        if n_frames == 0:
            return
        if n_frames == N_FRAMES:
            n_frames = _quietest(mel, *_range(seek, duration_s))
            mel[:, n_frames:] = stream.silence
        yield Window(seek, n_frames, mel, stream.has_sound(n_frames))
        seek += n_frames


def read_ahead(windows: Iterator[Window]) -> Iterator[Window]:
    """The same, each made while the one before is worked on: reading and the spectrogram keep one core busy at most."""
    with ThreadPoolExecutor(1, "read ahead") as reader:
        following = reader.submit(next, windows, None)
        while (window := following.result()) is not None:
            following = reader.submit(next, windows, None)
            yield window


def expected_windows(duration_s: float | None) -> int:
    """How many `cut_at_pauses` makes of a recording; many when its length is not known."""
    return 99 if duration_s is None else max(1, math.ceil(duration_s * FRAMES_PER_SECOND / USUAL))


def loudness(mel: Floats) -> Floats:
    """(n_frames,) how loud it is around each frame, in the units of the normalized spectrogram."""
    level = mel.mean(axis=0)
    return np.convolve(np.pad(level, PAUSE // 2, mode="edge"), np.full(PAUSE, 1 / PAUSE, np.float32), "same")[
        PAUSE // 2 : -PAUSE // 2
    ]


def _range(seek: int, duration_s: float | None) -> tuple[int, int]:
    """Frames between which the window that begins at `seek` should end."""
    length = USUAL
    if duration_s is not None and (rest_s := duration_s - seek / FRAMES_PER_SECOND) > CHUNK_LENGTH:
        length = min(USUAL, int(rest_s * FRAMES_PER_SECOND / expected_windows(rest_s)))
    return length - SLACK, min(length + SLACK, LONGEST)


def _quietest(mel: Floats, first: int, last: int) -> int:
    return first + int(loudness(mel)[first:last].argmin())
