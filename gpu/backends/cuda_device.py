"""The engine's whole contact with CuPy: memory, launches, captured graphs, events, and CuPy's errors as ours.

Nothing of CuPy's own kernels is used, so that no compiler is needed where the kernels come compiled. Every call
names its stream. A device belongs to the thread that made it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpu.backends.cuda_clock import KernelClock
from gpu.backends.cuda_compiler import DeviceCompiler
from gpu.backends.cuda_errors import NOT_FOUND, Guard, not_enough_memory
from gpu.backends.cuda_memory import Allocated, Allocation
from gpu.backends.cuda_streams import Event, Graph, Stream
from gpu.errors import DeviceError, DeviceFailedError, DeviceMemoryError, DeviceUnavailableError
from gpu.kernels import Compiler, ComputeCapability
from gpu.types import MemoryUsage, Words

_STATIC_SHARED_MEMORY = 48 << 10  # bytes; more must be asked for
_HIGH_PRIORITY = -1  # of a stream; 0 is usual


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

    def images(self, capability: ComputeCapability, compile: Compiler) -> Iterable[bytes]:
        """Cubins for a GPU of this compute capability, made before or by `compile` now.

        Raises:
            KernelError: there are none, and they cannot be made.
        """
        ...


class _Here(threading.local):
    """What a thread is about: the stream it works on, if not the device's own, and the graph it captures."""

    stream: Any = None
    graph: Graph | None = None


class CudaDevice:
    """One GPU with the engine's kernels and its stream.

    Another thread than the one that made it may use it inside `on`, with a stream that is only that thread's.

    Args:
        cupy: the module, or the tests' stand-in for it.
        kernels: loaded for the GPU's compute capability.
        ordinal: the GPU's number, as CUDA counts.

    Raises:
        DeviceError: as every method may. After a `DeviceFailedError` no method works any more.

    Attributes:
        capability: the GPU's compute capability, (8, 6).
        clock: times every launch, if there is one: then no graphs are captured.
        launched: names of the kernels that were; for the self-test, which empties it.
    """

    def __init__(self, cupy: Any, kernels: Kernels, ordinal: int = 0) -> None:
        self._cupy = cupy
        self._guard = Guard(cupy)
        self._functions: dict[str, Any] = {}
        self._shared: dict[str, int] = {}  # bytes of dynamic shared memory each was launched with at most
        self._here, self._owner = _Here(), threading.get_ident()
        self._ordinal, self._allocated = ordinal, Allocated()
        self.clock: KernelClock | None = None
        self.launched: set[str] = set()
        with self._guard:
            device = cupy.cuda.Device(ordinal)
            device.use()
            digits = device.compute_capability  # "86", "120"
            self.capability = (int(digits[:-1]), int(digits[-1]))
            # Its short kernels go before the long ones of other streams.
            self._own_stream = cupy.cuda.Stream(non_blocking=True, priority=_HIGH_PRIORITY)
            images = list(kernels.images(self.capability, DeviceCompiler(cupy.cuda.nvrtc, self.capability)))
            self._modules = [self._load(image) for image in images]

    @property
    def _stream(self) -> Any:
        return self._here.stream or self._own_stream

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
        with self._guard, self._timed("fill", array.nbytes):
            array.data.memset_async(value, array.nbytes, self._stream)

    def copy(self, target: Any, source: Any) -> None:
        """Copy between arrays of the same size on the device. May be captured."""
        if target.nbytes != source.nbytes:
            raise ValueError(f"{source.nbytes} bytes do not fit {target.nbytes}")
        self._note_node(target, source)
        with self._guard, self._timed("copy", 2 * target.nbytes):
            target.data.copy_from_device_async(source.data, source.nbytes, self._stream)

    def launch(
        self,
        name: str,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        *arguments: Argument,
        shared: int = 0,
        n_bytes: int | None = None,
    ) -> None:
        """Launch a kernel on the stream. What is captured must have been launched before, with as much shared memory.

        Args:
            grid, block: blocks, and threads of a block, in one to three dimensions.
            arguments: pointers as arrays or None, scalars as exactly np.int32 or np.float32.
            shared: bytes of dynamic shared memory.
            n_bytes: that it moves, for `clock`; by default those of all its arrays, once.
        """
        if min(grid) < 1:
            raise ValueError(f"{name} on a grid of {grid}")
        self._check_arguments(name, arguments)
        with self._guard:
            function = self._function(name, shared)
            self.launched.add(name)
            self._note_node(*arguments)
            with self._timed(name, _n_bytes(arguments) if n_bytes is None else n_bytes):
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
        self._here.graph = graph
        try:
            yield graph
        except BaseException:
            with suppress(DeviceError), self._guard:  # a stream that goes on capturing is of no use
                self._stream.end_capture()
            raise
        finally:
            self._here.graph = None
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

    def wait(self, event: Event) -> None:
        """Do nothing more on the current stream before another one's event. The host does not wait."""
        self._refuse_in_capture("wait")
        with self._guard:
            self._stream.wait_event(event.native)

    def new_stream(self) -> Stream:
        with self._guard:
            return Stream(self._cupy.cuda.Stream(non_blocking=True), self._guard)

    @contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        """Do what is inside, in this thread, on another stream, beside what the device's own has to do."""
        self._refuse_in_capture("change streams")
        if threading.get_ident() != self._owner:
            with self._guard:
                self._cupy.cuda.Device(self._ordinal).use()  # each thread has a current device
        before, self._here.stream = self._here.stream, stream.native
        try:
            yield
        finally:
            self._here.stream = before

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

    def time_kernels(self) -> KernelClock:
        """Time every launch from now on."""
        self.clock = KernelClock(self._cupy)
        return self.clock

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

    def _check_arguments(self, name: str, arguments: tuple[Argument, ...]) -> None:
        """CuPy passes a Python number as 8 bytes without a word."""
        for i, argument in enumerate(arguments):
            if type(argument) not in (self._cupy.ndarray, np.int32, np.float32, type(None)):
                raise TypeError(f"argument {i} of {name}: an array, np.int32 or np.float32, not {type(argument)}")

    def _note_node(self, *arguments: Argument) -> None:
        if self._here.graph is not None:
            self._here.graph.note(arguments)

    def _timed(self, name: str, n_bytes: int) -> AbstractContextManager[None]:
        if self.clock is None or self._here.graph is not None:
            return nullcontext()
        return self.clock.around(name, n_bytes, self._stream)

    def _refuse_in_capture(self, what: str) -> None:
        if self._here.graph is not None:
            raise RuntimeError(f"cannot {what} while a graph is captured")


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


def _n_bytes(arguments: Iterable[Argument]) -> int:
    return sum(a.nbytes for a in arguments if a is not None and not isinstance(a, np.int32 | np.float32))


def _check_copy(array: Any, host: NDArray[Any]) -> None:
    for side, one in (("host", host), ("device", array)):
        if not one.flags.c_contiguous:
            raise ValueError(f"the {side}'s array of shape {one.shape} is not contiguous")
    if (array.shape, array.dtype) != (host.shape, host.dtype):
        raise ValueError(f"{array.dtype} {array.shape} on the device, {host.dtype} {host.shape} on the host")
