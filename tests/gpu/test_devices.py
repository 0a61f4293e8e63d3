"""The choice of the device, on machines with every kind of GPU and with none."""

from __future__ import annotations

import ctypes.util
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gpu import devices
from gpu.cuda_probe import CudaGpu, CudaProbe, CudaState
from gpu.devices import GpuSupport, cpu_name, physical_cores, select_device
from gpu.errors import DeviceUnavailableError
from gpu.types import Words
from tests.support.cuda.driver_stub import build_driver_stub

ROOT = Path(__file__).parents[2]


def run_python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    env = os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def no_nvidia_driver() -> None:
    if ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda"):
        pytest.skip("this machine has an NVIDIA driver")


@pytest.mark.usefixtures("no_nvidia_driver")
def test_without_a_driver_auto_is_the_cpu_and_says_why() -> None:
    device = select_device("auto")
    assert (device.kind, device.name, device.note) == ("cpu", cpu_name(), "No NVIDIA driver was found")


@pytest.mark.skipif(sys.platform != "linux", reason="sets the path of the driver as Linux does")
def test_auto_tells_the_truth_about_a_gpu(tmp_path: Path) -> None:
    """With the driver where the system looks for it, in a process of its own."""
    build_driver_stub(tmp_path)
    code = "import gpu.devices as d; print(d.select_device('auto').kind, d.select_device('auto').note, sep='; ')"
    answer = run_python(code, LD_LIBRARY_PATH=str(tmp_path), STUB_GPUS="NVIDIA H100,90,132,80")
    found = "NVIDIA H100 (80 GB, compute capability 9.0) found"
    obstacles = "the package CuPy is not", "the compiler NVRTC is not", "it has not passed the self-test"
    assert answer.startswith(tuple(f"cpu; {found}, but {obstacle}" for obstacle in obstacles))


@pytest.mark.usefixtures("no_nvidia_driver")
def test_cuda_is_never_replaced_in_silence() -> None:
    with pytest.raises(DeviceUnavailableError, match="GPU cannot be used: ") as caught:
        select_device("cuda")
    assert caught.value.remedy


def test_cpu_is_not_questioned() -> None:
    assert select_device("cpu").kind == "cpu"


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1 ", "auto:1", "cpu:0", ""])
def test_an_unknown_device_is_named(name: str) -> None:
    with pytest.raises(DeviceUnavailableError, match=f"'{name}', expected auto, cpu, cuda or cuda:1"):
        select_device(name)


H100 = CudaGpu(2, "NVIDIA H100", (9, 0), 132, 80 << 30)
T4 = CudaGpu(0, "Tesla T4", (7, 5), 40, 16 << 30)
P100 = CudaGpu(1, "Tesla P100", (6, 0), 56, 16 << 30)
READY = CudaProbe(CudaState.READY, Words("NVIDIA H100 found"), Words("Nothing needs to be done."), (H100, T4, P100))
NO_CUPY = CudaProbe(CudaState.NO_CUPY, Words("H100 found, but no CuPy"), Words("Install it."), (H100,))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[CudaProbe], None]:
    """Sets what the probe, which has tests of its own, finds."""
    return lambda probe: monkeypatch.setattr(devices, "probe_cuda", lambda compiled: probe)


def support(*passed: CudaGpu) -> GpuSupport:
    return GpuSupport(passed.__contains__, Path("cubins"))


def test_unasked_a_gpu_is_used_once_it_has_passed_its_self_test(machine: Callable[[CudaProbe], None]) -> None:
    machine(READY)
    device = select_device("auto", support(H100))
    assert (device.kind, device.name, device.note, device.ordinal) == ("cuda", "NVIDIA H100", "NVIDIA H100 found", 2)
    device = select_device("auto", support(T4))
    assert (device.kind, device.note) == ("cpu", "NVIDIA H100 found, but it has not passed the self-test yet")
    machine(NO_CUPY)
    device = select_device("auto", support(H100))
    assert (device.kind, device.note) == ("cpu", "H100 found, but no CuPy")


def test_a_gpu_that_is_asked_for_is_used(machine: Callable[[CudaProbe], None]) -> None:
    machine(READY)
    device = select_device("cuda", support())
    assert (device.kind, device.name, device.ordinal) == ("cuda", "NVIDIA H100", 2)
    assert device.note == "As requested: NVIDIA H100 (80 GB, compute capability 9.0)"
    assert select_device("cuda:0", support()).name == "Tesla T4"
    for number in (1, 3):
        with pytest.raises(DeviceUnavailableError, match=rf"no usable GPU cuda:{number}, but cuda:0 Tesla T4, cuda:2 "):
            select_device(f"cuda:{number}", support())


def test_a_gpu_that_is_asked_for_and_not_ready_is_an_error(machine: Callable[[CudaProbe], None]) -> None:
    machine(NO_CUPY)
    with pytest.raises(DeviceUnavailableError, match=r"The GPU cannot be used: H100 found, but no CuPy\.") as caught:
        select_device("cuda", support())
    assert caught.value.remedy == "Install it."


def test_the_cpu_has_a_name() -> None:
    name = cpu_name()
    assert name.strip() == name
    assert len(name) > 2
    if sys.platform == "linux" and platform.machine() == "x86_64":
        assert name.split()[0] in Path("/proc/cpuinfo").read_text()


def test_physical_cores_are_those_the_process_may_use() -> None:
    assert 1 <= physical_cores() <= psutil.cpu_count()
    if sys.platform == "linux":
        one_cpu = "import os, gpu.devices as d; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
        assert run_python(f"{one_cpu}; print(d.physical_cores())") == "1\n"
