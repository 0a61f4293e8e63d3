"""The engine's whole contact with CuPy: memory, launches, captured graphs, events, and CuPy's errors as ours.

Nothing of CuPy's own kernels is used, so that no compiler is needed where the kernels come compiled. Every call
names its stream. A device belongs to the thread that made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpu.backends.cuda_errors import NOT_FOUND, Guard, not_enough_memory
from gpu.backends.cuda_memory import Allocated, Allocation
from gpu.cuda_probe import cuda_headers
from gpu.errors import DeviceError, DeviceFailedError, DeviceMemoryError, DeviceUnavailableError, KernelError
from gpu.kernels import Compile, ComputeCapability
from gpu.types import MemoryUsage, Words

_STATIC_SHARED_MEMORY = 48 << 10  # bytes; more must be asked for


class DeviceArray(Protocol):
    """An array in the device's memory: what is common to CuPy's and the tests'. Views only, no arithmetic."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def size(self) -> int: ...
    def __getitem__(self, index: Any) -> Self: ...
    def reshape(self, *shape: int) -> Self: ...
    def view(self, dtype: DTypeLike) -> Self: ...


Argument = DeviceArray | np.int32 | np.float32 | None  # None is the null pointer


class Kernels(Protocol):
    """Where the kernels come from."""

    def images(self, capability: ComputeCapability, compile: Compile) -> Iterable[bytes]:
        """Cubins for a GPU of this compute capability, made before or by `compile` now.

        Raises:
            KernelError: there are none, and they cannot be made.
        """
        ...


