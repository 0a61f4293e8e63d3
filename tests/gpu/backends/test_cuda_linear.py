"""What the linear layers do beside multiplying: launches, arguments that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpu.backends.cuda_device import DeviceArray
from tests.support.cuda.matrices import Bench, Layer, clear_rows, f32, random_tensor


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
