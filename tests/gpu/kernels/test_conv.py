"""The stem's convolutions as matrix products, against the reference network's; positions added."""

from __future__ import annotations

import numpy as np
import pytest

from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.reference_model import Conv1d
from tests.support.cuda.workbench import Workbench

f16, f32 = np.float16, np.float32


def weight_of(rng: np.random.Generator, n_in: int) -> np.ndarray:
    """Whole numbers, like the inputs below: sums of their products are exact."""
    return rng.integers(-8, 8, (5, n_in, 3)).astype(f32)


@pytest.mark.parametrize(("n_windows", "n_mels", "n_frames"), [(1, 80, 33), (2, 5, 70), (1, 128, 64), (3, 3, 1)])
def test_conv1(cuda: CudaDevice, n_windows: int, n_mels: int, n_frames: int) -> None:
    rng = np.random.default_rng(n_frames)
    bench = Workbench(cuda)
    mel = rng.integers(-8, 8, (n_windows, n_mels, n_frames)).astype(f32)
    n_columns = -(-3 * n_mels // 32) * 32
    out = bench.empty((n_windows * n_frames, n_columns), f16)
    AttentionOps(cuda).im2col_mel(bench.put(mel), out)
    rows, weight = bench.get(out).astype(f32), weight_of(rng, n_mels)
    assert not rows[:, 3 * n_mels :].any()
    conv = Conv1d(weight, np.zeros(5, f32), stride=1)
    assert np.array_equal(rows[:, : 3 * n_mels] @ weight.reshape(5, -1).T, np.concatenate([conv(m.T) for m in mel]))


@pytest.mark.parametrize(("n_windows", "n_frames", "n_state"), [(1, 10, 64), (2, 7, 576), (1, 1, 64), (1, 2, 1280)])
def test_conv2(cuda: CudaDevice, n_windows: int, n_frames: int, n_state: int) -> None:
    rng = np.random.default_rng(n_frames)
    bench = Workbench(cuda)
    x = rng.integers(-8, 8, (n_windows, n_frames, n_state)).astype(f16)
    out = bench.empty((n_windows * -(-n_frames // 2), 3 * n_state), f16)
    AttentionOps(cuda).im2col_stride2(bench.put(x), out)
    weight = weight_of(rng, n_state)
    conv = Conv1d(weight, np.zeros(5, f32), stride=2)
    expected = np.concatenate([conv(window.astype(f32)) for window in x])
    assert np.array_equal(bench.get(out).astype(f32) @ weight.reshape(5, -1).T, expected)


def test_mel_is_rounded_to_the_nearest_half(cuda: CudaDevice) -> None:
    bench = Workbench(cuda)
    mel = np.random.default_rng(0).standard_normal((1, 3, 9)).astype(f32)
    out = bench.empty((9, 9), f16)
    AttentionOps(cuda).im2col_mel(bench.put(mel), out)
    assert np.array_equal(bench.get(out)[:, 1::3], mel[0].T.astype(f16))


def test_positions_are_added_to_every_window(cuda: CudaDevice) -> None:
    rng = np.random.default_rng(0)
    bench = Workbench(cuda)
    x, positions = rng.standard_normal((3, 17, 64)).astype(f32), rng.standard_normal((17, 64)).astype(f32)
    on_device = bench.put(x)
    AttentionOps(cuda).add_positions(on_device, bench.put(positions))
    assert np.array_equal(bench.get(on_device), x + positions)
