"""The spectrogram on the device against the host's, of speech and of what is hard to transform."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gpu.audio import load_audio
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_mel import CudaMel
from gpu.mel import log_mel
from gpu.model_file.mel_filters import mel_filters
from tests.support.cuda.emulator import EMULATOR, Order
from tests.support.cuda.workbench import Workbench

f32 = np.float32
CLOSE = 1e-4  # of values between about -1 and 1: single precision, down to 8 decades below the loudest


@cache
def jfk() -> np.ndarray:
    return load_audio(Path(__file__).parents[2] / "data" / "audio" / "jfk.wav")


def on_device(cuda: CudaDevice, audio: np.ndarray, filters: np.ndarray) -> np.ndarray:
    bench = Workbench(cuda)
    out = bench.empty((len(filters), len(audio) // 160))
    CudaMel(cuda, bench.arena, filters).log_mel(bench.put(audio), out)
    return bench.get(out)


@pytest.mark.parametrize(("first", "n", "n_mels"), [(0, 201, 80), (16000, 2561, 128), (5000, 41379, 80)])
def test_speech(cuda: CudaDevice, first: int, n: int, n_mels: int) -> None:
    audio, filters = jfk()[first : first + n], mel_filters(n_mels)
    assert np.abs(on_device(cuda, audio, filters) - log_mel(audio, filters)).max() < CLOSE


@pytest.mark.parametrize("kind", ["silence", "loud", "hum", "click", "noise"])
def test_signals(cuda: CudaDevice, kind: str) -> None:
    time = np.arange(3600) / 16000
    audio = {
        "silence": np.zeros_like(time),
        "loud": np.sign(np.sin(2 * np.pi * 997 * time)),
        "hum": 0.9 * np.sin(2 * np.pi * 50 * time) + 0.5,
        "click": np.where(np.arange(3600) == 1700, 1.0, 0.0),
        "noise": np.random.default_rng(0).uniform(-1, 1, 3600),
    }[kind].astype(f32)
    filters = mel_filters(80)
    assert np.abs(on_device(cuda, audio, filters) - log_mel(audio, filters)).max() < CLOSE


def test_filters_of_any_shape(cuda: CudaDevice) -> None:
    filters = np.random.default_rng(0).random((7, 201)).astype(f32)
    filters[0], filters[1, :200], filters[2, 1:], filters[3, 90:110] = 0, 0, 0, 0
    audio = jfk()[8000:12000]
    assert np.abs(on_device(cuda, audio, filters) - log_mel(audio, filters)).max() < CLOSE


def test_the_order_of_blocks_makes_no_difference(cuda: CudaDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    audio, filters = jfk()[8000:16000], mel_filters(80)
    forward = on_device(cuda, audio, filters)
    monkeypatch.setattr(EMULATOR, "order", Order.REVERSE)
    assert np.array_equal(on_device(cuda, audio, filters), forward)


def test_what_is_too_short_or_long_is_refused(cuda: CudaDevice) -> None:
    bench = Workbench(cuda)
    mel = CudaMel(cuda, bench.arena, mel_filters(80))
    for n in (200, 480161):
        with pytest.raises(ValueError, match=f"{n} samples"):
            mel.log_mel(bench.empty((n,)), bench.empty((80, n // 160)))
