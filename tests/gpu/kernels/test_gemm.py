"""The tensor cores' product against NumPy, with the same rounding and with none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.cuda.matrices import (
    CANARY,
    FORMAT_OF,
    Bench,
    epilogue,
    f32,
    random_tensor,
    relative_l2,
    width,
)

formats = pytest.mark.parametrize("format_name", FORMAT_OF)
# Rows that fit tiles of 32 and of 128, and that do not; columns that fit tiles of 64, of 4 at a time, and not.
SIZES = [(1, 5), (33, 71), (64, 128), (65, 68), (150, 70)]
sizes = pytest.mark.parametrize(("rows", "columns"), SIZES)


def operands(rows: int, n_in: int) -> np.ndarray:
    return np.random.default_rng((rows, n_in)).standard_normal((rows, n_in)).astype(np.float16)


@formats
@sizes
def test_every_format_and_size(bench: Bench, format_name, rows, columns):
    n_in = width(format_name, 3)
    layer = bench.layer(random_tensor(format_name, columns, n_in))
    a, out = operands(rows, n_in), bench.output(rows, columns)
    bench.ops.gemm(bench.put(a), layer.matrix, out.array, bias=layer.bias)
    weights = layer.tensor.dequantize()
    rounded = a.astype(np.float64) @ weights.astype(np.float16).astype(np.float64).T
    assert relative_l2(out.host(), rounded + layer.host_bias) <= 1e-5
    assert relative_l2(out.host(), a.astype(np.float64) @ weights.T + layer.host_bias) <= 3e-3


@pytest.mark.parametrize("n_in", [16, 48, 240, 1280])
@pytest.mark.parametrize("rows", [40, 70])
def test_numbers_in_rows_of_any_multiple_of_16(bench: Bench, n_in, rows):
    """The convolution over 80 mels has rows of 240."""
    layer = bench.layer(random_tensor("F16", 30, n_in))
    a, out = operands(rows, n_in), bench.output(rows, 30)
    bench.ops.gemm(bench.put(a), layer.matrix, out.array, bias=layer.bias)
    assert relative_l2(out.host(), a.astype(np.float64) @ layer.tensor.dequantize().T + layer.host_bias) <= 1e-5


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("result", ["float32", "float16", "accumulate"])
@pytest.mark.parametrize(("rows", "columns"), [(35, 67), (70, 68)])
def test_epilogues(bench: Bench, with_bias, gelu, result, rows, columns):
    n_in, accumulate = 96, result == "accumulate"
    layer = bench.layer(random_tensor("Q5_1", columns, n_in))
    a, out = operands(rows, n_in), bench.output(rows, columns, np.float16 if result == "float16" else f32)
    bias = layer.bias if with_bias else None
    bench.ops.gemm(bench.put(a), layer.matrix, out.array, bias, gelu, accumulate)
    sums = a.astype(np.float64) @ layer.tensor.dequantize().astype(np.float16).astype(np.float64).T
    expected = epilogue(sums, layer.host_bias if with_bias else None, gelu) + CANARY * accumulate
    assert relative_l2(out.host(), expected) <= (1e-3 if result == "float16" else 1e-5)


def test_twice_the_same(bench: Bench):
    layer = bench.layer(random_tensor("Q4_0", 70, 320))
    a = bench.put(operands(90, 320))
    first, second = bench.output(90, 70), bench.output(90, 70)
    for out in (first, second):
        bench.ops.gemm(a, layer.matrix, out.array, bias=layer.bias)
    np.testing.assert_array_equal(first.host(), second.host())


def test_a_nan_goes_no_further_than_its_row(bench: Bench):
    layer = bench.layer(random_tensor("Q8_0", 20, 64))
    a, out = operands(40, 64), bench.output(40, 20)
    a[17, 5] = np.nan
    bench.ops.gemm(bench.put(a), layer.matrix, out.array)
    np.testing.assert_array_equal(np.isnan(out.host()).any(axis=1), np.arange(40) == 17)
    assert np.isnan(out.host()[17]).all()
