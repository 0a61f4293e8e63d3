"""How weights lie on the device: regrouped, complete, and not a byte more than in the file."""

from __future__ import annotations

import numpy as np
import pytest

from gpu.backends.cuda_weights import PLANES, pack, upload_matrix
from gpu.model_file import open_model
from gpu.model_file.model import Tensor
from tests.support.cuda.matrices import FORMAT_OF, any_bytes, random_tensor, width
from tests.support.requantize import SHIPPED_MODEL

formats = pytest.mark.parametrize("format_name", FORMAT_OF)


@pytest.mark.parametrize("format_name", PLANES)
def test_the_planes_cover_a_block_once(format_name):
    covered = sorted(byte for first, size in PLANES[format_name] for byte in range(first, first + size))
    assert covered == list(range(FORMAT_OF[format_name].type_size))


@pytest.mark.parametrize("format_name", PLANES)
def test_every_plane_is_aligned_to_what_is_read_of_it(format_name):
    """Whatever the number of blocks, a plane begins where its elements may: at multiples of 16, 4 or 2 bytes."""
    before = 0
    for _, size in PLANES[format_name]:
        alignment = next(n for n in (16, 4, 2) if size % n == 0)
        assert before % alignment == 0
        before += size


@formats
def test_packing_moves_bytes_and_loses_none(format_name):
    tensor = any_bytes(format_name, 7, width(format_name, 5))
    packed = pack(tensor)
    assert (packed.dtype, packed.shape) == (np.uint8, tensor.raw.shape)
    planes = PLANES.get(format_name, ((0, tensor.type.type_size),))
    n_blocks = tensor.raw.size // tensor.type.type_size
    unpacked = np.zeros((n_blocks, tensor.type.type_size), np.uint8)
    for first, size in planes:
        plane, packed = packed[: n_blocks * size], packed[n_blocks * size :]
        unpacked[:, first : first + size] = plane.reshape(n_blocks, size)
    np.testing.assert_array_equal(unpacked.reshape(-1), tensor.raw)


def test_rows_that_the_kernels_cannot_read():
    with pytest.raises(ValueError, match="w has rows of 24 weights, the kernels read 16 at a time"):
        pack(random_tensor("F16", 3, 24))


def test_a_convolution_becomes_a_matrix(bench):
    raw = np.arange(5 * 16 * 3, dtype=np.float16)
    matrix = bench.matrix(Tensor("conv", FORMAT_OF["F16"], (5, 16, 3), raw.view(np.uint8)))
    assert (matrix.format, matrix.n_out, matrix.n_in) == ("F16", 5, 48)
    np.testing.assert_array_equal(bench.device.download(matrix.data).view(np.float16), raw)


class CountingArena:
    """Stands for memory that only counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        self.taken += int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.empty(shape, dtype)


class Uploads:
    def upload(self, target: np.ndarray, host: np.ndarray) -> None:
        assert (target.shape, target.dtype) == (host.shape, host.dtype)


def test_weights_take_as_many_bytes_as_in_the_file():
    arena = CountingArena()
    with open_model(SHIPPED_MODEL) as model:
        matrices = [tensor for tensor in model.tensors.values() if len(tensor.shape) > 1]
        for tensor in matrices:
            upload_matrix(Uploads(), arena, tensor)
        assert arena.taken == sum(tensor.raw.size for tensor in matrices)
        n_weights = sum(int(np.prod(tensor.shape)) for tensor in matrices)
    assert arena.taken < 0.5 * 2 * n_weights  # half of what float16 would take
