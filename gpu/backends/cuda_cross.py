"""Encoded windows on the device, in memory that is taken once and used again."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np

from gpu.backends.cuda_arena import Arena, aligned
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_sampling import Shapes
from gpu.model_file import ModelDimensions

HEAD_SIZE = 64


class CudaCross:
    """See `gpu.backends.base.Cross`.

    Attributes:
        array: (n_text_layer, 2, n_head, n_audio_ctx, 64) float16, keys and values of each layer; dead after `free`.
    """

    def __init__(self, array: DeviceArray, give_back: Callable[[DeviceArray], None]) -> None:
        self._array: DeviceArray | None = array
        self._give_back = weakref.finalize(self, give_back, array)  # also where a cancelled run leaves it behind
        self._give_back.atexit = False

    @property
    def array(self) -> DeviceArray:
        assert self._array is not None, "the window was freed"
        return self._array

    @property
    def nbytes(self) -> int:
        return 0 if self._array is None else self._array.nbytes

    def free(self) -> None:
        self._array = None
        self._give_back()


class CrossPool:
    """Room for windows: as many as the plan says, and one more at a time where that is not enough."""

    def __init__(self, device: CudaDevice, arena: Arena, dims: ModelDimensions, n_windows: int) -> None:
        self._device, self._dims = device, dims
        self._free = [arena.take(*spec) for spec in self.arrays(dims, n_windows).values()]

    @staticmethod
    def arrays(dims: ModelDimensions, n_windows: int) -> Shapes:
        """What it takes of an arena."""
        shape = (dims.n_text_layer, 2, dims.n_text_head, dims.n_audio_ctx, HEAD_SIZE)
        return {f"window {i}": (shape, np.float16) for i in range(n_windows)}

    def take(self) -> CudaCross:
        """Uninitialised.

        Raises:
            DeviceMemoryError: more windows are kept than the device has room for.
        """
        if not self._free:
            [spec] = self.arrays(self._dims, 1).values()
            n_bytes = aligned(int(np.prod(spec[0])) * 2)
            self._free.append(Arena(self._device, n_bytes).take(*spec))
        return CudaCross(self._free.pop(), self._free.append)
