"""The probe of the NVIDIA driver against a driver of our own, and the choice that follows from it."""

import ctypes.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gpu.devices import CudaState, cpu_name, physical_cores, probe_cuda, select_device
from gpu.errors import DeviceUnavailableError

# A driver that answers what it was compiled to: -DVERSION=13000 -DINIT=0 -DGPUS='{"NVIDIA H100", 9, 0, 80LL << 30}'
STUB_DRIVER = """
#include <string.h>
#include <stddef.h>
struct gpu { const char *name; int major, minor; size_t total; };
static struct gpu gpus[] = { GPUS };
enum { N_GPUS = sizeof gpus / sizeof *gpus };
int cuInit(unsigned flags) { return flags ? 1 : INIT; }
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuDeviceGetCount(int *count) { *count = N_GPUS; return INIT ? 3 : 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 100 + ordinal; return ordinal < N_GPUS ? 0 : 101; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, gpus[device - 100].name, length); return 0; }
int cuDeviceTotalMem_v2(size_t *total, int device) { *total = gpus[device - 100].total; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    struct gpu *gpu = &gpus[device - 100];
    *value = attribute == 75 ? gpu->major : attribute == 76 ? gpu->minor : -1;
    return 0;
}
"""
H100 = '{"NVIDIA H100", 9, 0, 80LL << 30}'
P100 = '{"Tesla P100", 6, 0, 16LL << 30}'
T4 = '{"Tesla T4", 7, 5, 16LL << 30}'

ROOT = Path(__file__).parents[2]

Driver = Callable[..., str]


def run_python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    env = os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """Compiles a driver's library; its path."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build a stand-in for the NVIDIA driver")

    def build(gpus: str = "", version: int = 13000, init: int = 0) -> str:
        source, library = tmp_path / "driver.c", tmp_path / "libcuda.so.1"
        source.write_text(STUB_DRIVER)
        macros = [f"-DGPUS={gpus}", f"-DVERSION={version}", f"-DINIT={init}"]
        subprocess.run([compiler, "-shared", "-fPIC", *macros, "-o", library, source], check=True)
        return str(library)

    return build


def test_no_driver(tmp_path: Path) -> None:
    probe = probe_cuda(str(tmp_path / "libcuda.so.1"))
    assert (probe.state, probe.cause) == (CudaState.NO_DRIVER, "No NVIDIA driver was found")


def test_a_library_that_is_none_is_no_driver(tmp_path: Path) -> None:
    library = tmp_path / "libcuda.so.1"
    library.write_bytes(b"not a library")
    assert probe_cuda(str(library)).state is CudaState.NO_DRIVER


@pytest.mark.parametrize(
    ("gpus", "version", "init", "state", "words"),
    [
        ("", 13000, 0, CudaState.NO_DEVICE, "no NVIDIA GPU"),
        ("", 13000, 100, CudaState.NO_DEVICE, "no NVIDIA GPU"),
        (H100, 13000, 803, CudaState.DRIVER_MISMATCH, "restart"),
        (H100, 13000, 999, CudaState.DRIVER_FAILED, "does not start (CUDA error 999)"),
        (T4, 12020, 0, CudaState.DRIVER_TOO_OLD, "supports CUDA 12.2; CUDA 13.0 is needed (driver 580 or newer)"),
        (P100, 13000, 0, CudaState.GPU_TOO_OLD, "Tesla P100 found, whose compute capability 6.0 is too old; 7.5"),
        (T4, 13000, 0, CudaState.READY, "Tesla T4 found"),
        (H100, 13010, 0, CudaState.READY, "NVIDIA H100 found"),
    ],
)
def test_every_answer_of_a_driver(
    driver: Driver, gpus: str, version: int, init: int, state: CudaState, words: str
) -> None:
    probe = probe_cuda(driver(gpus, version, init))
    assert probe.state is state
    assert words in probe.cause
    assert "\n" not in probe.cause


def test_the_best_of_several_gpus_counts(driver: Driver) -> None:
    probe = probe_cuda(driver(f"{P100}, {H100}, {T4}"))
    assert (probe.state, probe.gpu, probe.total_memory) == (CudaState.READY, "NVIDIA H100", 80 << 30)


@pytest.fixture
def no_nvidia_driver() -> None:
    if ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda"):
        pytest.skip("this machine has an NVIDIA driver")


@pytest.mark.usefixtures("no_nvidia_driver")
def test_without_a_driver_auto_is_the_cpu_and_says_why() -> None:
    device = select_device("auto")
    assert (device.kind, device.name, device.note) == ("cpu", cpu_name(), "No NVIDIA driver was found")


@pytest.mark.usefixtures("no_nvidia_driver")
def test_probing_a_machine_without_a_driver_takes_no_time() -> None:
    begun = time.process_time()
    for _ in range(20):
        probe_cuda()
    assert (time.process_time() - begun) / 20 < 0.005


@pytest.mark.skipif(sys.platform != "linux", reason="sets the path of the driver as Linux does")
def test_auto_tells_the_truth_about_a_gpu(driver: Driver) -> None:
    """With the driver where the system looks for it, in a process of its own."""
    folder = Path(driver(H100)).parent
    code = "import gpu.devices as d; print(d.select_device('auto').kind, d.select_device('auto').note, sep='; ')"
    answer = run_python(code, LD_LIBRARY_PATH=str(folder))
    assert answer == "cpu; NVIDIA H100 found: the GPU engine is not part of this version\n"


def test_cuda_is_never_replaced_in_silence() -> None:
    with pytest.raises(DeviceUnavailableError, match="GPU cannot be used: ") as caught:
        select_device("cuda")
    assert "the GPU engine is not part of this version" in str(caught.value)
    assert "auto or cpu" in caught.value.remedy


def test_cpu_is_not_questioned() -> None:
    assert select_device("cpu").kind == "cpu"


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(DeviceUnavailableError, match="'tpu', expected auto, cpu or cuda"):
        select_device("tpu")


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
