"""What the application knows of the GPU engine, for `gpu.engine`; and its self-test as messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.engine.service import Failure, failure_of
from app.gpu_pack.installation import GpuPack
from app.gpu_pack.packages import NoGpuPackError, Package, activate, needed_packages
from app.gpu_pack.proof import has_passed, remember
from app.paths import gpu_dir, kernels_dir, resources_dir, sample_recording, vad_model
from gpu.cancel import CancelToken
from gpu.cuda_probe import CudaGpu, CudaState, lacks_compiler
from gpu.devices import GpuSupport
from gpu.errors import Cancelled
from gpu.kernels import is_current
from gpu.types import Check, Words

SAMPLE_TEXT = (
    "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
)


def gpu_support() -> GpuSupport:
    """The GPU engine as it is on this machine; a pack that was fetched for it can be imported from now on."""
    if gpu_dir().is_dir():
        with suppress(NoGpuPackError):
            pack = GpuPack(gpu_packages())
            if "cupy" not in sys.modules:
                pack.finish_removal()
            if pack.is_installed:
                activate(pack.folder, for_its_compiler=_cubins() is None and lacks_compiler())
    return GpuSupport(_has_passed, _cubins(), kernels_dir())


def gpu_packages() -> tuple[Package, ...]:
    """What a pack for this machine is made of. Raises `NoGpuPackError`."""
    return needed_packages(compiler=_cubins() is None)


def self_test(model: Path, device: str, cancel: CancelToken, threads: int | None = None) -> Iterator[Check | Failure]:
    """The checks one after the other; a `Failure` is the last, where model or device cannot be used at all.

    How it ended is kept for the GPU it was done on.
    """
    from gpu.selftest import SelfTest

    test = SelfTest(model, vad_model(), sample_recording(), SAMPLE_TEXT, device, gpu_support(), threads)
    outcomes = []
    try:
        for check in test.checks(cancel):
            outcomes.append(check.outcome)
            yield check
    except Cancelled:
        raise
    except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
        outcomes.append("failed")
        yield failure_of(model, e)
    if (gpu := test.tested) is not None:
        remember(gpu.name, gpu.total_memory, passed="failed" not in outcomes)


@dataclass(frozen=True)
class GpuFacts:
    """One GPU.

    Attributes:
        capability: compute capability, "8.6"; total_memory: bytes; has_passed: this version's self-test.
    """

    ordinal: int
    name: str
    capability: str
    total_memory: int
    has_passed: bool


@dataclass(frozen=True)
class GpuOverview:
    """What stands between this machine's GPU and the program.

    Attributes:
        cause: in a sentence; remedy: what to do, in another.
        gpus: all of them, the best one first; empty where the driver cannot tell.
        is_ready: nothing stands between. lacks_packages: only what can be fetched.
    """

    cause: Words
    remedy: Words
    gpus: tuple[GpuFacts, ...] = ()
    is_ready: bool = False
    lacks_packages: bool = False


def gpu_overview() -> GpuOverview:
    """Ask the driver, and look for the packages."""
    probe = gpu_support().probe()
    gpus = tuple(
        GpuFacts(gpu.ordinal, gpu.name, "{}.{}".format(*gpu.capability), gpu.total_memory, _has_passed(gpu))
        for gpu in probe.gpus
    )
    is_ready, lacks_packages = probe.state is CudaState.READY, probe.state in (CudaState.NO_CUPY, CudaState.NO_NVRTC)
    return GpuOverview(Words("{cause}.", cause=probe.cause), probe.remedy, gpus, is_ready, lacks_packages)


def why_no_gpu() -> tuple[Words, Words] | None:
    """What is wrong with this machine's GPU or driver, and what to do; None if nothing is but what can be fetched."""
    seen = gpu_overview()
    return None if seen.is_ready or seen.lacks_packages else (seen.cause, seen.remedy)


def gpu_status() -> Iterator[str]:
    """What is here and what is missing, in lines."""
    seen = gpu_overview()
    yield seen.cause
    yield seen.remedy
    for gpu in seen.gpus:
        state = "has passed the self-test" if gpu.has_passed else "has not passed the self-test"
        memory = f"{gpu.total_memory / 1e9:.1f} GB"
        yield f"cuda:{gpu.ordinal}: {gpu.name}, {memory}, compute capability {gpu.capability}, {state}"
    try:
        pack = GpuPack(gpu_packages())
        yield f"Packages for the GPU: {pack.folder if pack.is_installed else 'not fetched'}"
    except NoGpuPackError as e:
        yield f"{e.message} {e.remedy}"


def _cubins() -> Path | None:
    """The kernels that came with the program as machine code, if they are of its sources."""
    folder = resources_dir() / "cubins"
    return folder if is_current(folder) else None


def _has_passed(gpu: CudaGpu) -> bool:
    return has_passed(gpu.name, gpu.total_memory)
