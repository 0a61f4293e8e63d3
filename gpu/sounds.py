"""Where in a recording there is sound, by its loudness: what words begin and end with.

Speech begins and ends softer than voice activity detection hears it, and may go on in what was left out of a window. So
a sound is followed a little beyond what is spoken. Where it goes on for longer, it is music or noise: no word begins or
ends with it, but where speech does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.mel import Floats, MelStream
from gpu.speech import Speech, Stretch

REACH = 50  # frames (10 ms each) that a sound is followed beyond speech
PAUSE = 20  # frames: a shorter silence may be the closure of a consonant
CLICK = 3  # frames: a shorter sound is none
_DECADES = 4.0  # of power below the loud: 40 dB
_NOISE_SHARE = 0.2  # of the way from the quiet to the loud, in decades, that is still noise


@dataclass(frozen=True)
class Sound:
    """Frames [first, last) of a window, and where in the recording it begins and ends, which may be a little outside.

    Of a sound that goes on for long before or after speech, only what is spoken counts.
    """

    first: int
    last: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Part:
    """What is spoken, and what is around it. In frames of the recording but for `shift`.

    Attributes:
        start: the first frame of `level`.
        end: the frame up to which a sound is followed.
        level: (n_frames,) decades of power; shorter than up to `end` where the recording is.
        spoken: with the margin that speech is recognised with.
        stretch: what is in the window.
        shift: from there to frames of the window.
    """

    start: int
    end: int
    level: Floats
    spoken: Stretch
    stretch: Stretch
    shift: int


def sounds_in(stretches: Sequence[Stretch], stream: MelStream, speech: Speech, settled: int) -> tuple[Sound, ...]:
    """The sounds of a window.

    Args:
        stretches: what it is made of, in order.
        settled: frame of the recording up to which sounds belong to windows before it.
    """
    parts = []
    before = 0
    for stretch in _joined(stretches):
        shift = before - stretch.start
        before += stretch.length
        seek = stretch.start
        while seek < stretch.end and (spoken := speech.next_stretch(seek, stretch.end)):
            start = max(min(spoken.start, settled), spoken.start - REACH, 0)
            following = speech.next_stretch(spoken.end, spoken.end + REACH)
            end = following.start if following else spoken.end + REACH
            parts.append(Part(start, end, stream.level(start, end), spoken, stretch, shift))
            seek = spoken.end
    return tuple(sounds(parts))


def sounds(parts: Sequence[Part]) -> list[Sound]:
    """The sounds that have pauses between them, or something that nobody speaks in; in order."""
    level = np.concatenate([np.empty(0, np.float32), *(part.level for part in parts)])
    if len(level) == 0:
        return []
    quiet, loud = np.percentile(level, (5, 95))
    threshold = max(quiet + _NOISE_SHARE * (loud - quiet), loud - _DECADES)
    found: list[Sound] = []
    for part in parts:
        begin = max(part.start, found[-1].end if found else 0)  # two parts share what lies between them
        for run in _runs(part.level[begin - part.start :] > threshold):
            first, last = begin + run[0], begin + run[1]
            if last <= part.spoken.start or first >= part.spoken.end:
                continue
            start = first if first > begin or begin == 0 else part.spoken.start
            end = last if last < part.end else part.spoken.end
            inside = Stretch(max(start, part.stretch.start), min(end, part.stretch.end)).moved(part.shift)
            found.append(Sound(inside.start, inside.end, start, end))
    return found


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Without cuts where nothing was left out."""
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and joined[-1].end == stretch.start:
            joined[-1] = Stretch(joined[-1].start, stretch.end)
        else:
            joined.append(stretch)
    return joined


def _runs(heard: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame of each sound, and the one behind its last."""
    edges = np.flatnonzero(np.diff(heard, prepend=False, append=False))
    runs: list[tuple[int, int]] = []
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first < CLICK:
            continue
        if runs and first - runs[-1][1] < PAUSE:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs
