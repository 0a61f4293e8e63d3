"""Every block format against two oracles: the gguf package, and for K-quants the blocks ggml's own C code makes."""

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType

from gpu.model_file import open_model
from gpu.model_file.quants import F16, F32, FORMATS, BlockFormat, QuantizedFormat
from tests.support.requantize import encode

SUB_BLOCKS = {
    "Q4_0": 32, "Q4_1": 32, "Q5_0": 32, "Q5_1": 32, "Q8_0": 32,
    "Q2_K": 16, "Q3_K": 16, "Q4_K": 32, "Q5_K": 32, "Q6_K": 16,
}  # fmt: skip
ZERO_POINTS = {"Q3_K": 4, "Q4_0": 8, "Q5_0": 16, "Q6_K": 32, "Q8_0": 128}
LARGEST = {
    "Q4_0": 15, "Q4_1": 15, "Q5_0": 31, "Q5_1": 31, "Q8_0": 255,
    "Q2_K": 3, "Q3_K": 7, "Q4_K": 15, "Q5_K": 31, "Q6_K": 63,
}  # fmt: skip

# random scales are infinite or NaN at times
pytestmark = pytest.mark.filterwarnings("ignore:(invalid|overflow).*:RuntimeWarning")

formats = pytest.mark.parametrize("block_format", FORMATS.values(), ids=lambda f: f.name)
quantized_formats = pytest.mark.parametrize(
    "block_format", [f for f in FORMATS.values() if issubclass(f, QuantizedFormat)], ids=lambda f: f.name
)


def oracle(blocks: np.ndarray, block_format: type[BlockFormat]) -> np.ndarray:
    rows = blocks.reshape(-1, block_format.type_size)
    weights = gguf.quants.dequantize(rows, GGMLQuantizationType(block_format.ggml_type))
    return weights.reshape(*blocks.shape[:-1], block_format.block_size)


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal to the last bit, the sign of zero included; a NaN equals any other NaN."""
    assert actual.dtype == expected.dtype == np.float32
    is_nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), is_nan)
    np.testing.assert_array_equal(actual.view(np.uint32)[~is_nan], expected.view(np.uint32)[~is_nan])


def random_blocks(block_format: type[BlockFormat], *shape: int, seed: int = 0) -> np.ndarray:
    """Any bytes at all: infinite, subnormal and NaN scales included."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, block_format.type_size), np.uint8)


def test_the_formats_are_those_of_ggml():
    assert {f.name for f in FORMATS.values()} == {"F32", "F16", *SUB_BLOCKS}
    for ggml_type, block_format in FORMATS.items():
        quantization_type = GGMLQuantizationType[block_format.name]
        assert ggml_type == block_format.ggml_type == quantization_type
        assert (block_format.block_size, block_format.type_size) == gguf.GGML_QUANT_SIZES[quantization_type]


@formats
def test_dequantizes_random_blocks_as_the_gguf_package_does(block_format):
    blocks = random_blocks(block_format, 5, 500)
    assert_same_bits(block_format.dequantize(blocks), oracle(blocks, block_format))


@formats
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3, 5)], ids=str)
def test_dequantizes_blocks_of_any_leading_shape_into_a_fresh_array(block_format, shape):
    blocks = random_blocks(block_format, *shape)
    blocks.flags.writeable = False
    weights = block_format.dequantize(blocks)
    assert weights.shape == (*shape, block_format.block_size)
    assert weights.flags.writeable
    assert not np.shares_memory(weights, blocks)
    for index in np.ndindex(shape):
        assert_same_bits(weights[index], oracle(blocks[index], block_format))


@formats
def test_undoes_quantization_of_real_weights(block_format, shipped_model):
    """Real weights, quantized by other people's code: near the original, and bit-equal to the oracle."""
    with open_model(shipped_model) as model:
        weights = model.tensors["encoder.blocks.2.mlp.2.weight"].dequantize()  # (512, 2048)
    blocks = encode(weights, block_format.name).reshape(-1, block_format.type_size)
    restored = block_format.dequantize(blocks)
    assert_same_bits(restored, oracle(blocks, block_format))
    error = np.linalg.norm(restored.reshape(-1) - weights.reshape(-1)) / np.linalg.norm(weights)
    bits = 8 * block_format.type_size / block_format.block_size
    assert error <= (2**-11 if block_format is F16 else 1.5 * 2 ** -(bits - 1))


@quantized_formats
def test_affine_form_is_lossless(block_format):
    blocks = random_blocks(block_format, 3, 500)
    affine = block_format.affine(blocks)
    n_sub = block_format.block_size // affine.sub_block
    scale = np.repeat(affine.scale, affine.sub_block, axis=-1)
    weights = scale * (affine.q.astype(np.int32) - affine.zero_point).astype(np.float32)
    if affine.minimum is not None:
        assert affine.minimum.shape == (3, 500, n_sub)
        assert affine.minimum.dtype == np.float32
        weights = weights + np.repeat(affine.minimum, affine.sub_block, axis=-1)
    assert_same_bits(weights, oracle(blocks, block_format))


@quantized_formats
def test_affine_form_is_what_it_says(block_format):
    affine = block_format.affine(random_blocks(block_format, 7, 100))
    assert affine.q.dtype == np.uint8
    assert affine.q.shape == (7, 100, block_format.block_size)
    assert affine.q.max() == LARGEST[block_format.name]
    assert affine.scale.dtype == np.float32
    assert affine.scale.shape == (7, 100, block_format.block_size // affine.sub_block)
    assert affine.sub_block == SUB_BLOCKS[block_format.name]
    assert affine.zero_point == ZERO_POINTS.get(block_format.name, 0)
    assert (affine.minimum is None) == (block_format.name in ZERO_POINTS)


def test_plain_formats_are_not_quantized():
    assert not issubclass(F32, QuantizedFormat)
    assert not issubclass(F16, QuantizedFormat)
