"""What of a recording is worth hearing."""

from itertools import pairwise

import numpy as np
import pytest

from app.paths import vad_model
from gpu.audio import load_audio
from gpu.speech import AnySound, SpokenParts, Stretch
from gpu.speech_spans import VadOptions
from gpu.vad import SileroVad


@pytest.fixture(scope="module")
def jfk(audio):
    return load_audio(audio / "jfk.wav")


def heard(speech, *parts):
    for _ in speech.listen(np.array_split(np.concatenate(parts), 7)):
        pass
    return speech


@pytest.fixture(scope="module")
def spoken(jfk):
    """4 s of room tone, 11 s of speech, 6 s of room tone."""
    rng = np.random.default_rng(1)
    tone = rng.standard_normal(10 * 16000).astype(np.float32) * 1e-3
    return heard(SpokenParts(SileroVad(vad_model()), VadOptions()), tone[:64000], jfk, tone[64000:])


def test_speech_with_a_margin(spoken):
    stretch = spoken.next_stretch(0, 2100)
    assert 390 < stretch.start < 440, "it begins 0.3 s into the clip"
    assert 1450 < stretch.end < 1560
    assert spoken.next_stretch(stretch.end, 2100) is None
    assert spoken.next_stretch(600, 900) == Stretch(600, 900)


def test_pauses_within_it(spoken):
    parts = spoken.within(Stretch(0, 2100))
    assert 3 <= len(parts) <= 8
    assert all(a.end < b.start for a, b in pairwise(parts))
    assert spoken.within(Stretch(0, 300)) == []
    inside = spoken.within(Stretch(600, 700))
    assert all(600 <= part.start < part.end <= 700 for part in inside)


def test_any_sound_but_digital_silence(jfk):
    speech = heard(AnySound(), np.zeros(32000, np.float32), jfk * 1e-3, np.zeros(16100, np.float32))
    assert speech.next_stretch(0, 195) is None
    assert speech.next_stretch(0, 400) == Stretch(0, 400)
    assert speech.next_stretch(1310, 1400) is None
    assert speech.within(Stretch(0, 400)) is None
