"""Weights on the device against the golden standard, bit by bit."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from gpu.model_file import open_model
from gpu.model_file.model import Tensor
from tests.support.cuda.matrices import FORMAT_OF, Bench, any_bytes, f32, random_tensor, width
from tests.support.requantize import SHIPPED_MODEL

# random scales are infinite or NaN at times
pytestmark = pytest.mark.filterwarnings("ignore:(invalid|overflow).*:RuntimeWarning")

formats = pytest.mark.parametrize("format_name", FORMAT_OF)


def dequantized(bench: Bench, tensor: Tensor) -> np.ndarray:
    out = bench.output(tensor.shape[0], prod(tensor.shape[1:]))
    bench.ops.dequantize(bench.matrix(tensor), out.array)
    return out.host()


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    """The sign of zero included; a NaN equals any other NaN."""
    is_nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), is_nan)
    np.testing.assert_array_equal(actual.view(np.uint32)[~is_nan], expected.view(np.uint32)[~is_nan])


@formats
@pytest.mark.parametrize("n_out", [1, 37])
def test_any_bytes(bench, format_name, n_out):
    tensor = any_bytes(format_name, n_out, width(format_name, 9))
    assert_same_bits(dequantized(bench, tensor), tensor.dequantize())


@formats
def test_weights(bench, format_name):
    tensor = random_tensor(format_name, 19, width(format_name, 40))
    assert_same_bits(dequantized(bench, tensor), tensor.dequantize())


def matrices() -> dict[str, Tensor]:
    with open_model(SHIPPED_MODEL) as model:
        return {name: tensor for name, tensor in model.tensors.items() if len(tensor.shape) > 1}


def test_blocks_of_every_matrix_of_a_real_model(bench):
    rng = np.random.default_rng(0)
    for tensor in matrices().values():
        first = int(rng.integers(tensor.shape[0] - 2))
        part = tensor.part(first, first + 2)
        assert_same_bits(dequantized(bench, part), part.dequantize().reshape(2, -1))


@pytest.mark.long
def test_every_matrix_of_a_real_model(bench):
    for tensor in matrices().values():
        assert_same_bits(dequantized(bench, tensor), tensor.dequantize().reshape(tensor.shape[0], -1).astype(f32))
