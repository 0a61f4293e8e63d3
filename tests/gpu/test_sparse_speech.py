"""Little or no speech, end to end: nothing is invented, and what is said is found."""

import numpy as np
import pytest
import soundfile

from gpu.audio import load_audio
from gpu.cancel import CancelToken
from gpu.types import RunStats, Segment, TranscribeOptions
from tests.bench.metrics import normalize
from tests.support.speech import SPEECH

WORDS = "young man"


@pytest.fixture
def hear(engine, tmp_path):
    """Text and segments of samples at 16 kHz, and how many windows were decoded for them."""

    def hear(samples):
        path = tmp_path / "sound.wav"
        soundfile.write(path, samples.astype(np.float32), 16000, subtype="PCM_16")
        events = list(engine.transcribe(path, TranscribeOptions(language="en"), CancelToken()))
        segments = [event for event in events if isinstance(event, Segment)]
        assert isinstance(events[-1], RunStats)
        return normalize("".join(s.text for s in segments), "en"), segments, events[-1].n_windows

    return hear


def noise(seconds, rms_db):
    samples = np.random.default_rng(3).standard_normal(round(seconds * 16000))
    return samples * 10 ** (rms_db / 20)


def music(seconds):
    """A chord a second, with overtones, that dies away: nothing that is sung."""
    t = np.arange(round(seconds * 16000)) / 16000
    roots = np.array([220, 247, 262, 196])[t.astype(int) % 4]
    chord = sum(np.sin(2 * np.pi * roots * third * k * t) / k for third in (1, 1.26, 1.5) for k in (1, 2, 3))
    return 0.1 * chord * np.exp(-2 * (t % 1))


def hum(seconds):
    t = np.arange(round(seconds * 16000)) / 16000
    return 0.05 * sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5)) + noise(seconds, -60)


@pytest.mark.parametrize("sound", [music(60), hum(60), noise(60, -30)], ids=["music", "hum", "noise"])
def test_where_nobody_speaks_there_is_no_text(hear, sound):
    text, _, n_windows = hear(sound)
    assert (text, n_windows) == ("", 0)


@pytest.mark.slow
def test_quiet_speech(hear):
    """At -35 dBFS, of which 16 bits leave some 300 steps."""
    speech = load_audio(SPEECH)
    text, _, _ = hear(speech * 10 ** (-35 / 20) / speech.std())
    assert WORDS in text


@pytest.mark.slow
def test_one_sentence_in_a_minute_of_noise(hear):
    speech = load_audio(SPEECH)
    samples = noise(60, -20) * speech.std()  # 20 dB below the speech
    samples[40 * 16000 : 40 * 16000 + len(speech)] += speech
    text, segments, n_windows = hear(samples)
    assert WORDS in text
    assert n_windows == 1
    assert 39.5 < segments[0].start < segments[-1].end < 44
