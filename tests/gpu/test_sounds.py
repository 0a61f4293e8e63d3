"""Sound and pauses of speech that was put together with silence and with noise, and of made-up loudness."""

import numpy as np
import pytest
import soundfile

from app.paths import vad_model
from gpu.audio import load_audio
from gpu.cancel import CancelToken
from gpu.mel import MelStream, NumpySpectrogram
from gpu.model_file import open_model
from gpu.sounds import REACH, Part, Sound, sounds, sounds_in
from gpu.speech import AnySound, SpokenParts, Stretch
from gpu.speech_spans import VadOptions
from gpu.types import Segment, TranscribeOptions
from gpu.vad import SileroVad
from tests.support.requantize import SHIPPED_MODEL
from tests.support.speech import SPEECH

LOUD, MUSIC, NOISE, SILENT = -2.0, -3.0, -5.0, -9.0  # decades of power
WORD_TIMES = TranscribeOptions(language="en", word_timestamps=True)


@pytest.fixture(scope="module")
def speech():
    """3 s, from its first loud sound to its last."""
    samples = load_audio(SPEECH)
    frames = np.sqrt(np.square(samples[: len(samples) // 320 * 320].reshape(-1, 320)).mean(axis=1))
    loud = np.flatnonzero(frames > frames.max() * 10 ** (-25 / 20))
    return samples[loud[0] * 320 : loud[-1] * 320 + 320]


def streamed(samples, listener):
    with open_model(SHIPPED_MODEL) as model:
        stream = MelStream(listener.listen(iter([samples])), NumpySpectrogram(model.mel_filters.copy()))
    stream.read(0)
    return stream


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_edges_are_where_the_sound_is(speech, noise):
    gap = np.zeros(12000, np.float32)  # 0.75 s
    samples = np.concatenate([gap, speech, gap, speech, gap])
    samples += np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32) * np.float32(noise)
    listener = AnySound()
    found = sounds_in([Stretch(0, len(samples) // 160)], streamed(samples, listener), listener, 0)
    assert all((sound.first, sound.last) == (sound.start, sound.end) for sound in found)
    edges = np.array([(sound.start, sound.end) for sound in found])
    for start in (12000, 24000 + len(speech)):
        assert np.abs(edges[:, 0] - start / 160).min() <= (2 if noise == 0 else 8)
        assert np.abs(edges[:, 1] - (start + len(speech)) / 160).min() <= (2 if noise == 0 else 8)
    assert edges[0, 0] >= 70
    assert (edges[:, 1] > edges[:, 0]).all()


def level(n_frames, *stretches):
    values = np.full(n_frames, SILENT, np.float32)
    for first, last, decades in stretches:
        values[first:last] = decades
    return values


def found_in(values, *stretches):
    """Of stretches that are followed as far as may be."""
    parts, end_before, before = [], 0, 0
    for stretch in stretches:
        start, end = max(stretch.start - REACH, end_before), stretch.end + REACH
        parts.append(Part(start, end, values[start:end], stretch, stretch, before - stretch.start))
        end_before, before = stretch.end, before + stretch.length
    return sounds(parts)


def test_a_sound_goes_on_in_what_was_left_out():
    """Its soft beginning and end are in no window, but it is there that it begins and ends."""
    values = level(1000, (200, 500, LOUD), (170, 200, NOISE), (500, 540, NOISE), (600, 900, LOUD), (570, 600, NOISE))
    found = found_in(values, Stretch(190, 520), Stretch(590, 950))
    assert found == [Sound(0, 330, 170, 540), Sound(330, 640, 570, 900)]


def test_music_before_and_after_is_no_part_of_a_word():
    values = level(1000, (0, 1000, MUSIC), (220, 780, LOUD), (300, 317, SILENT), (700, 717, SILENT))
    found = found_in(values, Stretch(200, 400), Stretch(600, 800))
    assert found == [Sound(0, 200, 200, 400), Sound(200, 400, 600, 800)]


def test_music_in_the_window_is_no_part_of_a_word_either():
    """A second of a long pause is kept in the window."""
    values = level(1000, (0, 1000, MUSIC), (320, 380, LOUD), (340, 355, SILENT))
    kept, spoken = Stretch(200, 500), Stretch(300, 400)
    assert sounds([Part(250, 450, values[250:450], spoken, kept, -200)]) == [Sound(100, 200, 300, 400)]


def test_a_sound_in_what_was_left_out_alone_is_none():
    values = level(1000, (200, 300, LOUD), (330, 340, LOUD), (400, 500, LOUD))
    assert found_in(values, Stretch(180, 310), Stretch(380, 520)) == [
        Sound(20, 120, 200, 300),
        Sound(150, 250, 400, 500),
    ]


def test_the_ends_of_a_recording_are_silent():
    values = level(300, (0, 300, LOUD), (100, 160, SILENT))
    assert found_in(values, Stretch(30, 90), Stretch(170, 280)) == [Sound(0, 60, 0, 100), Sound(60, 170, 160, 300)]


def test_stretches_that_touch_share_their_sound():
    samples = np.zeros(5 * 16000, np.float32)
    samples[16000:64000] = np.random.default_rng(0).standard_normal(48000) * 0.1
    listener = AnySound()
    stream = streamed(samples, listener)
    [sound] = sounds_in([Stretch(0, 200), Stretch(200, 500)], stream, listener, 0)
    assert (sound.first, sound.last) == pytest.approx((100, 400), abs=2)


def test_what_a_window_before_has_is_not_taken_again(speech):
    """A sound between two windows belongs to the first."""
    gap = np.zeros(4000, np.float32)
    hum = np.sin(np.arange(2400) * 0.2).astype(np.float32) * 0.05
    samples = np.concatenate([gap, hum, speech, gap])
    listener = SpokenParts(SileroVad(vad_model()), VadOptions(pad_s=0.0))
    stream = streamed(samples, listener)
    stretch = listener.next_stretch(0, len(samples) // 160)
    [first, *_] = sounds_in([stretch], stream, listener, 0)
    assert first.start == pytest.approx(25, abs=2), "the hum leads up to the speech"
    [first, *_] = sounds_in([stretch], stream, listener, 35)
    assert (first.first, first.start) == (0, stretch.start)


@pytest.mark.slow
@pytest.mark.parametrize("between", ["noise", "music"])
def test_words_do_not_begin_or_end_in_what_nobody_says(engine, speech, tmp_path, between):
    """Two sentences with 4 s before, between and after them."""
    rng = np.random.default_rng(1)
    length = 4 * 16000
    gaps = {
        "noise": rng.standard_normal(length) * 3e-3,
        "music": sum(np.sin(2 * np.pi * f * np.arange(length) / 16000) for f in (220, 277, 330)) * 0.02,
    }
    gap = gaps[between].astype(np.float32)
    samples = np.concatenate([gap, speech, gap, speech, gap])
    path = tmp_path / f"{between}.wav"
    soundfile.write(path, samples, 16000)
    events = list(engine.transcribe(path, WORD_TIMES, CancelToken()))
    words = [word for event in events if isinstance(event, Segment) for word in event.words]
    for start in (4.0, 8.0 + len(speech) / 16000):
        end = start + len(speech) / 16000
        said = [word for word in words if word.start < end and word.end > start]
        assert "posed young" in "".join(word.word for word in said)
        assert said[0].start == pytest.approx(start, abs=0.3)
        assert said[-1].end == pytest.approx(end, abs=0.3)
