"""The memory of `fake_cupy`, and the GPU it belongs to: what it has handed out, its faults, what it was told to do."""

from __future__ import annotations

import sys
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.cuda.fake_streams import Work

if TYPE_CHECKING:
    from tests.support.cuda.fake_streams import FakeStream

POISON = 0xFF  # NaN in every float format, -1 in every integer
_GUARD_BYTES = 256  # behind every allocation
_FATAL = {700, 702, 715, 716, 717, 718, 719, 999}  # every call fails from then on
_NAMES = {
    1: "cudaErrorInvalidValue: invalid argument",
    2: "cudaErrorMemoryAllocation: out of memory",
    101: "cudaErrorInvalidDevice: invalid device ordinal",
    500: "CUDA_ERROR_NOT_FOUND: named symbol not found",
    700: "cudaErrorIllegalAddress: an illegal memory access was encountered",
    900: "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing",
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(_NAMES.get(status, f"cudaError{status}: for a test"))
        self.status = status


class CUDADriverError(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(_NAMES.get(status, f"CUDA_ERROR_{status}: for a test"))
        self.status = status


class FakeGpu:
    """What lies behind a `fake_cupy`: its memory, its faults, what it was told to do.

    Attributes:
        total: bytes of memory; used: of them, now; peak: at most.
        launched: names of the kernels, in order ("copy" and "fill" too), replayed ones as often as they were.
        faults: by call, after how many more of them which status: {"launch": (3, 700)}. Calls are "allocate", "launch",
            "replay", "synchronize", "upload", "download", "capture".
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = self.peak = 0
        self.launched: list[str] = []
        self.faults: dict[str, tuple[int, int]] = {}
        self.capturing: list[Work] | None = None
        self.capturer = 0  # the thread
        self.streams: list[FakeStream] = []
        self.lock = threading.RLock()
        self.is_working = False
        self._poisoned = 0

    def call(self, name: str, *, in_capture: bool = False) -> None:
        """Every call of the driver begins here."""
        if self._poisoned:
            raise CUDARuntimeError(self._poisoned)
        if self.capturing is not None and self.capturer == threading.get_ident() and not in_capture:
            raise CUDARuntimeError(900)
        if name in self.faults:
            left, status = self.faults[name]
            self.faults[name] = (left - 1, status)
            if left <= 1:
                del self.faults[name]
                self._poisoned = status if status in _FATAL else 0
                raise CUDARuntimeError(status)

    def finish(self) -> None:
        """Do all that streams have left to do: freeing memory waits for it."""
        for stream in self.streams:
            stream.finish()

    def check(self) -> None:
        """Nothing was written behind an allocation."""
        for memory in [memory for memory in _MEMORIES if memory.gpu is self]:
            memory.check()


_MEMORIES: weakref.WeakSet[FakeMemory] = weakref.WeakSet()  # of all GPUs, allocated now


class FakeMemory:
    """An allocation: freed when nothing refers to it."""

    def __init__(self, gpu: FakeGpu, n_bytes: int) -> None:
        gpu.call("allocate")
        if gpu.used + n_bytes > gpu.total:
            raise CUDARuntimeError(2)
        storage = np.full(n_bytes + 2 * _GUARD_BYTES, POISON, np.uint8)
        start = -storage.ctypes.data % 256
        self.gpu, self.size = gpu, n_bytes
        self.bytes, self._behind = storage[start : start + n_bytes], storage[start + n_bytes :]
        _MEMORIES.add(self)
        gpu.used += n_bytes
        gpu.peak = max(gpu.peak, gpu.used)

    def __del__(self) -> None:
        if hasattr(self, "gpu"):  # else it was refused
            self.gpu.used -= self.size

    @property
    def ptr(self) -> int:
        return self.bytes.ctypes.data

    def check(self) -> None:
        assert (self._behind == POISON).all(), "written behind the end of an allocation"


class FakeUnownedMemory:
    """An allocation under another owner, who holds it."""

    def __init__(self, ptr: int, size: int, owner: object, device_id: int) -> None:
        [memory] = [memory for memory in _MEMORIES if memory.ptr == ptr]
        self.gpu, self.size, self.bytes, self.owner = memory.gpu, size, memory.bytes[:size], owner
        self.is_there = [True]  # by itself: regions do not keep the memory alive

    def __del__(self) -> None:
        if self.gpu.is_working or sys.is_finalizing():
            return  # in the midst of something: nothing may run now, and it is not known what still needs it
        with suppress(Exception):  # nobody hears it here
            self.gpu.finish()
        self.is_there[0] = False


class FakePointer:
    """`array.data`, and what an array is made at."""

    def __init__(self, memory: FakeUnownedMemory, offset: int) -> None:
        assert 0 <= offset <= memory.size, f"offset {offset} of {memory.size} bytes"
        self.mem, self._offset = memory, offset

    @property
    def ptr(self) -> int:
        return self.mem.bytes.ctypes.data + self._offset

    def bytes(self, size: int) -> Region:
        assert self._offset + size <= self.mem.size, f"{size} bytes from {self._offset} on, of {self.mem.size}"
        return Region(self.mem, self.mem.bytes[self._offset : self._offset + size])

    def memset_async(self, value: int, size: int, stream: FakeStream) -> None:
        region = self.bytes(size)
        stream.enqueue(Work("fill", lambda: region.host().fill(value), writes=(region,)))

    def copy_from_device_async(self, source: FakePointer, size: int, stream: FakeStream) -> None:
        target, origin = self.bytes(size), source.bytes(size)
        copy = Work("copy", lambda: np.copyto(target.host(), origin.host()), reads=(origin,), writes=(target,))
        stream.enqueue(copy)


class Region:
    """Some of an allocation's bytes as a NumPy array, without keeping the allocation alive."""

    def __init__(self, memory: FakeUnownedMemory, host: np.ndarray) -> None:
        self._is_there, self._host = memory.is_there, host

    def ranges(self) -> list[tuple[int, int]]:
        """The addresses it takes, [first, behind); of a table of addresses also what those lead to."""
        found = [(self._host.ctypes.data, self._host.ctypes.data + self._host.nbytes)]
        if self._host.dtype == np.uint64:
            inside = [m for m in _MEMORIES if any(m.ptr <= a < m.ptr + m.size for a in self._host.flat)]
            found += [(memory.ptr, memory.ptr + memory.size) for memory in inside]
        return found

    def host(self) -> np.ndarray:
        assert self._is_there[0], "memory that was freed is used"
        return self._host


class FakeArray:
    """An array on the device. No NumPy array and without arithmetic: it must be downloaded."""

    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: Any, memptr: FakePointer) -> None:
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        assert memptr.ptr % np.dtype(dtype).alignment == 0, f"{dtype} at {memptr.ptr:#x}"
        self._adopt(memptr.mem, memptr.bytes(n_bytes).host().view(dtype).reshape(shape))

    def _adopt(self, memory: FakeUnownedMemory, host: np.ndarray) -> None:
        self._memory, self._host = memory, host
        self.shape, self.dtype, self.strides, self.flags = host.shape, host.dtype, host.strides, host.flags
        self.size, self.nbytes, self.ndim = host.size, host.nbytes, host.ndim
        self.data = FakePointer(memory, host.ctypes.data - memory.bytes.ctypes.data)

    def _derived(self, host: np.ndarray) -> FakeArray:
        assert np.may_share_memory(host, self._host) or host.size == 0, "this would be a copy, made by a CuPy kernel"
        array = FakeArray.__new__(FakeArray)
        array._adopt(self._memory, host)
        return array

    def __getitem__(self, index: Any) -> FakeArray:
        parts = index if isinstance(index, tuple) else (index,)
        assert all(isinstance(part, (int, np.integer, slice, type(...), type(None))) for part in parts), "a CuPy kernel"
        parts = (*parts, ...) if not any(part is ... for part in parts) else parts
        return self._derived(self._host[parts])

    def reshape(self, *shape: Any) -> FakeArray:
        return self._derived(self._host.reshape(*shape))

    def view(self, dtype: Any) -> FakeArray:
        return self._derived(self._host.view(dtype))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> None:
        raise TypeError("a device's array is not iterated over")

    def __array__(self, *_: Any, **__: Any) -> None:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")  # CuPy's words

    @property
    def region(self) -> Region:
        return Region(self._memory, self._host)

    def set(self, host: np.ndarray, stream: FakeStream) -> None:
        """Pinned memory is read when the stream comes to it, other memory at once."""
        self._memory.gpu.call("upload")
        assert (self.shape, self.dtype) == (host.shape, host.dtype)
        content, region = host if is_pinned(host) else host.copy(), self.region
        stream.add(Work("upload", lambda: np.copyto(region.host(), content), writes=(region,)))

    def get(self, stream: FakeStream, out: np.ndarray, blocking: bool = True) -> None:
        self._memory.gpu.call("download")
        assert (self.shape, self.dtype) == (out.shape, out.dtype)
        assert blocking or is_pinned(out)
        region = self.region
        if not blocking:
            out.view(np.uint8).fill(POISON)
        stream.add(Work("download", lambda: np.copyto(out, region.host()), reads=(region,)))
        if blocking:
            stream.finish()


class PinnedMemory(bytearray):
    """Host memory that streams copy to and from by themselves."""


def is_pinned(host: object) -> bool:
    """Whether an array lies in such memory."""
    while isinstance(host, np.ndarray):
        host = host.base
    return isinstance(host.obj if isinstance(host, memoryview) else host, PinnedMemory)
