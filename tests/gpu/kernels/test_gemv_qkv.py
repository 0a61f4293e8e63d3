"""Query, key and value of self-attention in one launch, and what is appended to the cache, against NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.support.cuda.matrices import (
    CANARY,
    FLOAT_FORMATS,
    FORMAT_OF,
    Bench,
    Layer,
    clear_rows,
    f32,
    layer_norm,
    q8_1,
    random_tensor,
    relative_l2,
)

N_SEQUENCES, N_TEXT_CTX = 20, 7


@dataclass(frozen=True)
class WithoutBias:
    """The key's projection has none."""

    layer: Layer

    @property
    def matrix(self) -> Any:
        return self.layer.matrix

    @property
    def bias(self) -> None:
        return None


class SelfAttention:
    """Query, key and value of a layer, and a cache full of canaries."""

    def __init__(self, bench: Bench, formats: tuple[str, str, str], n: int) -> None:
        self.bench, self.n = bench, n
        self.d = d = 256
        rng = np.random.default_rng(n)
        self._norm = (rng.standard_normal(d).astype(f32), rng.standard_normal(d).astype(f32))
        self.layers = [bench.layer(random_tensor(name, d, d, seed=i), seed=i) for i, name in enumerate(formats)]
        self.x = clear_rows(n, d, self._norm)
        self.q = bench.output(n, d)
        shape = (4, N_SEQUENCES, d // 64, N_TEXT_CTX, 64)  # keys and values between canaries
        self._cache = bench.put(np.full(shape, CANARY, np.float16))
        states = np.zeros((n, 16), np.int32)
        self.positions = states[:, 1] = rng.integers(0, N_TEXT_CTX, n)
        self.done = states[:, 5] = rng.integers(0, 3, n) == 0
        self._states = bench.put(states)

    def append(self) -> None:
        query, key, value = self.layers
        self.bench.gpu.launched.clear()
        self.bench.ops.gemv_qkv(
            self.bench.put(self.x), self.bench.norm(*self._norm), (query, WithoutBias(key), value), self.q.array,
            self._cache[1:3], self._states,
        )  # fmt: skip

    def cache(self) -> np.ndarray:
        return self.bench.device.download(self._cache).astype(f32)

    def expected(self, part: int) -> np.ndarray:
        """Query, key or value of every sequence, (n, d)."""
        layer, x = self.layers[part], layer_norm(self.x, *self._norm)
        seen = x if layer.matrix.format in FLOAT_FORMATS else q8_1(x)
        return seen @ layer.tensor.dequantize().T.astype(np.float64) + (layer.host_bias if part != 1 else 0)

    def check(self) -> None:
        assert relative_l2(self.q.host(), self.expected(0)) <= 1e-5
        wanted = np.full(self._cache.shape, CANARY, f32)
        for s in np.flatnonzero(~self.done):
            for part in (1, 2):
                wanted[part, s, :, self.positions[s]] = self.expected(part)[s].reshape(-1, 64)
        untouched = wanted == CANARY
        assert (self.cache()[untouched] == CANARY).all()
        assert relative_l2(self.cache()[~untouched], wanted[~untouched]) <= 5e-4  # rounded to float16


@pytest.mark.parametrize("format_name", FORMAT_OF)
@pytest.mark.parametrize("n", [1, 16])
def test_keys_and_values_go_to_the_cache(bench: Bench, format_name, n):
    attention = SelfAttention(bench, (format_name,) * 3, n)
    attention.done[:1] = False
    attention.append()
    attention.check()
    assert len(bench.gpu.launched) == 1


def test_matrices_of_different_formats(bench: Bench):
    attention = SelfAttention(bench, ("Q4_K", "Q6_K", "F16"), 5)
    attention.append()
    attention.check()
    assert bench.gpu.launched == ["gemv_qkv_16_q4_k", "gemv_qkv_16_q6_k", "gemv_qkv_16_f16"]
