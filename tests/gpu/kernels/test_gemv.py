"""The decoder's product against NumPy, with x rounded to q8_1 as on the device, and not at all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.cuda.matrices import (
    CANARY,
    FLOAT_FORMATS,
    FORMAT_OF,
    Bench,
    Layer,
    clear_rows,
    epilogue,
    f32,
    layer_norm,
    q8_1,
    random_tensor,
    relative_l2,
    width,
)

formats = pytest.mark.parametrize("format_name", FORMAT_OF)
EXACT, QUANTIZED = 1e-5, 3e-2  # relative L2, against the same rounding and against none


def norm_of(n_in: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_in)
    return (1 + rng.standard_normal(n_in) / 4).astype(f32), rng.standard_normal(n_in).astype(f32)


def sums(x: np.ndarray, layer: Layer) -> np.ndarray:
    """What the device should make of x, float64."""
    seen = x if layer.matrix.format in FLOAT_FORMATS else q8_1(x)
    return seen @ layer.tensor.dequantize().T.astype(np.float64)


@formats
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 16])
def test_every_format_and_number_of_rows(bench: Bench, format_name, rows):
    n_in = width(format_name, 13)
    layer, norm = bench.layer(random_tensor(format_name, 37, n_in)), norm_of(n_in)
    x, out = clear_rows(rows, n_in, norm), bench.output(rows, 37)
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, bias=layer.bias, norm=bench.norm(*norm))
    normal = layer_norm(x, *norm)
    assert relative_l2(out.host(), sums(normal, layer) + layer.host_bias) <= EXACT
    assert relative_l2(out.host(), normal @ layer.tensor.dequantize().T + layer.host_bias) <= QUANTIZED


# What no launch does at once: more rows than 16, rows of x beyond the shared memory, more weights than blocks.
@pytest.mark.parametrize(
    ("format_name", "rows", "n_out", "n_in"),
    [("Q5_1", 35, 20, 64), ("Q4_K", 16, 5, 5120), ("F16", 16, 5, 1280), ("F32", 5, 18, 5120), ("Q4_0", 2, 33001, 32),
     ("Q5_0", 4, 1100, 64), ("Q6_K", 1, 30, 5120), ("Q8_0", 16, 3, 2080)],
)  # fmt: skip
def test_large_sizes(bench: Bench, format_name, rows, n_out, n_in):
    layer = bench.layer(random_tensor(format_name, n_out, n_in))
    x, out = clear_rows(rows, n_in), bench.output(rows, n_out)
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, bias=layer.bias)
    assert relative_l2(out.host(), sums(x.astype(np.float64), layer) + layer.host_bias) <= EXACT


@pytest.mark.parametrize("format_name", ["F16", "Q8_0"])
def test_a_norm_over_rows_in_parts(bench: Bench, format_name):
    """16 rows of 1280 floats do not fit into shared memory; the norm is of whole rows all the same."""
    layer, norm = bench.layer(random_tensor(format_name, 9, 1280)), norm_of(1280)
    x, out = clear_rows(16, 1280, norm), bench.output(16, 9)
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, norm=bench.norm(*norm))
    assert relative_l2(out.host(), sums(layer_norm(x, *norm), layer)) <= EXACT


@pytest.mark.parametrize("format_name", ["Q5_1", "F16"])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
def test_epilogues(bench: Bench, format_name, with_bias, gelu, accumulate):
    layer, x, out = bench.layer(random_tensor(format_name, 21, 96)), clear_rows(3, 96), bench.output(3, 21)
    bias = layer.bias if with_bias else None
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, bias, gelu=gelu, accumulate=accumulate)
    product = sums(x.astype(np.float64), layer)
    expected = epilogue(product, layer.host_bias if with_bias else None, gelu) + CANARY * accumulate
    assert relative_l2(out.host(), expected) <= EXACT


@formats
def test_a_row_is_the_same_in_any_company(bench: Bench, format_name):
    """So that a batch transcribes what its windows would alone."""
    n_in = width(format_name, 24)
    layer, norm = bench.layer(random_tensor(format_name, 21, n_in)), bench.norm(*norm_of(n_in))
    x = clear_rows(7, n_in)
    together = bench.output(7, 21)
    bench.ops.gemv(bench.put(x), layer.matrix, together.array, bias=layer.bias, norm=norm)
    for row in (0, 6):
        alone = bench.output(1, 21)
        bench.ops.gemv(bench.put(x[row : row + 1]), layer.matrix, alone.array, bias=layer.bias, norm=norm)
        np.testing.assert_array_equal(alone.host()[0], together.host()[row])


def test_rows_of_zeros(bench: Bench):
    layer, out = bench.layer(random_tensor("Q4_1", 9, 64)), bench.output(2, 9)
    bench.ops.gemv(bench.put(np.zeros((2, 64), f32)), layer.matrix, out.array, bias=layer.bias)
    np.testing.assert_array_equal(out.host(), [layer.host_bias] * 2)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("normalised", [False, True])
def test_what_is_no_number_stays_none(bench: Bench, poison, normalised):
    """Integers have no NaN: it has to go through the scale, or a broken model would talk nonsense unnoticed."""
    layer, x, out = bench.layer(random_tensor("Q5_0", 9, 64)), clear_rows(3, 64), bench.output(3, 9)
    x[1, 40] = poison
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, norm=bench.norm(*norm_of(64)) if normalised else None)
    np.testing.assert_array_equal(np.isfinite(out.host()).all(axis=1), [True, False, True])
    assert not np.isfinite(out.host()[1]).any()


@pytest.mark.parametrize(("done", "ran"), [([1, 1, 1], False), ([1, 0, 1], True)])
def test_nothing_is_done_when_all_sequences_are(bench: Bench, done, ran):
    states = np.zeros((3, 16), np.int32)
    states[:, 5] = done  # SequenceState
    layer, x, out = bench.layer(random_tensor("Q5_1", 9, 64)), clear_rows(3, 64), bench.output(3, 9)
    bench.ops.gemv(bench.put(x), layer.matrix, out.array, states=bench.put(states))
    assert (out.host() != CANARY).all() == ran
    assert (out.host() == CANARY).all() != ran
