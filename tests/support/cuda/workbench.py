"""Arrays on a device with nothing but bytes of no meaning around them: what kernels write beyond an array shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_sampling import SEQUENCE_STATE
from tests.support.cuda.emulator import EMULATOR
from tests.support.cuda.sanitizers import poison

_MARGIN = 256  # bytes on both sides
_CANARY = 0xFF  # NaN in every float format: reading it shows too


class Workbench:
    """A device and arrays on it.

    Attributes:
        arena: for what takes its own.
    """

    def __init__(self, device: CudaDevice, n_bytes: int = 32 << 20) -> None:
        self.device = device
        self.arena = Arena(device, n_bytes)
        self._margins: list[DeviceArray] = []

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> DeviceArray:
        """An array to be written."""
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        storage = self.arena.take((n_bytes + 2 * _MARGIN,), np.uint8)
        self.device.fill_bytes(storage, _CANARY)
        margins = [storage[:_MARGIN], storage[_MARGIN + n_bytes :]]
        if EMULATOR.sanitizer == "address":  # which sees who only reads there, too
            self.device.synchronize()
            for margin in margins:
                poison(margin.data.ptr, margin.nbytes)
        else:
            self._margins += margins
        return storage[_MARGIN : _MARGIN + n_bytes].view(dtype).reshape(*shape)

    def put(self, host: NDArray[Any]) -> DeviceArray:
        """The same array on the device."""
        array = self.empty(host.shape, host.dtype)
        self.device.upload(array, np.ascontiguousarray(host))
        return array

    def states(self, **fields: Any) -> DeviceArray:
        """`SequenceState` of some sequences, whose number the fields tell."""
        n = max(len(values) for values in fields.values())
        states = np.zeros(n, SEQUENCE_STATE)
        for name, values in fields.items():
            states[name] = values
        return self.put(states.view(np.int32).reshape(n, -1))

    def get(self, array: DeviceArray) -> NDArray[Any]:
        """An array as the host has it; nothing was written around any."""
        for margin in self._margins:
            assert (self.device.download(margin) == _CANARY).all(), "written beyond an array"
        return self.device.download(array)


def relative_error(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """Relative L2."""
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))
