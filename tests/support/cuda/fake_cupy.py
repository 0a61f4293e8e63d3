"""A stand-in for CuPy on the host: exactly the names `CudaDevice` uses, and stricter than CuPy is.

Memory is NumPy's, filled with NaNs when it is allocated. Kernels come from a compiler that is handed in: the emulator,
or functions in Python. What CUDA forbids or leaves undefined is an error here: work that names no stream, anything but
work while a graph is captured, memory that was freed, writing behind it, results that are read before they are there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

_POISON = 0xFF  # NaN in every float format, -1 in every integer
_GUARD_BYTES = 256  # behind every allocation
_STATIC_SHARED, _MAX_SHARED = 48 << 10, 64 << 10  # of Turing, the least we work on
_MAX_DYNAMIC_SHARED = 8  # cuda.h's number of the attribute
_FATAL = {700, 702, 715, 716, 717, 718, 719, 999}  # every call fails from then on
_NAMES = {
    1: "cudaErrorInvalidValue: invalid argument",
    2: "cudaErrorMemoryAllocation: out of memory",
    101: "cudaErrorInvalidDevice: invalid device ordinal",
    500: "CUDA_ERROR_NOT_FOUND: named symbol not found",
    700: "cudaErrorIllegalAddress: an illegal memory access was encountered",
    900: "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing",
}

# Compiled kernels by name; each takes grid, block, arguments (arrays, None, np.int32, np.float32) and shared bytes.
Kernel = Callable[[tuple[int, ...], tuple[int, ...], Sequence[Any], int], None]
Compiler = Callable[[str, str, Sequence[str]], Mapping[str, Kernel]]  # of name, source and options


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(_NAMES.get(status, f"cudaError{status}: for a test"))
        self.status = status


class CUDADriverError(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(_NAMES.get(status, f"CUDA_ERROR_{status}: for a test"))
        self.status = status


class NVRTCError(RuntimeError):
    pass


class CompileError(Exception):
    """What a compiler raises where the source is wrong."""


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
        self.capturing: list[Callable[[], None]] | None = None
        self.memories: weakref.WeakSet[FakeMemory] = weakref.WeakSet()
        self._poisoned = 0

    def call(self, name: str, *, in_capture: bool = False) -> None:
        """Every call of the driver begins here."""
        if self._poisoned:
            raise CUDARuntimeError(self._poisoned)
        if self.capturing is not None and not in_capture:
            raise CUDARuntimeError(900)
        if name in self.faults:
            left, status = self.faults[name]
            self.faults[name] = (left - 1, status)
            if left <= 1:
                del self.faults[name]
                self._poisoned = status if status in _FATAL else 0
                raise CUDARuntimeError(status)

    def check(self) -> None:
        """Nothing was written behind an allocation."""
        for memory in self.memories:
            memory.check()


class FakeMemory:
    """An allocation: freed when no array refers to it."""

    def __init__(self, gpu: FakeGpu, n_bytes: int) -> None:
        gpu.call("allocate")
        if gpu.used + n_bytes > gpu.total:
            raise CUDARuntimeError(2)
        storage = np.full(n_bytes + 2 * _GUARD_BYTES, _POISON, np.uint8)
        start = -storage.ctypes.data % 256
        self.gpu, self.size = gpu, n_bytes
        self.bytes, self._behind = storage[start : start + n_bytes], storage[start + n_bytes :]
        gpu.memories.add(self)
        gpu.used += n_bytes
        gpu.peak = max(gpu.peak, gpu.used)

    def __del__(self) -> None:
        if hasattr(self, "gpu"):  # else it was refused
            self.gpu.used -= self.size

    def check(self) -> None:
        assert (self._behind == _POISON).all(), "written behind the end of an allocation"


class FakePointer:
    """`array.data`, and what an array is made at."""

    def __init__(self, memory: FakeMemory, offset: int) -> None:
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
        stream.enqueue("fill", lambda: region.host().fill(value))

    def copy_from_device_async(self, source: FakePointer, size: int, stream: FakeStream) -> None:
        target, origin = self.bytes(size), source.bytes(size)
        stream.enqueue("copy", lambda: np.copyto(target.host(), origin.host()))


class Region:
    """Some of an allocation's bytes as a NumPy array, without keeping the allocation alive."""

    def __init__(self, memory: FakeMemory, host: np.ndarray) -> None:
        self._memory, self._host = weakref.ref(memory), host

    def host(self) -> np.ndarray:
        assert self._memory() is not None, "memory that was freed is used"
        return self._host


