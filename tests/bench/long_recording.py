"""A long recording in which nothing is repeated, made of the corpus's utterances where it is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import soundfile

from gpu.audio import SAMPLE_RATE, load_audio
from tests.support.corpus import Clip

UTTERANCES, IN_THE_MIDDLE = "librispeech/", "special/clean_3080"
PAUSE_S = 0.5


def parts(corpus: Sequence[Clip]) -> list[Clip]:
    """The 40 utterances with their speakers in turn, and a clean minute of another speaker in the middle."""
    clips = interleaved([clip for clip in corpus if clip.name.startswith(UTTERANCES)])
    [other] = [clip for clip in corpus if clip.name.startswith(IN_THE_MIDDLE)]
    clips.insert(len(clips) // 2, other)
    return clips


def interleaved(clips: Sequence[Clip]) -> list[Clip]:
    """One of each speaker in turn."""
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(speaker(clip), []).append(clip)
    return [clip for turn in zip_longest(*by_speaker.values()) for clip in turn if clip is not None]


def speaker(clip: Clip) -> str:
    """LibriSpeech's names begin with the speaker."""
    return Path(clip.name).stem.split("-")[0]


def join(clips: Sequence[Clip], path: Path) -> Clip:
    """Write the clips one after the other, each with a pause after it, as a 16-bit WAV file."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    samples = np.concatenate([part for clip in clips for part in (load_audio(clip.path), pause)])
    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    seconds = len(samples) / SAMPLE_RATE
    reference = " ".join(clip.reference for clip in clips)
    return Clip(path, f"{seconds / 60:.1f} min, {len(clips)} utterances", clips[0].language, seconds, reference)


def repeat(clip: Clip, seconds: float, path: Path) -> Clip:
    """Write `clip` again and again until there are `seconds` of it. Not for word errors: only time and memory."""
    n = max(1, math.ceil(seconds / clip.seconds))
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, subtype="PCM_16") as file:
        for block in _again(clip.path, n):
            file.write(block)
    name = f"{n * clip.seconds / 3600:.1f} h, {n} times the same"
    return Clip(path, name, clip.language, n * clip.seconds, " ".join([clip.reference] * n))


def _again(path: Path, n: int) -> Iterator[np.ndarray]:
    samples, _ = soundfile.read(path, dtype="int16")
    for _ in range(n):
        yield samples
