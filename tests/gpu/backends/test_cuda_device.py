"""The device layer on the stand-in for CuPy: what it passes on, what it refuses, and whose words its errors are in."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest

from gpu.backends.cuda_arena import ALIGNMENT, Arena
from gpu.backends.cuda_device import Compiler, CudaDevice
from gpu.errors import DeviceError, DeviceFailedError, DeviceMemoryError, DeviceUnavailableError, KernelError
from tests.support.cuda.fake_cupy import CompileError, FakeArray, FakeGpu, Kernel, fake_cupy

i32, f32 = np.int32, np.float32


def add(grid: tuple[int, ...], block: tuple[int, ...], args: Sequence, shared: int) -> None:
    """x += y * scale; y may be missing."""
    x, y, scale = args
    x += (1 if y is None else y) * scale


class Sources:
    """Kernels from source; what the compiler makes of it is `MODULES`."""

    def images(self, capability: tuple[int, int], compile: Compiler) -> Iterator[bytes]:
        for name, source in SOURCES.items():
            yield compile(name, source, ["-std=c++17"])


SOURCES = {"other.cu": "other", "add.cu": "add"}
MODULES: dict[str, Mapping[str, Kernel]] = {"other": {"nothing": lambda *_: None}, "add": {"add": add}}


def compiler(name: str, source: str, options: Sequence[str]) -> Mapping[str, Kernel]:
    assert options[0] == "-arch=sm_86"
    assert options[-1] == "-std=c++17"
    if source not in MODULES:
        raise CompileError(f"{name}(1): error: what is\n{source}?")
    return MODULES[source]


@pytest.fixture
def made() -> tuple[CudaDevice, FakeGpu]:
    cupy, gpu = fake_cupy(compiler, total=1 << 20)
    return CudaDevice(cupy, Sources()), gpu


@pytest.fixture
def device(made: tuple[CudaDevice, FakeGpu]) -> CudaDevice:
    return made[0]


@pytest.fixture
def gpu(made: tuple[CudaDevice, FakeGpu]) -> FakeGpu:
    return made[1]


@pytest.fixture
def arena(device: CudaDevice) -> Arena:
    return Arena(device, 1 << 16)


def filled(device: CudaDevice, arena: Arena, value: float, n: int = 5) -> FakeArray:
    array = arena.take((n,), f32)
    device.upload(array, np.full(n, value, f32))
    return array


def test_a_kernel_is_found_in_any_image_and_runs(device: CudaDevice, arena: Arena, gpu: FakeGpu) -> None:
    x, y = filled(device, arena, 1), filled(device, arena, 10)
    device.launch("add", (1,), (32,), x, y, f32(0.5))
    device.launch("add", (1,), (32,), x, None, f32(2))
    assert device.download(x).tolist() == [8.0] * 5
    assert gpu.launched == ["add", "add"]
    assert device.capability == (8, 6)


def test_what_is_not_there_is_refused(device: CudaDevice, arena: Arena) -> None:
    x = filled(device, arena, 1)
    with pytest.raises(KeyError, match="no kernel multiply in 2 images"):
        device.launch("multiply", (1,), (32,), x)
    with pytest.raises(ValueError, match=r"add on a grid of \(0,\)"):
        device.launch("add", (0,), (32,), x, x, f32(1))
    with pytest.raises(DeviceError, match="invalid argument"):
        device.launch("add", (1,), (1025,), x, x, f32(1))


@pytest.mark.parametrize("scalar", [1, 1.0, np.int64(1), np.float64(1), np.ones(1, f32), True])
def test_scalars_have_exactly_the_kernel_s_types(device: CudaDevice, arena: Arena, scalar: object) -> None:
    x = filled(device, arena, 1)
    with pytest.raises(TypeError, match=r"argument 2 of add: an array, np\.int32 or np\.float32"):
        device.launch("add", (1,), (32,), x, x, scalar)


def test_shared_memory_is_opted_into(device: CudaDevice, arena: Arena) -> None:
    x = filled(device, arena, 1)
    for n_bytes in (0, 64 << 10, 50 << 10):
        device.launch("add", (1,), (32,), x, None, f32(1), shared=n_bytes)
    with pytest.raises(DeviceError, match="invalid argument"):
        device.launch("add", (1,), (32,), x, None, f32(1), shared=(64 << 10) + 1)


def test_copies_are_of_one_shape_and_type(device: CudaDevice, arena: Arena) -> None:
    x = arena.take((4, 3), f32)
    for host in (
        np.zeros((3, 4), f32),
        np.zeros((4, 3), np.float64),
        np.zeros((3, 4), f32).T,
        np.zeros((4, 6), f32)[:, ::2],
    ):
        with pytest.raises(ValueError, match=r"contiguous|on the device"):
            device.upload(x, host)
        with pytest.raises(ValueError, match=r"contiguous|on the device"):
            device.download(x, host)
    with pytest.raises(ValueError, match="the device's array"):
        device.download(x[:, :2])
    device.upload(x, np.arange(12, dtype=f32).reshape(4, 3))
    assert device.download(x[1:3, :][0]).tolist() == [3, 4, 5]


def test_copies_and_fills_on_the_device(device: CudaDevice, arena: Arena) -> None:
    x, y = filled(device, arena, 3), filled(device, arena, 4)
    device.copy(x, y)
    device.fill_bytes(y)
    assert device.download(x).tolist() == [4.0] * 5
    assert device.download(y).tolist() == [0.0] * 5
    with pytest.raises(ValueError, match="20 bytes do not fit 16"):
        device.copy(x[:4], y)


def test_a_result_that_is_not_waited_for_is_not_there(device: CudaDevice, arena: Arena) -> None:
    x = filled(device, arena, 7)
    out, later = device.pinned((5,), f32), device.pinned((5,), f32)
    device.download(x, out, wait=False)
    event = device.event()
    device.download(x, later, wait=False)
    assert not event.is_done
    assert np.isnan(out).all()
    event.wait()
    assert event.is_done
    assert out.tolist() == [7.0] * 5
    assert np.isnan(later).all()
    device.synchronize()
    assert later.tolist() == [7.0] * 5


def test_a_graph_replays_what_was_captured(device: CudaDevice, arena: Arena, gpu: FakeGpu) -> None:
    x, y = filled(device, arena, 0), filled(device, arena, 1)
    device.launch("add", (1,), (32,), x, y, f32(0))
    with device.capture() as graph:
        device.launch("add", (1,), (32,), x, y, f32(1))
        device.copy(y, x)
        device.fill_bytes(x)
    assert graph.n_nodes == 3
    assert device.download(x).tolist() == [0.0] * 5  # nothing has run
    device.upload(x, np.full(5, 5, f32))
    graph.launch()
    graph.launch()
    assert device.download(y).tolist() == [6.0] * 5
    assert gpu.launched == ["add", *["add", "copy", "fill"] * 2]


@pytest.mark.parametrize("strict", [False, True])
def test_nothing_else_belongs_into_a_capture(device: CudaDevice, arena: Arena, strict: bool) -> None:
    x = filled(device, arena, 0)
    other = device.new_stream()
    forbidden: list[Callable[[], object]] = [
        lambda: Arena(device, 256),
        lambda: device.upload(x, np.zeros(5, f32)),
        lambda: device.download(x),
        device.synchronize,
        device.event,
        lambda: device.on(other).__enter__(),
        lambda: device.capture().__enter__(),
        lambda: device.launch("nothing", (1,), (1,)),  # would be loaded
    ]
    for call in forbidden:
        with pytest.raises(RuntimeError, match="while a graph is captured"), device.capture(strict):
            call()
    device.launch("nothing", (1,), (1,))
    with device.capture(strict) as graph:  # the stream is none the worse
        device.launch("nothing", (1,), (1,))
    with pytest.raises(RuntimeError, match="while a graph is captured"), device.capture(strict):
        graph.launch()
    with pytest.raises(RuntimeError, match="while a graph is captured"), device.capture(strict):
        device.launch("nothing", (1,), (1,), shared=4)


def test_a_graph_keeps_its_arrays_alive(device: CudaDevice, gpu: FakeGpu) -> None:
    arena = Arena(device, 512)
    x = filled(device, arena, 1)
    device.launch("add", (1,), (32,), x, None, f32(0))
    with device.capture() as graph:
        device.launch("add", (1,), (32,), x, None, f32(1))
    arena.free()
    del x, arena
    gc.collect()
    graph.launch()
    assert gpu.used == 512
    del graph
    gc.collect()
    assert gpu.used == 0


def test_a_second_stream(device: CudaDevice, arena: Arena) -> None:
    x = filled(device, arena, 1)
    side = device.new_stream()
    side.wait(device.event())
    with device.on(side):
        device.launch("add", (1,), (32,), x, None, f32(1))
        done = device.event()
    done.wait()
    assert device.download(x).tolist() == [2.0] * 5


def test_an_arena_is_one_allocation(device: CudaDevice, gpu: FakeGpu) -> None:
    arena = Arena(device, 3 * ALIGNMENT)
    assert gpu.used == device.memory().used == 3 * ALIGNMENT
    arrays = [arena.take((3, 5), np.float16), arena.take((), i32), arena.take((64,), f32)]
    addresses = [device.address(array) for array in arrays]
    assert [address - addresses[0] for address in addresses] == [0, ALIGNMENT, 2 * ALIGNMENT]
    assert addresses[0] % ALIGNMENT == 0
    assert arena.used == arena.n_bytes
    with pytest.raises(ValueError, match="768 bytes, 768 of them taken, has no 1 left"):
        arena.take((1,), np.uint8)
    arena.free()
    arena.free()
    assert gpu.used == device.memory().used == 3 * ALIGNMENT  # there are arrays left
    del arrays
    gc.collect()
    assert gpu.used == 0
    memory = device.memory()
    assert (memory.used, memory.peak, memory.free, memory.total) == (0, 768, 1 << 20, 1 << 20)


def test_too_little_memory_is_said_with_both_figures(device: CudaDevice, gpu: FakeGpu) -> None:
    with pytest.raises(DeviceMemoryError, match=r"The GPU has 1 MB of free memory, 3 MB are needed\.") as caught:
        Arena(device, 2_000_001)
    assert "smaller model" in caught.value.remedy
    gpu.faults["allocate"] = (2, 2)
    arenas = [Arena(device, 256)]
    with pytest.raises(DeviceMemoryError):
        Arena(device, 256)
    arenas.append(Arena(device, 256))  # the device goes on
    assert device.memory().used == 512


@pytest.mark.parametrize("status", [700, 702, 715, 716, 717, 718, 719, 999])
@pytest.mark.parametrize("call", ["launch", "replay", "synchronize", "download"])
def test_a_fault_ends_the_device_s_work(device: CudaDevice, arena: Arena, gpu: FakeGpu, call: str, status: int) -> None:
    x = filled(device, arena, 1)
    device.launch("add", (1,), (32,), x, None, f32(1))
    with device.capture() as graph:
        device.launch("add", (1,), (32,), x, None, f32(1))
    work = {
        "launch": lambda: device.launch("add", (1,), (32,), x, None, f32(1)),
        "replay": graph.launch,
        "synchronize": device.synchronize,
        "download": lambda: device.download(x),
    }
    gpu.faults[call] = (2, status)
    work[call]()
    with pytest.raises(DeviceFailedError, match="The GPU stopped working") as caught:
        work[call]()
    assert "Start the program again" in caught.value.remedy
    for again in work.values():
        with pytest.raises(DeviceFailedError):
            again()
    device.close()


def test_an_image_for_another_gpu() -> None:
    cupy, gpu = fake_cupy(compiler)
    gpu.faults["load"] = (1, 209)
    with pytest.raises(KernelError, match="does not accept the program's kernels"):
        CudaDevice(cupy, Sources())


def test_without_nvrtc_and_without_cubins() -> None:
    cupy, _ = fake_cupy(None)
    with pytest.raises(KernelError, match="NVRTC was not found") as caught:
        CudaDevice(cupy, Sources())
    assert "Install the GPU packages" in caught.value.remedy


def test_a_kernel_that_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "add.cu", "nonsense")
    cupy, _ = fake_cupy(compiler)
    with pytest.raises(KernelError, match=r"add.cu cannot be compiled: add.cu\(1\): error: what is nonsense\?"):
        CudaDevice(cupy, Sources())


def test_a_gpu_that_is_not_there() -> None:
    cupy, _ = fake_cupy(compiler, n_devices=2)
    CudaDevice(cupy, Sources(), ordinal=1)
    with pytest.raises(DeviceUnavailableError, match="invalid device ordinal"):
        CudaDevice(cupy, Sources(), ordinal=2)


def test_the_stand_in_is_stricter_than_cupy(device: CudaDevice, arena: Arena, gpu: FakeGpu) -> None:
    x = filled(device, arena, 1, n=6)
    for implicit in (lambda: np.asarray(x), lambda: x + 1, lambda: np.add(x, 1), lambda: list(x), lambda: float(x)):
        with pytest.raises(TypeError):
            implicit()
    with pytest.raises(AssertionError, match="not contiguous"):
        device.launch("add", (1,), (1,), x.reshape(2, 3)[:, :2], None, f32(1))
    with pytest.raises(AssertionError, match="a CuPy kernel"):
        x[np.array([0, 1])]
    with pytest.raises(AssertionError, match="a copy"):
        x.reshape(2, 3)[:, :2].reshape(4)
    memory = device.allocate(8)
    behind = np.lib.stride_tricks.as_strided(memory.bytes, (9,))
    behind[8] = 0
    with pytest.raises(AssertionError, match="behind the end"):
        device.synchronize()
