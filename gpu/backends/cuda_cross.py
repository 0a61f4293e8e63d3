"""Encoded windows on the device, in memory that is used again."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from gpu.backends.cuda_arena import Arena, n_bytes_of
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_plan import window_arrays
from gpu.backends.cuda_streams import Event
from gpu.model_file import ModelDimensions

SPARE = 50 << 20  # bytes


class CudaCross:
    """See `gpu.backends.base.Cross`.

    Attributes:
        array: (n_text_layer, 2, n_head, n_audio_ctx, 64) float16, keys and values of each layer; dead after `free`.
        encoded: when it is filled: what reads it waits for that, on the device.
    """

    def __init__(self, array: DeviceArray, give_back: Callable[[DeviceArray], None]) -> None:
        self._array: DeviceArray | None = array
        self.encoded: Event | None = None
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
    """Memory of windows that were freed, for those to come: the driver takes long to give some."""

    def __init__(self, device: CudaDevice, dims: ModelDimensions) -> None:
        self._device, self._shapes = device, window_arrays(dims)
        self._free: list[DeviceArray] = []

    @property
    def has_room(self) -> bool:
        """Whether one more window can be kept, and other programs not be driven out for it."""
        return bool(self._free) or self._device.memory().free >= n_bytes_of(self._shapes) + SPARE

    def release(self) -> None:
        """Give back what no window is in."""
        self._free.clear()

    def take(self) -> CudaCross:
        """Uninitialised.

        Raises:
            DeviceMemoryError: more windows are kept than the device has room for.
        """
        if not self._free:
            self._free.append(Arena(self._device, n_bytes_of(self._shapes)).take_all(self._shapes)["kv"])
        return CudaCross(self._free.pop(), self._free.append)
