"""Longer speech, put together from the short clips. No sentence comes twice: repetition would set off the fallback."""

from pathlib import Path

import numpy as np
import soundfile

from tests.bench.metrics import Errors, count_errors
from tests.support.corpus import FREE_AUDIO, read_manifest

AUDIO = Path(__file__).parents[1] / "data" / "audio"
SPEECH = AUDIO / "librivox_0880.wav"  # 3 s: "he was not an ill disposed young man"
ENGLISH = [*sorted(AUDIO.glob("librivox_*.wav")), *sorted(AUDIO.glob("ast_en_*.flac")), AUDIO / "jfk.wav"]

# Four minutes, in several languages: what has only begun when the first text comes.
LONGER = [*ENGLISH, *(clip for clip in sorted(AUDIO.glob("ast_*.flac")) if clip not in ENGLISH)]


def make_reading(path: Path, clips: list[Path] | None = None) -> float:
    """English speech at 16 kHz, 85 s of it by default; returns its seconds."""
    parts = [soundfile.read(clip, dtype="float32")[0] for clip in clips or ENGLISH]
    samples = np.concatenate(parts)  # (n,)
    soundfile.write(path, samples, 16000)
    return len(samples) / 16000


def reading_errors(text: str, clips: list[Path] | None = None) -> Errors:
    """Of a transcript of what `make_reading` makes of English clips."""
    references = {clip.path: clip.reference for clip in read_manifest(FREE_AUDIO)}
    return count_errors(" ".join(references[clip] for clip in clips or ENGLISH), text, "en")
