"""Which device does the work, and why that one: the processor's name, and what the NVIDIA driver says of itself."""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from gpu.errors import DeviceUnavailableError
from gpu.types import DeviceInfo, Words

# What CUDA 13 asks for: driver 580 or newer, Turing or newer.
MIN_CUDA_VERSION = 13000
MIN_DRIVER = "580"
MIN_COMPUTE_CAPABILITY = (7, 5)

_NO_GPU_ENGINE = Words("the GPU engine is not part of this version")

# Of cuda.h.
_CUDA_ERROR_NO_DEVICE = 100
_CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76


class CudaState(StrEnum):
    """What stands between us and an NVIDIA GPU; `READY` is nothing."""

    NO_DRIVER = "no driver"
    DRIVER_MISMATCH = "driver mismatch"
    DRIVER_FAILED = "driver failed"
    NO_DEVICE = "no device"
    DRIVER_TOO_OLD = "driver too old"
    GPU_TOO_OLD = "GPU too old"
    READY = "ready"


@dataclass(frozen=True)
class CudaProbe:
    """What the NVIDIA driver said.

    Attributes:
        state: the outcome.
        cause: the outcome in words, one line without a full stop.
        gpu: name of the best GPU, if there is one.
        total_memory: its memory in bytes.
    """

    state: CudaState
    cause: Words
    gpu: str | None = None
    total_memory: int = 0


def select_device(requested: str) -> DeviceInfo:
    """The device for "auto", "cpu" or "cuda".

    Raises:
        DeviceUnavailableError: there is no such device, or not here. What was asked for is never replaced in silence.
    """
    if requested == "cpu":
        return DeviceInfo("cpu", cpu_name(), Words("As requested"))
    if requested not in ("auto", "cuda"):
        raise DeviceUnavailableError(
            Words("There is no device named {name}, expected auto, cpu or cuda.", name=repr(requested)),
            remedy=Words("Choose one of these three."),
        )
    probe = probe_cuda()
    if requested == "cuda":
        raise DeviceUnavailableError(
            Words("The GPU cannot be used: {cause}; {obstacle}.", cause=probe.cause, obstacle=_NO_GPU_ENGINE),
            remedy=Words("Choose the device auto or cpu."),
        )
    if probe.state is CudaState.NO_DRIVER:
        return DeviceInfo("cpu", cpu_name(), probe.cause)
    return DeviceInfo("cpu", cpu_name(), Words("{cause}: {obstacle}", cause=probe.cause, obstacle=_NO_GPU_ENGINE))


def probe_cuda(library: str | None = None) -> CudaProbe:
    """Ask the NVIDIA driver itself, without CuPy and without creating a context.

    Args:
        library: path of the driver's library, if not the system's.
    """
    try:
        driver = ctypes.CDLL(library or ("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"))
    except OSError:
        return CudaProbe(CudaState.NO_DRIVER, Words("No NVIDIA driver was found"))

    error = driver.cuInit(0)
    if error == _CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
        cause = Words("The NVIDIA driver was updated and waits for a restart")
        return CudaProbe(CudaState.DRIVER_MISMATCH, cause)
    n_devices = ctypes.c_int(0)
    error = error or driver.cuDeviceGetCount(ctypes.byref(n_devices))
    if error not in (0, _CUDA_ERROR_NO_DEVICE):
        cause = Words("The NVIDIA driver does not start (CUDA error {number})", number=error)
        return CudaProbe(CudaState.DRIVER_FAILED, cause)
    if n_devices.value == 0:
        return CudaProbe(CudaState.NO_DEVICE, Words("An NVIDIA driver was found, but no NVIDIA GPU"))

    name, capability, total_memory = max((_device(driver, i) for i in range(n_devices.value)), key=lambda gpu: gpu[1:])
    version = ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    if version.value < MIN_CUDA_VERSION:
        cause = Words(
            "{driver} found, which supports CUDA {got}; CUDA {needed} is needed (driver {release} or newer)",
            driver=_driver(),
            got=_dotted(version.value),
            needed=_dotted(MIN_CUDA_VERSION),
            release=MIN_DRIVER,
        )
        return CudaProbe(CudaState.DRIVER_TOO_OLD, cause, name, total_memory)
    if capability < MIN_COMPUTE_CAPABILITY:
        got, needed = ("{}.{}".format(*pair) for pair in (capability, MIN_COMPUTE_CAPABILITY))
        cause = Words(
            "{gpu} found, whose compute capability {got} is too old; {needed} is needed",
            gpu=name,
            got=got,
            needed=needed,
        )
        return CudaProbe(CudaState.GPU_TOO_OLD, cause, name, total_memory)
    return CudaProbe(CudaState.READY, Words("{gpu} found", gpu=name), name, total_memory)


def cpu_name() -> str:
    """The processor's name as its maker gives it, or its architecture where the system does not know."""
    name = _cpu_brand()
    return " ".join(name.replace("(R)", "").replace("(TM)", "").split()) or platform.machine() or "CPU"


def physical_cores() -> int:
    """Cores this process may run on, hyper-threads not counted."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if sys.platform == "darwin":  # knows no affinity
        return cores
    return min(cores, len(psutil.Process().cpu_affinity() or [0]))


def _device(driver: ctypes.CDLL, ordinal: int) -> tuple[str, tuple[int, int], int]:
    """Name, compute capability and memory in bytes of one GPU."""
    device, major, minor, total = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGet(ctypes.byref(device), ordinal)
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    return name.value.decode(errors="replace"), (major.value, minor.value), total.value


def _driver() -> Words:
    """The driver with the kernel module's version ("535.104.05"), where the system tells."""
    path = Path("/sys/module/nvidia/version")
    if not path.exists():
        return Words("NVIDIA driver")
    return Words("NVIDIA driver {release}", release=path.read_text().strip())


def _dotted(cuda_version: int) -> str:
    return f"{cuda_version // 1000}.{cuda_version % 1000 // 10}"


def _cpu_brand() -> str:
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])
    if sys.platform == "darwin":
        brand, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
        ctypes.CDLL(None).sysctlbyname(b"machdep.cpu.brand_string", brand, ctypes.byref(size), None, 0)
        return brand.value.decode(errors="replace")
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        field, _, value = line.partition(":")
        if field.strip() == "model name":
            return value
    return platform.processor()
