"""The weights of a model on the device: ggml's blocks regrouped into planes, byte for byte as many as in the file.

A block of Q5_1 is 24 bytes, which no wide load can be aligned to; a plane of all its blocks' `qs` is read 16 bytes at
a time. The kernels (gpu/kernels/quants.cuh) find the planes by themselves from the number of blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.model_file.model import Tensor
from gpu.model_file.quants import Bytes

# The fields of a block, (first byte, bytes) as in ggml's struct, in the order of the planes: wider elements first, so
# that all are aligned. Formats that are not here stay as they are: their blocks are multiples of 16 bytes, or numbers.
PLANES = {
    "Q4_0": ((2, 16), (0, 2)),  # qs, d
    "Q4_1": ((4, 16), (0, 4)),  # qs, d and m
    "Q5_0": ((6, 16), (2, 4), (0, 2)),  # qs, qh, d
    "Q5_1": ((8, 16), (4, 4), (0, 4)),  # qs, qh, d and m
    "Q8_0": ((2, 32), (0, 2)),  # qs, d
    "Q2_K": ((16, 64), (0, 16), (80, 4)),  # qs, scales, d and dmin
    "Q3_K": ((32, 64), (0, 32), (96, 12), (108, 2)),  # qs, hmask, scales, d
    "Q6_K": ((0, 128), (128, 64), (192, 16), (208, 2)),  # ql, qh, scales, d
}

# The kernels read 16 weights at a time; a row begins a group.
GROUP = 16


@dataclass(frozen=True, eq=False)
class DeviceMatrix:
    """A linear layer's weights on the device.

    Attributes:
        format: ggml's name, "Q5_1": which kernels it takes.
        n_out, n_in: rows and columns.
        data: (n_bytes,) uint8, as `pack` lays it.
    """

    format: str
    n_out: int
    n_in: int
    data: DeviceArray


def pack(tensor: Tensor) -> Bytes:
    """The bytes of a tensor as the device keeps them: (n_bytes,) uint8, as many as in the file.

    Raises:
        ValueError: its rows are not multiples of 16 weights.
    """
    n_in = prod(tensor.shape[1:])
    if n_in % GROUP:
        raise ValueError(f"{tensor.name} has rows of {n_in} weights, the kernels read {GROUP} at a time")
    if tensor.type.name not in PLANES:
        return np.ascontiguousarray(tensor.raw)
    blocks = tensor.raw.reshape(-1, tensor.type.type_size)  # (n_blocks, type_size)
    packed = np.empty(tensor.raw.size, np.uint8)
    done = 0
    for first, size in PLANES[tensor.type.name]:
        plane = packed[done : done + len(blocks) * size].reshape(len(blocks), size)
        plane[:] = blocks[:, first : first + size]
        done += plane.size
    return packed


def upload_matrix(device: CudaDevice, arena: Arena, tensor: Tensor) -> DeviceMatrix:
    """Take memory of the arena for a tensor and put it there; all axes but the first become one."""
    packed = pack(tensor)
    data = arena.take(packed.shape, np.uint8)
    device.upload(data, packed)
    return DeviceMatrix(tensor.type.name, tensor.shape[0], prod(tensor.shape[1:]), data)
