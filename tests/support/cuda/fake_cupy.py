"""A stand-in for CuPy on the host: exactly the names `CudaDevice` uses, and stricter than CuPy is.

Memory is NumPy's, filled with NaNs when it is allocated. Kernels come from a compiler that is handed in: the emulator,
or functions in Python. What CUDA forbids or leaves undefined is an error here: work that names no stream, anything but
work while a graph is captured, memory that was freed, writing behind it, results that are read before they are there,
streams that nothing keeps apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.support.cuda.fake_memory import (
    CUDADriverError,
    CUDARuntimeError,
    FakeArray,
    FakeGpu,
    FakeMemory,
    FakePointer,
    FakeUnownedMemory,
    PinnedMemory,
    Region,
)
from tests.support.cuda.fake_streams import FakeEvent, FakeStream, Work

_STATIC_SHARED, _MAX_SHARED = 48 << 10, 64 << 10  # of Turing, the least we work on
_MAX_DYNAMIC_SHARED = 8  # cuda.h's number of the attribute

# Compiled kernels by name; each takes grid, block, arguments (arrays, None, np.int32, np.float32) and shared bytes.
Kernel = Callable[[tuple[int, ...], tuple[int, ...], Sequence[Any], int], None]
Compiler = Callable[[str, str, Sequence[str]], Mapping[str, Kernel]]  # of name, source and options


class NVRTCError(RuntimeError):
    pass


class CompileError(Exception):
    """What a compiler raises where the source is wrong."""


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

        def run() -> None:
            self._kernel(grid, block, [a.host() if isinstance(a, Region) else a for a in frozen], shared_mem)

        may_write = getattr(self._kernel, "writes", lambda i: True)
        regions = [(i, region) for i, region in enumerate(frozen) if isinstance(region, Region)]
        written = tuple(region for i, region in regions if may_write(i))
        read = tuple(region for i, region in regions if not may_write(i))
        stream.enqueue(Work(self._name, run, read, written))

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
        Event=lambda *, block, disable_timing: FakeEvent(gpu, disable_timing),
        Memory=lambda n_bytes: FakeMemory(gpu, n_bytes),
        MemoryPointer=FakePointer,
        UnownedMemory=FakeUnownedMemory,
        Stream=lambda *, non_blocking, priority=0: FakeStream(gpu, priority),
        get_elapsed_time=lambda start, end: end.elapsed_since(start),
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


def _pinned_memory(gpu: FakeGpu, size: int) -> PinnedMemory:
    gpu.call("allocate pinned")
    return PinnedMemory(b"\xff" * max(512, 1 << (size - 1).bit_length()))  # CuPy rounds up
