"""A conversation in stereo, a speaker on each side, made of the corpus's utterances where it is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from gpu.audio import SAMPLE_RATE, load_audio
from tests.bench.long_recording import PAUSE_S, UTTERANCES, interleaved, speaker
from tests.bench.metrics import Errors, count_errors, pool
from tests.support.corpus import Clip

_LINE = re.compile(r"Speaker (\d+): (.*)")


def turns(corpus: Sequence[Clip]) -> list[Clip]:
    """The utterances of the first two speakers, in turn."""
    utterances = [clip for clip in corpus if clip.name.startswith(UTTERANCES)]
    speakers = list(dict.fromkeys(speaker(clip) for clip in utterances))[:2]
    return interleaved([clip for clip in utterances if speaker(clip) in speakers])


def join_sides(clips: Sequence[Clip], path: Path) -> tuple[Clip, tuple[str, ...]]:
    """Write the clips one after the other, each with a pause after it, those of the first one's speaker on the left
    and the others on the right; nobody interrupts. The references of both sides come with the recording."""
    sides: list[list[Clip]] = [[], []]
    parts = []
    for clip in clips:
        samples = load_audio(clip.path)
        side = int(speaker(clip) != speaker(clips[0]))
        sides[side].append(clip)
        part = np.zeros((len(samples) + round(PAUSE_S * SAMPLE_RATE), 2), np.float32)
        part[: len(samples), side] = samples
        parts.append(part)
    both = np.concatenate(parts)  # (n, 2)
    soundfile.write(path, both, SAMPLE_RATE, subtype="PCM_16")
    reference = " ".join(clip.reference for clip in clips)
    recording = Clip(path, "stereo, two speakers", clips[0].language, len(both) / SAMPLE_RATE, reference)
    return recording, tuple(" ".join(clip.reference for clip in side) for side in sides)


def errors_by_speaker(references: Sequence[str], printed: str, language: str) -> Errors:
    """What ours printed, each speaker's words against that speaker's reference: a word given to the wrong one is
    wrong twice."""
    said = [""] * len(references)
    for number, text in _LINE.findall(printed):
        said[int(number) - 1] += f" {text}"
    return pool(count_errors(*pair, language) for pair in zip(references, said, strict=True))
