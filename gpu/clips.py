"""Parts of a recording instead of the whole, with times of the whole: openai/whisper's `clip_timestamps`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpu.errors import OptionsError
from gpu.types import RunEvent, RunStats, Segment, Words


class Clip(NamedTuple):
    """Seconds of a recording; `end_s` None: to its end."""

    start_s: float = 0.0
    end_s: float | None = None

    def duration_s(self, whole_s: float | None) -> float | None:
        """Of a recording that is so long; None while that is not known."""
        ends = [end for end in (self.end_s, whole_s) if end is not None]
        return max(min(ends) - self.start_s, 0.0) if ends else None

    def cut(self, blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """The samples of (n,) blocks that belong to it. Nothing is read behind its end."""
        first = round(self.start_s * sample_rate)
        last = math.inf if self.end_s is None else round(self.end_s * sample_rate)
        position = 0
        for block in blocks:
            inside = block[max(first - position, 0) : max(min(last - position, len(block)), 0)]
            position += len(block)
            if len(inside):
                yield inside
            if position >= last:
                return


WHOLE = Clip()


def clips_of(timestamps: Sequence[float]) -> list[Clip]:
    """Start, end, start, end, ... in seconds; without a last end that clip goes on to the end of the recording.

    Raises:
        OptionsError: they are not in order of time.
    """
    times = [0.0, *timestamps]
    in_order = all(math.isfinite(time) for time in times) and times == sorted(times)
    starts, ends = timestamps[::2], timestamps[1::2]
    if not in_order or any(start == end for start, end in zip(starts, ends, strict=False)):
        raise OptionsError(
            Words("The clips {times} are not in order of time.", times=",".join(f"{time:g}" for time in timestamps)),
            remedy=Words("Give start, end, start, end, ... in seconds, each later than the one before."),
        )
    return [Clip(*timestamps[i : i + 2]) for i in range(0, len(timestamps), 2)] or [WHOLE]


def remaining(timestamps: Sequence[float], settled_s: float) -> tuple[float, ...]:
    """What is left of clips when everything before `settled_s` has been heard. At least a frame, to find the end in.

    Raises:
        OptionsError: they are not in order of time.
    """
    clips = clips_of(timestamps)
    left = [clip for clip in clips if clip.end_s is None or clip.end_s > settled_s]
    if not left:
        end_s = clips[-1].end_s or settled_s
        return (max(end_s - 0.01, 0.0), end_s)
    first, *others = left
    left = [first._replace(start_s=max(first.start_s, settled_s)), *others]
    return tuple(time for clip in left for time in clip if time is not None)


class Placed:
    """Events of runs over clips as those of one run over the recording they are parts of."""

    def __init__(self) -> None:
        self._n_segments = 0
        self._heard_s = 0.0
        self._before: RunStats | None = None  # of all clips that are finished
        self._latest: RunStats | None = None

    def events(self, events: Iterable[RunEvent], clip: Clip, whole_s: float | None) -> Iterator[RunEvent]:
        """Of one clip's run; `whole_s`: length of the recording, as far as known."""
        if clip == WHOLE and self._before is None:
            yield from events
            return
        for event in events:
            match event:
                case Segment():
                    yield _later(event, clip.start_s, self._n_segments)
                    self._n_segments += 1
                case RunStats():
                    self._latest = self._added(event, clip, whole_s)
                    yield self._latest
                case _:
                    yield event
        self._before = self._latest
        if self._latest is not None:
            self._heard_s = self._latest.audio_s - self._latest.skipped_s

    def _added(self, stats: RunStats, clip: Clip, whole_s: float | None) -> RunStats:
        before = self._before
        audio_s = clip.start_s + stats.audio_s
        if clip.end_s is None and stats.duration_s is not None:  # exact, once it is read through
            whole_s = clip.start_s + stats.duration_s
        return replace(
            stats,
            audio_s=audio_s,
            duration_s=whole_s,
            n_segments=self._n_segments,
            settled_s=clip.start_s + stats.settled_s,
            skipped_s=audio_s - stats.audio_s - self._heard_s,
            processing_s=stats.processing_s + (before.processing_s if before else 0.0),
            n_windows=stats.n_windows + (before.n_windows if before else 0),
            n_tokens=stats.n_tokens + (before.n_tokens if before else 0),
            n_fallbacks=stats.n_fallbacks + (before.n_fallbacks if before else 0),
            n_decoded=stats.n_decoded + (before.n_decoded if before else 0),
        )


def _later(segment: Segment, by_s: float, by_number: int) -> Segment:
    """A segment of a clip where it is in the recording."""
    words = segment.words
    if words is not None:
        words = tuple(replace(word, start=word.start + by_s, end=word.end + by_s) for word in words)
    return replace(segment, id=by_number, start=segment.start + by_s, end=segment.end + by_s, words=words)
