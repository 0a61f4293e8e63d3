"""What CuPy itself makes of our calls where there is no GPU; run as a process of its own (`-m`).

CuPy reads a call's arguments before it turns to the driver, which is missing or a stub here. So each call must end in
what the driver said, as one of the engine's errors; a name or an argument that CuPy does not have ends otherwise.
Prints a line of JSON: for each call the class and text of what it raised. With the argument "device", only for opening
a device.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from gpu.backends.cuda_clock import KernelClock
from gpu.backends.cuda_device import Compiler, CudaDevice, import_cupy
from gpu.backends.cuda_errors import Guard


class NoKernels:
    def images(self, capability: tuple[int, int], compile: Compiler) -> Iterator[bytes]:
        return iter(())


class OneImage:
    def images(self, capability: tuple[int, int], compile: Compiler) -> Iterator[bytes]:
        yield b"image"


class OneKernel:
    def images(self, capability: tuple[int, int], compile: Compiler) -> Iterator[bytes]:
        image = compile("one.cu", 'extern "C" __global__ void one() {}', ["-std=c++17"])
        assert image.startswith(b"\x7fELF")
        yield image


class BadKernel:
    def images(self, capability: tuple[int, int], compile: Compiler) -> Iterator[bytes]:
        yield compile("bad.cu", "nonsense", [])


def half_real(cupy: Any, stream: Any) -> Any:
    """CuPy, except for what only exists with a GPU: the current device, streams, modules."""

    class Device:
        compute_capability = "86"

        def __init__(self, ordinal: int) -> None:
            cupy.cuda.Device(ordinal)

        def use(self) -> None:
            pass

    class Module:
        def load(self, image: bytes) -> None:
            pass

        def get_function(self, name: str) -> Any:
            return cupy.cuda.function.Function.__new__(cupy.cuda.function.Function)

    real = {name: getattr(cupy.cuda, name) for name in ("Event", "Memory", "MemoryPointer", "UnownedMemory")}
    real |= {name: getattr(cupy.cuda, name) for name in ("alloc_pinned_memory", "driver", "nvrtc", "runtime")}
    real["get_elapsed_time"] = cupy.cuda.get_elapsed_time
    cuda = SimpleNamespace(
        Device=Device, Stream=lambda non_blocking, priority=0: stream, function=SimpleNamespace(Module=Module), **real
    )
    return SimpleNamespace(ndarray=cupy.ndarray, cuda=cuda)


def handle(cls: Any, **attributes: object) -> Any:
    """An object of CuPy's without what only a GPU can give it."""
    made = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def calls(cupy: Any) -> dict[str, Callable[[], object]]:
    stream = handle(cupy.cuda.Stream, ptr=0, device_id=0, _foreign_stream_ref=None, _graph_host_funcargs=None)
    mixed = half_real(cupy, stream)
    device = CudaDevice(mixed, NoKernels())
    with_kernel = CudaDevice(mixed, OneImage())
    storage = np.zeros(1024, np.uint8)
    memory = cupy.cuda.UnownedMemory(storage.ctypes.data, storage.nbytes, storage, 0)
    x: Any = device.array(memory, 256, (4, 8), np.float32)
    assert device.address(x[2:].reshape(16).view(np.float16)) == storage.ctypes.data + 256 + 64
    graph, event = handle(cupy.cuda.Graph), handle(cupy.cuda.Event, ptr=0)
    side = device.new_stream()

    def guarded(call: Callable[[], object]) -> None:
        with Guard(cupy):
            call()

    def capture() -> None:
        stream.ptr = 16  # the default stream is not captured
        try:
            with device.capture(strict=True):
                raise AssertionError("captured")
        finally:
            stream.ptr = 0

    return {
        "device": lambda: CudaDevice(cupy, NoKernels()),
        "capability": lambda: guarded(lambda: cupy.cuda.Device(0).compute_capability),
        "stream": lambda: guarded(lambda: cupy.cuda.Stream(non_blocking=True, priority=-1)),
        "module": lambda: guarded(lambda: cupy.cuda.function.Module().load(b"image")),
        "function": lambda: guarded(lambda: cupy.cuda.function.Module().get_function("one")),
        "allocate": lambda: device.allocate(256),
        "upload": lambda: device.upload(x, np.zeros((4, 8), np.float32)),
        "download": lambda: device.download(x),
        "download later": lambda: device.download(x, np.zeros((4, 8), np.float32), wait=False),
        "pinned": lambda: device.pinned((4,), np.int32),
        "fill": lambda: device.fill_bytes(x),
        "copy": lambda: device.copy(x[:2], x[2:]),
        "launch": lambda: with_kernel.launch("one", (1, 2, 3), (32,), x, None, np.int32(1), np.float32(2)),
        "shared": lambda: with_kernel.launch("one", (1,), (32,), shared=64 << 10),
        "capture": capture,
        "end of capture": lambda: guarded(stream.end_capture),
        "graph upload": lambda: guarded(lambda: graph.upload(stream)),
        "replay": lambda: device.replay(graph),
        "event": device.event,
        "event of a stream": lambda: guarded(lambda: event.record(stream)),
        "event wait": lambda: guarded(event.synchronize),
        "event done": lambda: guarded(lambda: event.done),
        "stream wait": lambda: side.wait(SimpleNamespace(native=event)),
        "wait": lambda: device.wait(SimpleNamespace(native=event)),
        "stream synchronize": side.synchronize,
        "timed launch": lambda: guarded(lambda: KernelClock(cupy).around("one", 0, stream).__enter__()),
        "elapsed time": lambda: guarded(lambda: cupy.cuda.get_elapsed_time(event, event)),
        "synchronize": device.synchronize,
        "memory": device.memory,
        "kernel": lambda: CudaDevice(mixed, OneKernel()),
        "bad kernel": lambda: CudaDevice(mixed, BadKernel()),
    }


def main(names: list[str]) -> None:
    raised = {}
    cupy = import_cupy()
    everything = {"device": lambda: CudaDevice(cupy, NoKernels())} if names == ["device"] else calls(cupy)
    for name, call in everything.items():
        try:
            call()
            raised[name] = ("", "")
        except Exception as error:  # noqa: BLE001 - all of them are the result
            raised[name] = (type(error).__name__, str(error))
    print(json.dumps(raised))


if __name__ == "__main__":
    main(sys.argv[1:])
