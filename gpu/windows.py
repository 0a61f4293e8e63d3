"""A recording cut at its pauses into windows that can be recognised in any order.

Whisper hears 30 s at a time. Where a window's length is left to the timestamps (OpenAI's way, `gpu.transcribe`), the
next one waits for the one before; cut beforehand, several are decoded at once. A cut goes where it is quietest, so that
no word is in two halves. What nobody speaks in is left out, and what is left is put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gpu.mel import CHUNK_LENGTH, FRAMES_PER_SECOND, N_FRAMES, Floats, MelStream
from gpu.sounds import Sound, sounds_in
from gpu.speech import Speech, Stretch

LONGEST = 29 * FRAMES_PER_SECOND  # frames: what follows is silence, in which a last timestamp can lie
SLACK = 4 * FRAMES_PER_SECOND  # how far a cut may be from where windows would be equally long
WORTHWHILE = FRAMES_PER_SECOND  # frames of sound that are worth another look
WORTH_LEAVING_OUT = 35  # frames of silence before speech
# Frames of silence of which more is kept, lest Whisper make one text of what is far apart; and how many more.
LONG_PAUSE, MORE_SILENCE = 2 * FRAMES_PER_SECOND, 100
USUAL = 28 * FRAMES_PER_SECOND
ENOUGH = 25 * FRAMES_PER_SECOND  # a window that holds it is not filled up with a part of what comes next
AS_QUIET = 0.15  # of the way from the quietest place to the usual loudness: there one may cut just as well
MARGIN = FRAMES_PER_SECOND // 5  # frames of a text's time before and after what is heard of it: soft sounds
PAUSE = 40  # frames over which loudness is averaged


@dataclass(frozen=True, eq=False)
class Window:
    """Stretches of the recording, side by side.

    Attributes:
        stretches: what it is made of; in order, in frames (10 ms) of the recording.
        mel: (n_mels, 3000) float32; after `n_frames` the spectrogram of silence.
        speech: where in it somebody speaks, in its own frames; None if nobody has listened for that.
        n_before: frames of the recording that were left out before it, or inside.
        is_rest: whether it was in another window already, which left it out.
        track: number of the channel it is of.
        sounds: what can be heard in it, for timing words.
    """

    stretches: tuple[Stretch, ...]
    mel: Floats
    speech: tuple[Stretch, ...] | None = None
    n_before: int = 0
    is_rest: bool = False
    track: int = 0
    sounds: tuple[Sound, ...] = ()

    @property
    def start(self) -> int:
        return self.stretches[0].start

    @property
    def end(self) -> int:
        return self.stretches[-1].end

    @property
    def n_frames(self) -> int:
        return sum(stretch.length for stretch in self.stretches)

    @cached_property
    def sound_end(self) -> int:
        """Up to which of its frames there is something to hear: speech, or what is nearer to its loudest than to its
        quietest sound."""
        if self.speech is not None:
            return self.speech[-1].end if self.speech else 0
        level = loudness(self.mel)[: self.n_frames]
        quiet, loud = np.percentile(level, (5, 90))
        return int(np.flatnonzero(level >= (quiet + loud) / 2)[-1])

    def place(self, frame: int, *, is_end: bool) -> int:
        """Where in the recording a frame of it lies. Between two stretches, the end of something is in the first."""
        before = 0
        for stretch in self.stretches:
            if frame < before + stretch.length or (is_end and frame == before + stretch.length):
                return stretch.start + frame - before
            before += stretch.length
        return self.stretches[-1].end

    def timed(self, first: int, last: int) -> tuple[int, int]:
        """Where in the recording a word lies that is in its frames [first, last). What begins or ends with a sound does
        so where that does."""
        starts = {sound.first: sound.start for sound in self.sounds}
        ends = {sound.last: sound.end for sound in self.sounds}
        start = starts[first] if first in starts else self.place(first, is_end=False)
        end = ends[last] if last in ends else self.place(last, is_end=True)
        return start, max(start, end)

    def spoken(self, first: int, last: int) -> float | None:
        """In which part of the time between two of its frames somebody speaks, if that is known."""
        if self.speech is None:
            return None
        return sum(part.length for part in clipped(self.speech, first, last)) / max(last - first, 1)

    def trimmed(self, first: int, last: int) -> tuple[int, int]:
        """Times of a text, in its frames, without silence before and after it: Whisper lets a text begin where the one
        before ended. Of two stretches a text is in the one in which more of it is spoken."""
        if not (spoken := list(clipped(self.speech or (), first, last))):
            return first, last
        begin, best = 0, (0, first, last)
        for stretch in self.stretches:
            here = list(clipped(spoken, begin, begin + stretch.length))
            if (n_frames := sum(part.length for part in here)) > best[0]:
                best = n_frames, max(first, here[0].start - MARGIN, begin), min(last, here[-1].end + MARGIN)
            begin += stretch.length
        return best[1], best[2]

    def rest(self, first: int, last: int | None = None) -> Window:
        """Its frames from `first` on, or up to `last`, as another window."""
        last = self.n_frames if last is None else last
        mel = np.full_like(self.mel, self.mel[0, -1])
        mel[:, : last - first] = self.mel[:, first:last]
        stretches, before = [], 0
        for stretch in self.stretches:
            part = Stretch(max(first - before, 0), min(last - before, stretch.length))
            if part.length > 0:
                stretches.append(part.moved(stretch.start))
            before += stretch.length
        speech = None if self.speech is None else tuple(s.moved(-first) for s in clipped(self.speech, first, last))
        sounds = tuple(self._cut(s, first, last) for s in self.sounds if s.first < last and s.last > first)
        return Window(tuple(stretches), mel, speech, is_rest=True, track=self.track, sounds=sounds)

    def _cut(self, sound: Sound, first: int, last: int) -> Sound:
        """A sound as it is in some of its frames."""
        start = sound.start if sound.first >= first else self.place(first, is_end=False)
        end = sound.end if sound.last <= last else self.place(last, is_end=True)
        return Sound(max(sound.first - first, 0), min(sound.last, last) - first, start, end)


def clipped(stretches: Sequence[Stretch], first: int, last: int) -> Iterator[Stretch]:
    """What of them lies between two frames."""
    for stretch in stretches:
        part = Stretch(max(stretch.start, first), min(stretch.end, last))
        if part.length > 0:
            yield part


def spoken_in(stretches: Sequence[Stretch], speech: Speech) -> tuple[Stretch, ...] | None:
    """Where somebody speaks in a window made of these stretches, in its frames; None if that is not known."""
    spoken: list[Stretch] = []
    before = 0
    for stretch in stretches:
        if (heard := speech.within(stretch)) is None:
            return None
        spoken += [part.moved(before - stretch.start) for part in heard]
        before += stretch.length
    return tuple(spoken)


def cut_at_pauses(stream: MelStream, speech: Speech, duration_s: float | None, track: int = 0) -> Iterator[Window]:
    """The recording's windows in order of time.

    Args:
        duration_s: its length if known: the windows then become about equally long.
        track: what to call them.
    """
    window = _Gathered(stream, speech, track)
    seek = 0
    resumed = -1  # after a pause that was left out
    while (n_frames := min(stream.read(seek).shape[1], stream.frames_left(seek))) > 0:
        is_last = n_frames < N_FRAMES
        stretch = speech.next_stretch(seek, seek + n_frames)
        if stretch is None:
            seek += n_frames if is_last else n_frames - speech.margin
        elif seek != resumed and (left_out := stretch.start - seek) > WORTH_LEAVING_OUT:
            seek = resumed = stretch.start if left_out < LONG_PAUSE else stretch.start - MORE_SILENCE
        else:
            length = stretch.end - seek
            goes_on = not is_last and length == N_FRAMES
            if not goes_on and (length <= LONGEST - window.n_frames or (is_last and window.n_frames == 0)):
                window.add(seek, length)
                seek += length
            else:
                first, last = (n - window.n_frames for n in _range(seek - window.n_frames, duration_s))
                if window.n_frames < ENOUGH and last > max(first, 0) + PAUSE:
                    length = _late_pause(stream.normalized(stream.read(seek)), max(first, 1), min(last, length))
                    window.add(seek, length)
                    seek += length
                yield window.taken()
    if window.n_frames:
        yield window.taken()


class _Gathered:
    """What the next window is made of so far."""

    def __init__(self, stream: MelStream, speech: Speech, track: int) -> None:
        self._stream, self._speech, self._track = stream, speech, track
        self._stretches: list[Stretch] = []
        self._mels: list[Floats] = []
        self._end = 0  # of the window before
        self._heard = 0  # up to where its sounds go
        self.n_frames = 0

    def add(self, start: int, length: int) -> None:
        self._mels.append(self._stream.read(start)[:, :length].copy())
        self._stretches.append(Stretch(start, start + length))
        self.n_frames += length

    def taken(self) -> Window:
        """The window; the next one is empty."""
        mel = self._stream.normalized(*self._mels)
        n_before = self._stretches[-1].end - self._end - self.n_frames
        speech = spoken_in(self._stretches, self._speech)
        sounds = sounds_in(self._stretches, self._stream, self._speech, self._heard)
        window = Window(tuple(self._stretches), mel, speech, n_before, track=self._track, sounds=sounds)
        self._end = self._stretches[-1].end
        self._heard = max([self._end, *(sound.end for sound in sounds)])
        self._stretches, self._mels, self.n_frames = [], [], 0
        return window


class ReadAhead(Iterator[Window]):
    """The same, each made while the one before is worked on: reading and the spectrogram keep one core busy at most.

    Closed, it waits until nothing is being read: only then may the recording be closed.
    """

    def __init__(self, windows: Iterator[Window]) -> None:
        self._windows = windows
        self._reader = ThreadPoolExecutor(1, "read ahead")
        self._following = self._reader.submit(next, windows, None)

    @property
    def is_ready(self) -> bool:
        """Whether the next one, or the end, is there without waiting."""
        return self._following.done() and self._following.exception() is None

    def __next__(self) -> Window:
        if (window := self._following.result()) is None:
            raise StopIteration
        self._following = self._reader.submit(next, self._windows, None)
        return window

    def close(self) -> None:
        self._reader.shutdown()


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


def _late_pause(mel: Floats, first: int, last: int) -> int:
    """The last frame between two that is about as quiet as any there: full windows are few windows."""
    level = loudness(mel)[first:last]
    enough = level.min() + AS_QUIET * (np.median(level) - level.min())
    return first + int(np.flatnonzero(level <= enough)[-1])