class FakeArray:
    """An array on the device. No NumPy array and without arithmetic: it must be downloaded."""

    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: Any, memptr: FakePointer) -> None:
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        assert memptr.ptr % np.dtype(dtype).alignment == 0, f"{dtype} at {memptr.ptr:#x}"
        self._adopt(memptr.mem, memptr.bytes(n_bytes).host().view(dtype).reshape(shape))

    def _adopt(self, memory: FakeMemory, host: np.ndarray) -> None:
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
        assert isinstance(stream, FakeStream)
        self._memory.gpu.call("upload")
        assert (self.shape, self.dtype) == (host.shape, host.dtype)
        np.copyto(self._host, host)

    def get(self, stream: FakeStream, out: np.ndarray, blocking: bool = True) -> None:
        assert isinstance(stream, FakeStream)
        self._memory.gpu.call("download")
        assert (self.shape, self.dtype) == (out.shape, out.dtype)
        if blocking:
            stream.finish()
            np.copyto(out, self._host)
        else:
            stream.deliver_later(out, self._host.copy())


class FakeEvent:
    def __init__(self, gpu: FakeGpu) -> None:
        gpu.call("event")
        self._gpu, self._stream = gpu, None

    def record(self, stream: FakeStream) -> None:
        self._gpu.call("event")
        self._stream = stream
        self._n_deliveries = stream.n_delivered + len(stream.deliveries)

    @property
    def done(self) -> bool:
        return self._stream.n_delivered >= self._n_deliveries

    def synchronize(self) -> None:
        self._gpu.call("synchronize")
        self._stream.finish(self._n_deliveries)


class FakeStream:
    """Work is done at once; only what arrives on the host arrives late."""

    def __init__(self, gpu: FakeGpu) -> None:
        gpu.call("stream")
        self._gpu = gpu
        self.deliveries: list[tuple[np.ndarray, np.ndarray]] = []
        self.n_delivered = 0

    def enqueue(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            self._gpu.call("launch")
            self._gpu.launched.append(name)
            work()

        if self._gpu.capturing is None:
            run()
        else:
            self._gpu.capturing.append(run)

    def deliver_later(self, out: np.ndarray, content: np.ndarray) -> None:
        out.view(np.uint8).fill(_POISON)
        self.deliveries.append((out, content))

    def finish(self, until: int | None = None) -> None:
        while self.deliveries and (until is None or self.n_delivered < until):
            out, content = self.deliveries.pop(0)
            np.copyto(out, content)
            self.n_delivered += 1

    def synchronize(self) -> None:
        self._gpu.call("synchronize")
        self.finish()
        self._gpu.check()

    def wait_event(self, event: FakeEvent) -> None:
        self._gpu.call("event")

    def begin_capture(self, mode: int) -> None:
        self._gpu.call("capture")
        self._gpu.capturing = []

    def end_capture(self) -> FakeGraph:
        recorded, self._gpu.capturing = self._gpu.capturing, None
        self._gpu.call("instantiate")
        return FakeGraph(self._gpu, recorded)


class FakeGraph:
    def __init__(self, gpu: FakeGpu, nodes: list[Callable[[], None]]) -> None:
        self._gpu, self.nodes = gpu, nodes

    def upload(self, stream: FakeStream) -> None:
        self._gpu.call("event")

    def launch(self, stream: FakeStream) -> None:
        self._gpu.call("replay")
        for node in self.nodes:
            node()


class FakeFunction:
    def __init__(self, gpu: FakeGpu, name: str, kernel: Kernel) -> None:
        self._gpu, self._name, self._kernel = gpu, name, kernel
        self.max_shared = _STATIC_SHARED

    @property
    def ptr(self) -> FakeFunction:
        return self

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: Sequence[Any], shared_mem: int, stream: FakeStream
    ) -> None:
        assert isinstance(stream, FakeStream)
        if shared_mem > self.max_shared or not 0 < int(np.prod(block)) <= 1024:
            raise CUDADriverError(1)
        frozen = [self._argument(i, arg) for i, arg in enumerate(args)]

        def work() -> None:
            self._kernel(grid, block, [a.host() if isinstance(a, Region) else a for a in frozen], shared_mem)

        stream.enqueue(self._name, work)

    def _argument(self, i: int, argument: Any) -> Any:
        if isinstance(argument, FakeArray):
            assert argument.flags.c_contiguous, f"argument {i} of {self._name} is not contiguous"
            return argument.region
        assert argument is None or type(argument) in (np.int32, np.float32), f"argument {i} of {self._name}"
        return argument


