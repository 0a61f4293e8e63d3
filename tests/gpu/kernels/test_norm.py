"""Layer normalization against float64, and the half-precision form against the rounded single-precision one."""

from __future__ import annotations

import numpy as np
import pytest

from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice
from tests.support.cuda.workbench import Workbench, relative_error

f16, f32 = np.float16, np.float32


def normed(cuda: CudaDevice, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, dtype: type) -> np.ndarray:
    bench = Workbench(cuda)
    out = bench.empty(x.shape, dtype)
    AttentionOps(cuda).layer_norm(bench.put(x), bench.put(gamma), bench.put(beta), out)
    return bench.get(out)


@pytest.mark.parametrize(("n", "n_state"), [(1, 64), (3, 320), (2, 512), (3, 516), (2, 1280), (1, 2048)])
@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_layer_norm(cuda: CudaDevice, n: int, n_state: int, mean: float) -> None:
    rng = np.random.default_rng(n_state)
    x = (mean + rng.standard_normal((n, n_state)) * rng.uniform(0.1, 10, (n, 1))).astype(f32)
    gamma, beta = rng.standard_normal((2, n_state)).astype(f32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5) * gamma + beta
    single = normed(cuda, x, gamma, beta, f32)
    assert relative_error(single, exact) < (1e-6 if mean == 0 else 1e-4)
    assert np.array_equal(normed(cuda, x, gamma, beta, f16), single.astype(f16))


def test_a_row_without_variance_becomes_beta(cuda: CudaDevice) -> None:
    gamma, beta = np.ones(64, f32), np.arange(64, dtype=f32)
    assert np.array_equal(normed(cuda, np.full((2, 64), 3, f32), gamma, beta, f32), [beta, beta])


def test_rows_it_cannot_normalize_are_refused(cuda: CudaDevice) -> None:
    bench = Workbench(cuda)
    for n_state, message in ((66, "rows of 66"), (2052, "rows of 2052")):
        vector = bench.put(np.ones(n_state, f32))
        x = bench.put(np.ones((1, n_state), f32))
        with pytest.raises(ValueError, match=message):
            AttentionOps(cuda).layer_norm(x, vector, vector, x)