class CudaDevice:
    """One GPU with the engine's kernels and its stream.

    Args:
        cupy: the module, or the tests' stand-in for it.
        kernels: loaded for the GPU's compute capability.
        ordinal: the GPU's number, as CUDA counts.

    Raises:
        DeviceError: as every method may. After a `DeviceFailedError` no method works any more.

    Attributes:
        capability: the GPU's compute capability, (8, 6).
    """

    def __init__(self, cupy: Any, kernels: Kernels, ordinal: int = 0) -> None:
        self._cupy = cupy
        self._guard = Guard(cupy)
        self._functions: dict[str, Any] = {}
        self._shared: dict[str, int] = {}  # bytes of dynamic shared memory each was launched with at most
        self._graph: Graph | None = None  # being captured
        self._ordinal, self._allocated = ordinal, Allocated()
        with self._guard:
            device = cupy.cuda.Device(ordinal)
            device.use()
            digits = device.compute_capability  # "86", "120"
            self.capability = (int(digits[:-1]), int(digits[-1]))
            self._stream = cupy.cuda.Stream(non_blocking=True)
            images = list(kernels.images(self.capability, self._compile))
            self._modules = [self._load(image) for image in images]

    def allocate(self, n_bytes: int) -> Any:
        """Memory of the device for an arena, uninitialised, aligned to 256 bytes; freed when no array is left in it.

        Raises:
            DeviceMemoryError: there is not so much.
        """
        self._refuse_in_capture("allocate")
        try:
            with self._guard:
                memory = self._cupy.cuda.Memory(n_bytes)
        except DeviceMemoryError as error:
            raise not_enough_memory(n_bytes, self.memory().free) from error
        owner = Allocation(memory, n_bytes, self._allocated)
        return self._cupy.cuda.UnownedMemory(memory.ptr, n_bytes, owner, self._ordinal)

    def array(self, memory: Any, offset: int, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """An array in allocated memory, from byte `offset` on."""
        pointer = self._cupy.cuda.MemoryPointer(memory, offset)
        array: DeviceArray = self._cupy.ndarray(shape, dtype, pointer)
        return array

    @staticmethod
    def address(array: Any) -> int:
        """Where it begins in the device's memory, for tables of addresses."""
        return int(array.data.ptr)

    def upload(self, target: Any, host: NDArray[Any]) -> None:
        """Copy an array of the same shape and type to the device. Pinned memory must be left alone until it is done."""
        self._refuse_in_capture("upload")
        _check_copy(target, host)
        with self._guard:
            target.set(host, self._stream)

    def download(self, source: Any, out: NDArray[Any] | None = None, wait: bool = True) -> NDArray[Any]:
        """Copy an array to the host, into `out` if given.

        Args:
            wait: until it is there; otherwise `out` must be pinned, and an event tells when it is.
        """
        self._refuse_in_capture("download")
        target = np.empty(source.shape, source.dtype) if out is None else out
        _check_copy(source, target)
        with self._guard:
            source.get(stream=self._stream, out=target, blocking=wait)
        return target

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Host memory that the device copies to and from by itself; freed when nothing refers to it."""
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with self._guard:
            memory = self._cupy.cuda.alloc_pinned_memory(n_bytes)
        return np.frombuffer(memory, np.uint8, n_bytes).view(dtype).reshape(shape)

    def fill_bytes(self, array: Any, value: int = 0) -> None:
        """Set every byte of an array. May be captured."""
        self._note_node(array)
        with self._guard:
            array.data.memset_async(value, array.nbytes, self._stream)

    def copy(self, target: Any, source: Any) -> None:
        """Copy between arrays of the same size on the device. May be captured."""
        if target.nbytes != source.nbytes:
            raise ValueError(f"{source.nbytes} bytes do not fit {target.nbytes}")
        self._note_node(target, source)
        with self._guard:
            target.data.copy_from_device_async(source.data, source.nbytes, self._stream)

    def launch(
        self, name: str, grid: tuple[int, ...], block: tuple[int, ...], *arguments: Argument, shared: int = 0
    ) -> None:
        """Launch a kernel on the stream. What is captured must have been launched before, with as much shared memory.

        Args:
            grid, block: blocks, and threads of a block, in one to three dimensions.
            arguments: pointers as arrays or None, scalars as exactly np.int32 or np.float32.
            shared: bytes of dynamic shared memory.
        """
        if min(grid) < 1:
            raise ValueError(f"{name} on a grid of {grid}")
        self._check_arguments(name, arguments)
        with self._guard:
            function = self._function(name, shared)
            self._note_node(*arguments)
            function(grid, block, arguments, shared, self._stream)

    @contextmanager
    def capture(self, strict: bool = False) -> Iterator[Graph]:
        """Record what is launched inside, without running it, as a graph; it may be launched afterwards.

        Args:
            strict: have the driver refuse what does not belong into a capture, wherever in this thread it comes from.
        """
        self._refuse_in_capture("capture")
        runtime = self._cupy.cuda.runtime
        mode = runtime.streamCaptureModeThreadLocal if strict else runtime.streamCaptureModeRelaxed
        graph = Graph(self)
        with self._guard:
            self._stream.begin_capture(mode)
        self._graph = graph
        try:
            yield graph
        except BaseException:
            with suppress(DeviceError), self._guard:  # a stream that goes on capturing is of no use
                self._stream.end_capture()
            raise
        finally:
            self._graph = None
        with self._guard:
            executable = self._stream.end_capture()
            executable.upload(self._stream)
        graph.instantiated(executable)

    def replay(self, executable: Any) -> None:
        """Launch what `capture` recorded; `Graph.launch` does."""
        self._refuse_in_capture("replay")
        with self._guard:
            executable.launch(self._stream)

    def event(self) -> Event:
        """A mark behind everything launched so far."""
        self._refuse_in_capture("mark")
        with self._guard:
            event = self._cupy.cuda.Event(block=True, disable_timing=True)
            event.record(self._stream)
        return Event(event, self._guard)

    def new_stream(self) -> Stream:
        with self._guard:
            return Stream(self._cupy.cuda.Stream(non_blocking=True), self._guard)

    @contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        """Do what is inside on another stream, beside what the device's own has to do."""
        self._refuse_in_capture("change streams")
        before, self._stream = self._stream, stream.native
        try:
            yield
        finally:
            self._stream = before

    def synchronize(self) -> None:
        """Wait until everything on the current stream is done; faults of kernels show here."""
        self._refuse_in_capture("synchronize")
        with self._guard:
            self._stream.synchronize()

    def memory(self) -> MemoryUsage:
        """Bytes: of arenas that arrays are left in, and of the device."""
        with self._guard:
            free, total = self._cupy.cuda.runtime.memGetInfo()
        return MemoryUsage(used=self._allocated.now, peak=self._allocated.peak, free=free, total=total)

    def close(self) -> None:
        """Wait for the end of the work and let go of the kernels. The arrays stay their owners'."""
        with suppress(DeviceFailedError):  # known already, and nothing to wait for
            self.synchronize()
        self._functions.clear()
        self._modules.clear()

    def _function(self, name: str, shared: int) -> Any:
        if self._shared.get(name, -1) >= shared:
            return self._functions[name]
        self._refuse_in_capture(f"load {name}")  # modules are loaded when they are first needed
        function = self._functions.setdefault(name, self._find(name))
        if shared > _STATIC_SHARED_MEMORY:
            driver = self._cupy.cuda.driver
            driver.funcSetAttribute(function.ptr, driver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)
        self._shared[name] = shared
        return function

    def _find(self, name: str) -> Any:
        for module in self._modules:
            try:
                return module.get_function(name)
            except self._cupy.cuda.driver.CUDADriverError as error:
                if error.status != NOT_FOUND:
                    raise
        raise KeyError(f"no kernel {name} in {len(self._modules)} images")

    def _load(self, image: bytes) -> Any:
        module = self._cupy.cuda.function.Module()
        module.load(image)
        return module

    def _compile(self, name: str, source: str, options: Sequence[str]) -> bytes:
        """A cubin for this GPU, by NVRTC.

        Raises:
            KernelError: it is not installed, or does not accept the source.
        """
        nvrtc = self._cupy.cuda.nvrtc
        try:
            nvrtc.getVersion()
        except RuntimeError as error:  # of cuda.pathfinder
            raise KernelError(
                Words("The kernels are not compiled, and the compiler NVRTC was not found."),
                remedy=Words("Install the GPU packages anew, or choose the device cpu."),
            ) from error
        major, minor = self.capability
        headers = (f"-I{folder}" for folder in cuda_headers())
        program = nvrtc.createProgram(source, name, (), ())
        try:
            nvrtc.compileProgram(program, (f"-arch=sm_{major}{minor}", *headers, *options))
            return bytes(nvrtc.getCUBIN(program))
        except nvrtc.NVRTCError as error:
            log = nvrtc.getProgramLog(program)
            raise KernelError(
                Words("{name} cannot be compiled: {log}.", name=name, log=log.strip().rstrip(".")),
                remedy=Words("Report this, or choose the device cpu."),
            ) from error
        finally:
            nvrtc.destroyProgram(program)

    def _check_arguments(self, name: str, arguments: tuple[Argument, ...]) -> None:
        """CuPy passes a Python number as 8 bytes without a word."""
        for i, argument in enumerate(arguments):
            if type(argument) not in (self._cupy.ndarray, np.int32, np.float32, type(None)):
                raise TypeError(f"argument {i} of {name}: an array, np.int32 or np.float32, not {type(argument)}")

    def _note_node(self, *arguments: Argument) -> None:
        if self._graph is not None:
            self._graph.note(arguments)

    def _refuse_in_capture(self, what: str) -> None:
        if self._graph is not None:
            raise RuntimeError(f"cannot {what} while a graph is captured")


class Graph:
    """What one `CudaDevice.capture` recorded. Keeps the arrays in it alive, which CUDA does not.

    Attributes:
        n_nodes: launches, copies and fills in it.
    """

    def __init__(self, device: CudaDevice) -> None:
        self._device = device
        self._executable: Any = None
        self._kept: list[tuple[Argument, ...]] = []
        self.n_nodes = 0

    def note(self, arguments: tuple[Argument, ...]) -> None:
        """One more node, with its arguments."""
        self._kept.append(arguments)
        self.n_nodes += 1

    def instantiated(self, executable: Any) -> None:
        """Hand over what the driver made of it."""
        self._executable = executable

    def launch(self) -> None:
        """Run it all on the device's current stream."""
        self._device.replay(self._executable)


class Event:
    """A mark in a stream."""

    def __init__(self, native: Any, guard: Guard) -> None:
        self.native, self._guard = native, guard

    @property
    def is_done(self) -> bool:
        with self._guard:
            return bool(self.native.done)

    def wait(self) -> None:
        """Sleep until the device has come this far; other threads go on."""
        with self._guard:
            self.native.synchronize()


class Stream:
    """A second line of work on the device; see `CudaDevice.on`."""

    def __init__(self, native: Any, guard: Guard) -> None:
        self.native, self._guard = native, guard

    def wait(self, event: Event) -> None:
        """Do nothing more before the event, which is another stream's. The host does not wait."""
        with self._guard:
            self.native.wait_event(event.native)


def import_cupy() -> Any:
    """CuPy, which works without a driver up to the first call.

    Raises:
        DeviceUnavailableError: it is not installed, or broken.
    """
    try:
        import cupy
    except ImportError as error:
        raise DeviceUnavailableError(
            Words("CuPy cannot be loaded: {cause}.", cause=str(error).rstrip(".")),
            remedy=Words("Install the GPU packages, or choose the device cpu."),
        ) from error
    return cupy


def _check_copy(array: Any, host: NDArray[Any]) -> None:
    for side, one in (("host", host), ("device", array)):
        if not one.flags.c_contiguous:
            raise ValueError(f"the {side}'s array of shape {one.shape} is not contiguous")
    if (array.shape, array.dtype) != (host.shape, host.dtype):
        raise ValueError(f"{array.dtype} {array.shape} on the device, {host.dtype} {host.shape} on the host")
