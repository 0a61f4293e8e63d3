"""Is there an NVIDIA GPU that can be used, and if not, why: asked of the driver itself, without CuPy or a context."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from gpu.types import Words

# What CUDA 13 asks for: driver 580 or newer, Turing or newer.
MIN_CUDA_VERSION = 13000
MIN_DRIVER = "580"
MIN_COMPUTE_CAPABILITY = (7, 5)

# Where CuPy looks for a CUDA toolkit that no variable points to.
TOOLKIT = Path("/usr/local/cuda")

# Of cuda.h.
_CUDA_ERROR_NO_DEVICE = 100
_CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803
_MULTIPROCESSOR_COUNT = 16
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
    NO_CUPY = "no CuPy"
    NO_NVRTC = "no NVRTC"
    READY = "ready"


@dataclass(frozen=True)
class CudaGpu:
    """One GPU, as the driver describes it.

    Attributes:
        ordinal: its number among those CUDA shows, from 0.
        capability: compute capability, (8, 6); total_memory: bytes.
    """

    ordinal: int
    name: str
    capability: tuple[int, int]
    n_multiprocessors: int
    total_memory: int

    @property
    def is_new_enough(self) -> bool:
        return self.capability >= MIN_COMPUTE_CAPABILITY

    @property
    def description(self) -> Words:
        return Words(
            "{name} ({memory} GB, compute capability {capability})",
            name=self.name,
            memory=round(self.total_memory / 2**30),
            capability=_pair(self.capability),
        )


@dataclass(frozen=True)
class CudaProbe:
    """What the NVIDIA driver said, and what is installed.

    Attributes:
        state: the outcome.
        cause: the outcome in words, one line without a full stop.
        remedy: one sentence: what to do about it.
        gpus: all of them, the best one first: new enough, then with the most multiprocessors, then memory.
    """

    state: CudaState
    cause: Words
    remedy: Words
    gpus: tuple[CudaGpu, ...] = ()


def probe_cuda(library: str | None = None, *, compiled: bool = False) -> CudaProbe:
    """Ask the driver, then look for the packages, without importing them.

    Takes less than a millisecond where there is no driver, and otherwise what the driver takes to start.

    Args:
        library: path of the driver's library, if not the system's.
        compiled: the kernels came compiled: NVRTC is not needed.
    """
    probe = probe_driver(library)
    if probe.state is not CudaState.READY:
        return probe
    return _missing_package(probe.gpus, compiled) or probe


def probe_driver(library: str | None = None) -> CudaProbe:
    """As `probe_cuda`, whatever packages there are."""
    try:
        driver = ctypes.CDLL(library or ("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"))
    except OSError:
        return CudaProbe(
            CudaState.NO_DRIVER,
            Words("No NVIDIA driver was found"),
            Words("If there is an NVIDIA GPU, install its driver, version {release} or newer.", release=MIN_DRIVER),
        )
    gpus = _gpus(driver)
    if isinstance(gpus, CudaProbe):
        return gpus
    return _old_driver(driver, gpus) or _old_gpu(gpus) or _ready(gpus)


def _gpus(driver: ctypes.CDLL) -> tuple[CudaGpu, ...] | CudaProbe:
    """All GPUs, the best first, or why there are none."""
    error = driver.cuInit(0)
    if error == _CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
        cause = Words("The NVIDIA driver was updated and waits for a restart")
        return CudaProbe(CudaState.DRIVER_MISMATCH, cause, Words("Restart the computer."))
    n_devices = ctypes.c_int(0)
    error = error or driver.cuDeviceGetCount(ctypes.byref(n_devices))
    if error not in (0, _CUDA_ERROR_NO_DEVICE):
        cause = Words("The NVIDIA driver does not start (CUDA error {number})", number=error)
        remedy = Words("Restart the computer; if that does not help, install the NVIDIA driver anew.")
        return CudaProbe(CudaState.DRIVER_FAILED, cause, remedy)
    if n_devices.value == 0:
        return CudaProbe(
            CudaState.NO_DEVICE,
            Words("An NVIDIA driver was found, but no NVIDIA GPU"),
            Words("If there is one, see that it is connected and that CUDA_VISIBLE_DEVICES does not hide it."),
        )
    found = (_device(driver, i) for i in range(n_devices.value))
    return tuple(
        sorted(found, key=lambda gpu: (gpu.is_new_enough, gpu.n_multiprocessors, gpu.total_memory), reverse=True)
    )


def _old_driver(driver: ctypes.CDLL, gpus: tuple[CudaGpu, ...]) -> CudaProbe | None:
    version = ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    if version.value >= MIN_CUDA_VERSION:
        return None
    cause = Words(
        "{driver} found, which supports CUDA {got}; CUDA {needed} is needed (driver {release} or newer)",
        driver=_driver_name(),
        got=_dotted(version.value),
        needed=_dotted(MIN_CUDA_VERSION),
        release=MIN_DRIVER,
    )
    return CudaProbe(CudaState.DRIVER_TOO_OLD, cause, Words("Install a current NVIDIA driver."), gpus)


def _old_gpu(gpus: tuple[CudaGpu, ...]) -> CudaProbe | None:
    if gpus[0].is_new_enough:
        return None
    cause = Words(
        "{gpu} found, whose compute capability {got} is too old; {needed} is needed",
        gpu=gpus[0].name,
        got=_pair(gpus[0].capability),
        needed=_pair(MIN_COMPUTE_CAPABILITY),
    )
    remedy = Words("A GeForce RTX 20 or GTX 16, or anything newer, would do.")
    return CudaProbe(CudaState.GPU_TOO_OLD, cause, remedy, gpus)


def _missing_package(gpus: tuple[CudaGpu, ...], compiled: bool) -> CudaProbe | None:
    if not _has_cupy():
        cause = Words("{gpu} found, but the package CuPy is not installed", gpu=gpus[0].description)
        return CudaProbe(CudaState.NO_CUPY, cause, Words("Install the package cupy-cuda13x."), gpus)
    if not compiled and lacks_compiler():
        cause = Words(
            "{gpu} found, but the compiler NVRTC is not installed, or not its headers", gpu=gpus[0].description
        )
        return CudaProbe(CudaState.NO_NVRTC, cause, Words("Install the package cuda-toolkit[nvrtc,cudart]."), gpus)
    return None


def _ready(gpus: tuple[CudaGpu, ...]) -> CudaProbe:
    cause = Words("{gpu} found", gpu=gpus[0].description)
    return CudaProbe(CudaState.READY, cause, Words("Nothing needs to be done."), gpus)


def nvrtc_libraries() -> Iterator[Path]:
    """The compiler for kernels that come as sources; it is not loaded."""
    for root in toolkits():
        for pattern in ("lib*/libnvrtc.so.*", "bin/nvrtc64_*.dll", "bin/x*64/nvrtc64_*.dll"):
            yield from (path for path in root.glob(pattern) if ".alt." not in path.name)


@cache
def preload_nvrtc() -> None:
    """Load the compiler, so that CuPy finds it: by itself it looks into site-packages only, not where a pack lies."""
    if (path := next(nvrtc_libraries(), None)) is None:
        return
    builtins = [one for one in path.parent.glob("*nvrtc-builtins*") if ".alt." not in one.name]
    for library in (*builtins, path):  # which it looks for by name only
        with suppress(OSError):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def lacks_compiler() -> bool:
    """Whether kernels that come as sources cannot be compiled."""
    return not (any(nvrtc_libraries()) and any(cuda_headers()))


def _has_cupy() -> bool:
    """Also when it was imported and has been removed since."""
    spec = importlib.util.find_spec("cupy")
    return spec is not None and (spec.origin is None or Path(spec.origin).exists())


def cuda_headers() -> Iterator[Path]:
    """Folders with the headers that kernels include."""
    return (root / "include" for root in toolkits() if (root / "include" / "cuda_fp16.h").exists())


def toolkits() -> Iterator[Path]:
    """Where NVIDIA's wheels put what belongs to CUDA, and where CuPy looks for a toolkit."""
    spec = importlib.util.find_spec("nvidia")
    wheels = spec.submodule_search_locations if spec else None
    for wheel in wheels or ():
        yield from Path(wheel).iterdir()
    yield from (Path(os.environ[name]) for name in ("CUDA_PATH", "CUDA_HOME") if os.environ.get(name))
    yield TOOLKIT


def _device(driver: ctypes.CDLL, ordinal: int) -> CudaGpu:
    device, total = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGet(ctypes.byref(device), ordinal)
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(total), device)

    def attribute(number: int) -> int:
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), number, device)
        return value.value

    return CudaGpu(
        ordinal=ordinal,
        name=name.value.decode(errors="replace"),
        capability=(attribute(_COMPUTE_CAPABILITY_MAJOR), attribute(_COMPUTE_CAPABILITY_MINOR)),
        n_multiprocessors=attribute(_MULTIPROCESSOR_COUNT),
        total_memory=total.value,
    )


def _driver_name() -> Words:
    """The driver with the kernel module's version ("535.104.05"), where the system tells."""
    path = Path("/sys/module/nvidia/version")
    if not path.exists():
        return Words("NVIDIA driver")
    return Words("NVIDIA driver {release}", release=path.read_text().strip())


def _dotted(cuda_version: int) -> str:
    return f"{cuda_version // 1000}.{cuda_version % 1000 // 10}"


def _pair(capability: tuple[int, int]) -> str:
    return "{}.{}".format(*capability)
