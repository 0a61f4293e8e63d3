"""The spectrogram against openai-whisper's (tests/data/make_mel_fixture.py) and against plain float64 arithmetic."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpu import mel
from gpu.audio import load_audio
from gpu.mel import HOP_LENGTH, N_FRAMES, N_SAMPLES, MelStream, NumpySpectrogram

DATA = Path(__file__).parents[1] / "data"
FIXTURE = DATA / "mel" / "openai_jfk.npz"
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@cache
def filters(n_mels: int = 80) -> Floats:
    with np.load(FIXTURE) as arrays:
        return arrays[f"filters_{n_mels}"]


@cache
def jfk() -> Floats:
    return load_audio(DATA / "audio" / "jfk.wav")


def log10_mel_of_padded(audio: Floats) -> Doubles:
    """(80, n // 160 + 3000) float64, of the recording and 30 s of silence: each frame cut out and transformed alone."""
    samples = np.concatenate([audio, np.zeros(N_SAMPLES + 400, np.float32)]).astype(np.float64)
    samples = np.concatenate([samples[200:0:-1], samples])
    time = np.arange(400)
    hann = np.sin(np.pi * time / 400) ** 2
    waves = np.exp(-2j * np.pi * np.outer(np.arange(201), time) / 400) * hann  # (201, 400)
    n_frames = len(audio) // HOP_LENGTH + N_FRAMES
    frames = np.stack([samples[HOP_LENGTH * i :][:400] for i in range(n_frames)], axis=1)  # (400, n_frames)
    power = np.abs(waves @ frames) ** 2
    return np.log10(np.maximum(filters().astype(np.float64) @ power, 1e-10))


def in_range(log10_mel: Doubles, maximum: float) -> Doubles:
    return (np.maximum(log10_mel, maximum - 8) + 4) / 4


def in_blocks(audio: Floats, *sizes: int) -> Iterator[Floats]:
    """The recording in blocks of these sizes, again and again."""
    begin, i = 0, 0
    while begin < len(audio):
        yield audio[begin : begin + sizes[i % len(sizes)]]
        begin += sizes[i % len(sizes)]
        i += 1


def noise(seconds: float, seed: int = 0) -> Floats:
    """Noise whose loudness changes, a second at a time, by up to 100 dB."""
    generator = np.random.default_rng(seed)
    n = int(seconds * 16000)
    loudness = np.repeat(10.0 ** generator.uniform(-5, 0, n // 16000 + 1), 16000)[:n]
    return (generator.uniform(-1, 1, n) * loudness).astype(np.float32)


@pytest.mark.parametrize("n_mels", [80, 128])
def test_equals_openai_whisper(n_mels: int) -> None:
    with np.load(FIXTURE) as arrays:
        frames, expected = arrays[f"frames_{n_mels}"], arrays[f"log_mel_{n_mels}"]
    padded = np.pad(jfk(), (0, N_SAMPLES))
    whole = mel.log_mel(padded, filters(n_mels))
    streamed, n_content = MelStream(in_blocks(jfk(), 16000), NumpySpectrogram(filters(n_mels))).window(0)
    assert np.abs(whole[:, frames] - expected).max() < 1e-4
    assert np.abs(streamed[:, frames] - expected).max() < 1e-4
    assert n_content == 1100
    assert streamed.dtype == whole.dtype == np.float32
    assert streamed.shape == (n_mels, N_FRAMES)


def test_equals_float64_arithmetic() -> None:
    audio = noise(8)
    expected = log10_mel_of_padded(audio)
    assert (
        np.abs(mel.log_mel(np.pad(audio, (0, N_SAMPLES)), filters()) - in_range(expected, expected.max())).max() < 1e-4
    )


@pytest.mark.parametrize("n_samples", [0, 1, 159, 160, 199, 200, 201, 399, 400, 479999, 480000, 480001])
def test_short_recordings_and_the_edges_of_a_window(n_samples: int) -> None:
    audio = noise(31)[:n_samples]
    expected = log10_mel_of_padded(audio)
    stream = MelStream(in_blocks(audio, 7000), NumpySpectrogram(filters()))
    window, n_content = stream.window(0)
    assert np.abs(window - in_range(expected, expected.max())[:, :N_FRAMES]).max() < 1e-4
    assert n_content == min(n_samples // HOP_LENGTH, N_FRAMES)
    after, n_after = stream.window(N_FRAMES)
    assert n_after == 0
    assert np.abs(after[:, 2:] - after.min()).max() == 0  # silence but for frames that reach back into the recording
    assert stream.ended
    assert stream.audio_s == n_samples / 16000


@cache
def long_recording() -> tuple[Floats, Doubles]:
    audio = noise(75.0)[:-77]
    return audio, log10_mel_of_padded(audio)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.integers(1, 200_000), min_size=1, max_size=5),
    st.lists(st.integers(0, 3500), min_size=1, max_size=6),
)
def test_windows_do_not_depend_on_blocks_or_steps(sizes: list[int], steps: list[int]) -> None:
    audio, expected = long_recording()
    if sum(sizes) / len(sizes) < 1000:
        sizes = [*sizes, 100_000]  # a block a sample is right but slow
    stream = MelStream(in_blocks(audio, *sizes), NumpySpectrogram(filters()))
    seek = 0
    for step in steps:
        window, n_content = stream.window(seek)
        loudest = expected[:, : stream.frames_read].max()
        silence = np.full((80, N_FRAMES), -10.0)
        known = expected[:, seek : seek + N_FRAMES]
        silence[:, : known.shape[1]] = known
        assert np.abs(window - in_range(silence, loudest)).max() < 1e-4
        assert n_content == min(max(len(audio) // HOP_LENGTH - seek, 0), N_FRAMES)
        assert not stream.ended or stream.audio_s == len(audio) / 16000
        seek += step


def test_windows_are_those_of_the_whole_recording_once_its_loudest_part_was_heard() -> None:
    audio = noise(70)
    audio[:1600] = np.sign(audio[:1600])  # nothing after it is louder
    whole = mel.log_mel(np.pad(audio, (0, N_SAMPLES)), filters())
    stream = MelStream(in_blocks(audio, 16000), NumpySpectrogram(filters()))
    for seek in (0, 2873, 5746):
        assert np.abs(stream.window(seek)[0] - whole[:, seek : seek + N_FRAMES]).max() < 1e-5


def test_level_is_the_power_of_each_frame_read() -> None:
    """Also of frames that are forgotten; none after the end of the recording."""
    audio = noise(70)
    whole = log10_mel_of_padded(audio)[:, :7000]
    stream = MelStream(in_blocks(audio, 16000), NumpySpectrogram(filters()))
    stream.read(4500)
    assert np.abs(stream.level(100, 6900) - np.log10((10.0 ** whole[:, 100:6900]).sum(axis=0))).max() < 0.01
    assert len(stream.level(6900, 7100)) == 100


def test_no_way_back() -> None:
    stream = MelStream(in_blocks(noise(70), 16000), NumpySpectrogram(filters()))
    stream.window(2000)
    stream.window(2000)
    with pytest.raises(ValueError, match="frame 1999 asked for after 2000"):
        stream.window(1999)


def test_reads_no_further_than_it_must() -> None:
    n_read = 0

    def blocks() -> Iterator[Floats]:
        nonlocal n_read
        while True:
            n_read += 16000
            yield np.zeros(16000, np.float32)

    stream = MelStream(blocks(), NumpySpectrogram(filters()))
    stream.window(0)
    assert n_read <= N_SAMPLES + 16000
    stream.window(100)
    assert n_read <= N_SAMPLES + 2 * 16000
    assert not stream.ended


def test_memory_is_bounded_also_when_most_is_skipped() -> None:
    second = noise(1)
    n_seconds = 10 * 60
    stream = MelStream((second for _ in range(n_seconds)), NumpySpectrogram(filters()))
    tracemalloc.start()
    stream.window(0)
    stream.window(n_seconds * 100 - N_FRAMES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15e6  # the whole recording is 38 MB, its spectrogram 19 MB
