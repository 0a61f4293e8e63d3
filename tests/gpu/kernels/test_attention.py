"""Attention on tensor cores, the encoder's and that of prompts, against NumPy with the same rounding and without."""

from __future__ import annotations

import numpy as np
import pytest

from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice
from tests.support.cuda.attention_reference import heads, joined, rounded_as_tiles, weights
from tests.support.cuda.emulator import EMULATOR, Order
from tests.support.cuda.workbench import Workbench, relative_error

f16, f32 = np.float16, np.float32
TILE = 64
ROUNDED = 5e-5  # against the same rounding, of which a little falls the other way
EXACT = 5e-4  # half precision of weights and results


def random_halves(rng: np.random.Generator, *shape: int, scale: float = 1) -> np.ndarray:
    return (rng.standard_normal(shape) * scale).astype(f16)


def encoded(cuda: CudaDevice, qkv: np.ndarray) -> np.ndarray:
    bench = Workbench(cuda)
    out = bench.empty((*qkv.shape[:2], qkv.shape[2] // 3), f16)
    AttentionOps(cuda).encoder_attention(*map(bench.put, np.split(qkv, 3, axis=-1)), out)
    return bench.get(out)


@pytest.mark.parametrize(
    ("n_windows", "n_ctx", "n_head", "scale"),
    [(1, 1, 1, 1), (2, 64, 1, 1), (1, 65, 3, 1), (2, 150, 2, 2), (1, 130, 1, 20)],
)
def test_encoder_attention(cuda: CudaDevice, n_windows: int, n_ctx: int, n_head: int, scale: float) -> None:
    rng = np.random.default_rng(n_ctx)
    qkv = random_halves(rng, n_windows, n_ctx, 3 * 64 * n_head)
    qkv[..., : 64 * n_head] *= scale
    q, k, v = (heads(part) for part in np.split(qkv, 3, axis=-1))
    got = encoded(cuda, qkv)
    assert relative_error(got, joined(rounded_as_tiles(q, k, v, TILE)).astype(f16)) < ROUNDED
    assert relative_error(got, joined(weights(q, k) @ v)) < EXACT


def test_windows_and_the_order_of_blocks_make_no_difference(cuda: CudaDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    qkv = random_halves(np.random.default_rng(0), 2, 70, 3 * 128)
    together = encoded(cuda, qkv)
    assert np.array_equal(encoded(cuda, qkv[1:]), together[1:])
    monkeypatch.setattr(EMULATOR, "order", Order.REVERSE)
    assert np.array_equal(encoded(cuda, qkv), together)


def test_one_key_far_above_the_others(cuda: CudaDevice) -> None:
    """Its score would overflow a half, and exp of it a float."""
    qkv = np.zeros((1, 70, 192), f16)
    qkv[..., 128:] = np.arange(70)[:, np.newaxis]
    qkv[0, :, :64], qkv[0, 66, 64:128] = 30, 40
    assert np.array_equal(encoded(cuda, qkv), np.full((1, 70, 64), 66, f16))


@pytest.mark.parametrize(("n", "first"), [(1, 0), (4, 0), (70, 0), (3, 62), (65, 7), (1, 127)])
def test_prompt_attention(cuda: CudaDevice, n: int, first: int) -> None:
    rng = np.random.default_rng(n)
    bench, n_head, n_ctx, row = Workbench(cuda), 2, 130, 1
    cache = np.full((2, 3, n_head, n_ctx, 64), np.nan, f16)
    cache[:, row, :, : first + n] = random_halves(rng, 2, n_head, first + n, 64)
    q = random_halves(rng, n, n_head * 64, scale=2)
    out = bench.empty(q.shape, f16)
    AttentionOps(cuda).prompt_attention(bench.put(q), bench.put(cache), row, first, out)
    k, v = cache[:, row, :, : first + n].astype(f32)
    got = bench.get(out)
    assert relative_error(got, joined(rounded_as_tiles(heads(q), k, v, TILE, first)).astype(f16)) < ROUNDED
    assert relative_error(got, joined(weights(heads(q), k, first) @ v)) < EXACT


@pytest.mark.parametrize(("n", "n_ctx"), [(1, 1), (5, 75), (66, 64)])
def test_prompt_cross_attention(cuda: CudaDevice, n: int, n_ctx: int) -> None:
    rng = np.random.default_rng(n)
    bench, n_head, layer = Workbench(cuda), 2, 1
    cross, q = random_halves(rng, 3, 2, n_head, n_ctx, 64), random_halves(rng, n, n_head * 64)
    out = bench.empty(q.shape, f16)
    AttentionOps(cuda).prompt_cross_attention(bench.put(q), bench.put(cross), layer, out)
    k, v = cross[layer].astype(f32)
    assert relative_error(bench.get(out), joined(weights(heads(q), k) @ v)) < EXACT


def test_keys_and_values_are_stored_by_heads(cuda: CudaDevice) -> None:
    rng = np.random.default_rng(0)
    bench, ops, n_head, n_ctx = Workbench(cuda), AttentionOps(cuda), 3, 37
    k, v = random_halves(rng, 2, n_ctx, n_head * 64)
    cross, cache = bench.empty((2, 2, n_head, n_ctx, 64), f16), bench.empty((2, 4, n_head, n_ctx, 64), f16)
    ops.store_cross(bench.put(k), bench.put(v), cross, 1)
    ops.store_prompt(bench.put(k[:5]), bench.put(v[:5]), cache, 2, 30)
    expected = heads(np.stack([k, v]))
    assert np.array_equal(bench.get(cross)[1].astype(f32), expected)
    stored = bench.get(cache)
    assert np.array_equal(stored[:, 2, :, 30:35].astype(f32), expected[:, :, :5])
    stored[:, 2, :, 30:35] = np.nan
    assert np.isnan(stored).all()
    assert np.isnan(bench.get(cross)[0]).all()
