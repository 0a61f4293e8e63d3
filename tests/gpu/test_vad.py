"""The network beside the published one, run as published: chunk by chunk, each with 64 samples before it."""

import numpy as np
import onnxruntime
import pytest

from app.paths import vad_model
from gpu.audio import load_audio
from gpu.errors import DamagedModelError, ModelNotFoundError
from gpu.speech_spans import VadOptions, speech_spans
from gpu.vad import CHUNK, SileroVad


@pytest.fixture(scope="module")
def vad():
    return SileroVad(vad_model())


@pytest.fixture(scope="module")
def speech(audio):
    """16 s, two languages."""
    return np.concatenate([load_audio(audio / name) for name in ("jfk.wav", "ast_es_demo-nogo.flac")])


def as_published(samples):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(vad_model(), options)
    padded = np.concatenate([np.zeros(64, np.float32), samples, np.zeros(-len(samples) % CHUNK, np.float32)])
    h = c = np.zeros((1, 1, 128), np.float32)
    probabilities = []
    for i in range(0, len(padded) - 64, CHUNK):
        probability, h, c = session.run(None, {"input": padded[None, i : i + 64 + CHUNK], "h": h, "c": c})
        probabilities.append(probability[0])
    return np.array(probabilities)


def test_probabilities_are_those_of_the_published_graph(vad, speech):
    expected = as_published(speech)
    assert 0.1 < (expected > 0.5).mean() < 0.95, "speech and pauses"
    np.testing.assert_allclose(vad.probabilities(speech, amplify=False), expected, atol=1e-5)


@pytest.mark.parametrize("amplify", [False, True])
def test_blocks_of_any_size_give_the_same(vad, speech, amplify):
    rng = np.random.default_rng(2)
    stream = vad.stream(amplify=amplify)
    parts = [stream.feed(block) for block in np.split(speech, np.sort(rng.integers(0, len(speech), 60)))]
    streamed = np.concatenate([*parts, stream.finish()])
    np.testing.assert_allclose(streamed, vad.probabilities(speech, amplify=amplify), atol=1e-5)


@pytest.mark.parametrize("n_samples", [0, 1, 511, 512, 513])
def test_a_begun_chunk_counts(vad, n_samples):
    assert len(vad.probabilities(np.zeros(n_samples, np.float32))) == -(-n_samples // CHUNK)


def test_long_silence_costs_nothing_and_changes_nothing(vad, speech, monkeypatch):
    silence = np.zeros(120 * 16000, np.float32)
    stream = vad.stream()
    assert stream.feed(silence).max() < 0.1
    session = stream._session
    monkeypatch.setattr(stream, "_session", None)  # whoever calls it fails
    assert stream.feed(silence).max() < 0.1
    monkeypatch.setattr(stream, "_session", session)
    heard = stream.feed(speech) > 0.5
    assert (heard != (vad.probabilities(speech) > 0.5)[: len(heard)]).mean() < 0.01


@pytest.mark.parametrize("rms_db", [-35, -58])
def test_quiet_speech_in_noise_is_heard_like_loud(vad, speech, rms_db):
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32) * speech.std() / 10
    noisy = speech + noise
    quiet = noisy * np.float32(10 ** (rms_db / 20) / noisy.std())
    heard = [vad.probabilities(samples) > 0.5 for samples in (noisy, np.round(quiet * 32768) / np.float32(32768))]
    assert heard[1][heard[0]].mean() > 0.97


@pytest.mark.parametrize("file", ["roomtone_30s.flac", "silence_30s.flac"])
def test_nobody_speaks_in_an_empty_room(vad, audio, file):
    assert speech_spans(vad.probabilities(load_audio(audio / file)), VadOptions()) == []


def test_neither_noise_nor_hum_nor_chords_are_speech(vad):
    t = np.arange(20 * 16000) / 16000
    sounds = {
        "noise": np.random.default_rng(1).standard_normal(len(t)),
        "hum": sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5)),
        "chords": sum(np.sin(2 * np.pi * f * k * t) / k for f in (220, 261.6, 329.6) for k in (1, 2, 3))
        * np.exp(-2 * (t % 1)),
    }
    for name, sound in sounds.items():
        assert vad.probabilities((sound * 0.1 / sound.std()).astype(np.float32)).max() < 0.4, name


def test_a_file_that_is_not_the_network(tmp_path):
    with pytest.raises(ModelNotFoundError, match="cannot be read"):
        SileroVad(tmp_path / "gone.onnx")
    for name, content in {"text.onnx": b"This is no network.", "cut.onnx": vad_model().read_bytes()[:500_000]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DamagedModelError, match=name):
            SileroVad(tmp_path / name)
