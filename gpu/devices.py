"""Which device does the work, and why that one."""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from gpu.cuda_probe import CudaGpu, CudaProbe, CudaState, probe_cuda
from gpu.errors import DeviceUnavailableError
from gpu.kernels import KernelImages
from gpu.types import DeviceInfo, Words


def _never(gpu: CudaGpu) -> bool:
    return False


@dataclass(frozen=True)
class GpuSupport:
    """What the application knows of the GPU engine.

    Attributes:
        has_passed: whether a GPU has passed this version's self-test. Only then it is used unasked.
        cubins: the folder of kernels that came compiled for every GPU, if there is one.
        cache: the folder in which kernels that are compiled here are kept, if they are.
    """

    has_passed: Callable[[CudaGpu], bool] = _never
    cubins: Path | None = None
    cache: Path | None = None

    def kernels(self) -> KernelImages:
        """Compiled, or to be compiled."""
        return KernelImages(self.cubins, self.cache)

    def probe(self) -> CudaProbe:
        """What stands between this machine's GPUs and the engine."""
        return probe_cuda(compiled=self.cubins is not None)


NOTHING_KNOWN = GpuSupport()


def select_device(requested: str, support: GpuSupport = NOTHING_KNOWN) -> DeviceInfo:
    """The device for "auto", "cpu", "cuda" (the best GPU) or "cuda:1" (that one).

    Raises:
        DeviceUnavailableError: there is no such device, or not here. What was asked for is never replaced in silence.
    """
    if requested == "cpu":
        return DeviceInfo("cpu", cpu_name(), Words("As requested"))
    if re.fullmatch(r"auto|cuda(:\d+)?", requested, re.ASCII) is None:
        raise DeviceUnavailableError(
            Words("There is no device named {name}, expected auto, cpu, cuda or cuda:1.", name=repr(requested)),
            remedy=Words("Choose one of these."),
        )
    probe = support.probe()
    if requested == "auto":
        return _best(probe, support)
    if probe.state is not CudaState.READY:
        raise DeviceUnavailableError(Words("The GPU cannot be used: {cause}.", cause=probe.cause), remedy=probe.remedy)
    gpu = requested_gpu(requested, probe)
    return _cuda(gpu, Words("As requested: {gpu}", gpu=gpu.description))


def _best(probe: CudaProbe, support: GpuSupport) -> DeviceInfo:
    """The GPU where it is ready and proven, else the CPU, and why."""
    cause = probe.cause
    if probe.state is CudaState.READY:
        if support.has_passed(probe.gpus[0]):
            return _cuda(probe.gpus[0], cause)
        cause = Words("{cause}, but it has not passed the self-test yet", cause=cause)
    return DeviceInfo("cpu", cpu_name(), cause)


def requested_gpu(requested: str, probe: CudaProbe) -> CudaGpu:
    """Of a machine that is ready: the GPU with the number in "cuda:1", or the best one for "auto" and "cuda".

    Raises:
        DeviceUnavailableError: it is not there, or too old.
    """
    _, _, ordinal = requested.partition(":")
    if not ordinal:
        return probe.gpus[0]
    for gpu in probe.gpus:
        if gpu.ordinal == int(ordinal) and gpu.is_new_enough:
            return gpu
    usable = sorted((gpu for gpu in probe.gpus if gpu.is_new_enough), key=lambda gpu: gpu.ordinal)
    raise DeviceUnavailableError(
        Words(
            "There is no usable GPU cuda:{number}, but {gpus}.",
            number=ordinal,
            gpus=", ".join(f"cuda:{gpu.ordinal} {gpu.name}" for gpu in usable),
        ),
        remedy=Words("Choose one of these."),
    )


def _cuda(gpu: CudaGpu, note: Words) -> DeviceInfo:
    return DeviceInfo("cuda", gpu.name, note, gpu.ordinal)


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