class _Nvrtc:
    """`cupy.cuda.nvrtc`. A "cubin" is the number of a compiled module."""

    NVRTCError = NVRTCError

    def __init__(self, compiler: Compiler | None) -> None:
        self._compiler = compiler
        self._programs: list[tuple[str, str]] = []
        self._logs: dict[int, str] = {}
        self.modules: dict[int, Mapping[str, Kernel]] = {}

    def getVersion(self) -> tuple[int, int]:  # noqa: N802 - CuPy's names, here and below
        if self._compiler is None:
            raise RuntimeError('Failure finding "libnvrtc.so.13"')
        return 13, 0

    def createProgram(self, source: str, name: str, headers: tuple[()], names: tuple[()]) -> int:  # noqa: N802
        self._programs.append((name, source))
        return len(self._programs) - 1

    def compileProgram(self, program: int, options: Sequence[str]) -> None:  # noqa: N802
        try:
            self.modules[program] = self._compiler(*self._programs[program], options)
        except CompileError as error:
            self._logs[program] = str(error)
            raise NVRTCError("NVRTC_ERROR_COMPILATION (6)") from error

    def getCUBIN(self, program: int) -> bytes:  # noqa: N802
        return str(program).encode()

    def getProgramLog(self, program: int) -> str:  # noqa: N802
        return self._logs.get(program, "")

    def destroyProgram(self, program: int) -> None:  # noqa: N802
        self._programs[program] = ("", "")


def fake_cupy(
    compiler: Compiler | None, *, total: int = 1 << 30, capability: str = "86", n_devices: int = 1
) -> tuple[SimpleNamespace, FakeGpu]:
    """The module, and the GPU behind it.

    Args:
        compiler: of kernels; None: NVRTC is not installed.
        total: bytes of the GPU's memory.
        capability: its compute capability, as CuPy gives it.
    """
    gpu, nvrtc = FakeGpu(total), _Nvrtc(compiler)
    cuda = SimpleNamespace(
        Device=lambda ordinal: FakeDevice(gpu, ordinal, n_devices, capability),
        Event=lambda *, block, disable_timing: FakeEvent(gpu),
        Memory=lambda n_bytes: FakeMemory(gpu, n_bytes),
        MemoryPointer=FakePointer,
        Stream=lambda *, non_blocking: FakeStream(gpu),
        alloc_pinned_memory=lambda size: _pinned_memory(gpu, size),
        driver=SimpleNamespace(
            CUDADriverError=CUDADriverError,
            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES=_MAX_DYNAMIC_SHARED,
            funcSetAttribute=lambda *arguments: _set_attribute(gpu, *arguments),
        ),
        function=SimpleNamespace(Module=lambda: FakeModule(gpu, nvrtc)),
        nvrtc=nvrtc,
        runtime=SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            memGetInfo=lambda: _memory_info(gpu),
            streamCaptureModeThreadLocal=1,
            streamCaptureModeRelaxed=2,
        ),
    )
    return SimpleNamespace(ndarray=FakeArray, cuda=cuda), gpu


class FakeDevice:
    def __init__(self, gpu: FakeGpu, ordinal: int, n_devices: int, capability: str) -> None:
        self._gpu, self._is_there = gpu, ordinal < n_devices
        self.compute_capability = capability

    def use(self) -> None:
        self._gpu.call("device")
        if not self._is_there:
            raise CUDARuntimeError(101)


class FakeModule:
    def __init__(self, gpu: FakeGpu, nvrtc: _Nvrtc) -> None:
        self._gpu, self._nvrtc = gpu, nvrtc

    def load(self, image: bytes) -> None:
        self._gpu.call("load")
        self._kernels = self._nvrtc.modules[int(image)]

    def get_function(self, name: str) -> FakeFunction:
        self._gpu.call("load")
        if name not in self._kernels:
            raise CUDADriverError(500)
        return FakeFunction(self._gpu, name, self._kernels[name])


def _set_attribute(gpu: FakeGpu, function: FakeFunction, attribute: int, value: int) -> None:
    gpu.call("load")
    if attribute != _MAX_DYNAMIC_SHARED or value > _MAX_SHARED:
        raise CUDADriverError(1)
    function.max_shared = value


def _memory_info(gpu: FakeGpu) -> tuple[int, int]:
    gpu.call("memory")
    return gpu.total - gpu.used, gpu.total


def _pinned_memory(gpu: FakeGpu, size: int) -> bytearray:
    gpu.call("allocate pinned")
    return bytearray(b"\xff" * max(512, 1 << (size - 1).bit_length()))  # CuPy rounds up
