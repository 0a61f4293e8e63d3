"""Memory of the device taken at once and handed out piece by piece: what a graph points to stays where it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from gpu.backends.cuda_device import CudaDevice, DeviceArray

ALIGNMENT = 256  # bytes: wide loads, and what CUDA's own allocations have


# Arrays that are to be taken, by name.
Shapes = Mapping[str, tuple[tuple[int, ...], DTypeLike]]


def n_bytes_of(shapes: Shapes) -> int:
    """What all of them take of an arena."""
    return sum(aligned(prod(shape) * np.dtype(dtype).itemsize) for shape, dtype in shapes.values())


def aligned(n_bytes: int) -> int:
    """What an array of `n_bytes` takes of an arena."""
    return -(-n_bytes // ALIGNMENT) * ALIGNMENT


class Arena:
    """One allocation, used from its beginning to its end; given back as a whole.

    Args:
        n_bytes: all it will ever hold, as the plan (`cuda_plan`) says.

    Raises:
        DeviceMemoryError: the device has not so much.

    Attributes:
        n_bytes: its size; used: what was taken of it, in bytes.
    """

    def __init__(self, device: CudaDevice, n_bytes: int) -> None:
        self._device = device
        self._memory = device.allocate(n_bytes)
        self.n_bytes = n_bytes
        self.used = 0

    def take(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """The next array, uninitialised, C-contiguous."""
        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        if self.used + n_bytes > self.n_bytes:
            raise ValueError(f"an arena of {self.n_bytes} bytes, {self.used} of them taken, has no {n_bytes} left")
        array = self._device.array(self._memory, self.used, shape, dtype)
        self.used += aligned(n_bytes)
        return array

    def take_all(self, shapes: Shapes) -> dict[str, DeviceArray]:
        """The next arrays, by their names."""
        return {name: self.take(shape, dtype) for name, (shape, dtype) in shapes.items()}

    def free(self) -> None:
        """Give the memory back as soon as no array of it is left."""
        self._memory = None
