"""What the linear layers do beside multiplying: the self-attention's cache, launches, arguments that do not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gpu.backends.cuda_device import DeviceArray
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


@pytest.mark.parametrize(
    ("rows", "launched"),
    [(1, ["gemv_1_q5_1"]), (2, ["gemv_16_q5_1"]), (16, ["gemv_16_q5_1"]), (17, ["gemv_16_q5_1", "gemv_1_q5_1"]),
     (35, ["gemv_16_q5_1"] * 3)],
)  # fmt: skip
def test_sixteen_rows_read_the_weights_once(bench: Bench, rows, launched):
    layer, out = bench.layer(random_tensor("Q5_1", 20, 32)), bench.output(rows, 20)
    x = bench.put(clear_rows(rows, 32))
    bench.gpu.launched.clear()
    bench.ops.gemv(x, layer.matrix, out.array)
    assert bench.gpu.launched == launched


@pytest.mark.parametrize(("rows", "kernel"), [(1, "gemm_small_q5_1"), (64, "gemm_small_q5_1"), (65, "gemm_large_q5_1")])
def test_few_rows_take_small_tiles(bench: Bench, rows, kernel):
    layer, out = bench.layer(random_tensor("Q5_1", 20, 32)), bench.output(rows, 20)
    a = bench.put(np.zeros((rows, 32), np.float16))
    bench.gpu.launched.clear()
    bench.ops.gemm(a, layer.matrix, out.array)
    assert bench.gpu.launched == [kernel]


class TestWhatDoesNotFit:
    """Nothing reaches the device then: there it would be memory that is somebody else's."""

    @pytest.fixture
    def layer(self, bench: Bench) -> Layer:
        return bench.layer(random_tensor("Q5_1", 20, 64))

    @staticmethod
    def zeros(bench: Bench, *shape: int, dtype: Any = f32) -> DeviceArray:
        return bench.put(np.zeros(shape, dtype))

    def test_dequantize(self, bench, layer):
        with pytest.raises(ValueError, match=r"out is float32 \(20, 63\), expected contiguous float32 \(20, 64\)"):
            bench.ops.dequantize(layer.matrix, self.zeros(bench, 20, 63))

    @pytest.mark.parametrize(
        ("a", "out", "message"),
        [(((5, 63), np.float16), ((5, 20), f32), "a is float16"), (((5, 64), f32), ((5, 20), f32), "a is float32"),
         (((5, 64), np.float16), ((5, 21), f32), "out is float32"), (((5, 64), np.float16), ((4, 20), f32), "out is"),
         (((5, 64), np.float16), ((5, 20), np.int32), "out is int32")],
    )  # fmt: skip
    def test_gemm(self, bench, layer, a, out, message):
        with pytest.raises(ValueError, match=message):
            bench.ops.gemm(self.zeros(bench, *a[0], dtype=a[1]), layer.matrix, self.zeros(bench, *out[0], dtype=out[1]))

    def test_gemm_does_not_add_to_halves(self, bench, layer):
        a, out = self.zeros(bench, 5, 64, dtype=np.float16), self.zeros(bench, 5, 20, dtype=np.float16)
        with pytest.raises(ValueError, match="out is float16"):
            bench.ops.gemm(a, layer.matrix, out, accumulate=True)

    @pytest.mark.parametrize(("x", "out", "message"), [((2, 63), (2, 20), "x is"), ((2, 64), (3, 20), "out is")])
    def test_gemv(self, bench, layer, x, out, message):
        with pytest.raises(ValueError, match=message):
            bench.ops.gemv(self.zeros(bench, *x), layer.matrix, self.zeros(bench, *out))

    def test_a_part_of_an_array(self, bench, layer):
        with pytest.raises(ValueError, match="contiguous"):
            bench.ops.gemv(self.zeros(bench, 2, 128)[:, :64], layer.matrix, self.zeros(bench, 2, 20))

    def test_vectors(self, bench, layer):
        x, out, short = self.zeros(bench, 2, 64), self.zeros(bench, 2, 20), self.zeros(bench, 19)
        with pytest.raises(ValueError, match="bias is"):
            bench.ops.gemv(x, layer.matrix, out, bias=short)
        with pytest.raises(ValueError, match="the norm's weight is"):
            bench.ops.gemv(x, layer.matrix, out, norm=bench.norm(np.zeros(63, f32), np.zeros(64, f32)))
        with pytest.raises(ValueError, match="the norm's bias is"):
            bench.ops.gemv(x, layer.matrix, out, norm=bench.norm(np.zeros(64, f32), np.zeros(63, f32)))

    @pytest.mark.parametrize(("n", "d"), [(17, 64), (4, 64), (2, 128)])
    def test_query_key_and_value(self, bench, n, d):
        """More rows than a launch has or than the cache, matrices of another size."""
        layer = bench.layer(random_tensor("F16", 64, 64))
        cache = self.zeros(bench, 2, 20 if n > 16 else 3, d // 64, 5, 64, dtype=np.float16)
        x, states = self.zeros(bench, n, d), self.zeros(bench, n, 16, dtype=np.int32)
        norm = bench.norm(np.zeros(d, f32), np.zeros(d, f32))
        with pytest.raises(ValueError, match=rf"{n} rows of {d}, matrices"):
            bench.ops.gemv_qkv(x, norm, (layer,) * 3, self.zeros(bench, n, d), cache, states)
