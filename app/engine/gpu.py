"""What the application knows of the GPU engine, for `gpu.engine`; and its self-test as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.engine.service import Failure, failure_of
from app.gpu_pack.packages import NoGpuPackError, activate, has_compiled_kernels, needed_packages, pack_folder
from app.gpu_pack.proof import has_passed, remember
from app.paths import gpu_dir, resources_dir, sample_recording, vad_model
from gpu.cancel import CancelToken
from gpu.cuda_probe import CudaGpu, CudaState, probe_cuda
from gpu.devices import GpuSupport
from gpu.errors import Cancelled
from gpu.types import Check, Words

SAMPLE_TEXT = (
    "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
)


def gpu_support() -> GpuSupport:
    """The GPU engine as it is on this machine; a pack that was fetched for it can be imported from now on."""
    if gpu_dir().is_dir():
        with suppress(NoGpuPackError):
            activate(pack_folder(needed_packages()))
    compiled = has_compiled_kernels()
    cubins = resources_dir() / "cubins" if compiled else None
    return GpuSupport(compiled=compiled, has_passed=_has_passed, cubins=cubins)


def self_test(model: Path, device: str, cancel: CancelToken) -> Iterator[Check | Failure]:
    """The checks one after the other; a `Failure` is the last, where model or device cannot be used at all.

    How it ended is kept for the GPU it was done on.
    """
    from gpu.selftest import SelfTest

    support = gpu_support()
    outcomes = []
    try:
        test = SelfTest(model, vad_model(), sample_recording(), SAMPLE_TEXT, device, support)
        for check in test.checks(cancel):
            outcomes.append(check.outcome)
            yield check
    except Cancelled:
        raise
    except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
        outcomes.append("failed")
        yield failure_of(model, e)
    if device != "cpu" and "skipped" not in outcomes:
        gpus = probe_cuda(compiled=support.compiled).gpus
        number = device.partition(":")[2]
        for gpu in gpus[:1] if not number else [gpu for gpu in gpus if gpu.ordinal == int(number)]:
            remember(gpu.name, gpu.total_memory, passed="failed" not in outcomes)


def why_no_gpu() -> tuple[Words, Words] | None:
    """What is wrong with this machine's GPU or driver, and what to do; None if nothing is but what can be fetched."""
    probe = probe_cuda(compiled=gpu_support().compiled)
    if probe.state in (CudaState.READY, CudaState.NO_CUPY, CudaState.NO_NVRTC):
        return None
    return Words("{cause}.", cause=probe.cause), probe.remedy


def gpu_status() -> Iterator[str]:
    """What is here and what is missing, in lines."""
    support = gpu_support()
    probe = probe_cuda(compiled=support.compiled)
    yield f"{probe.cause}."
    if probe.remedy:
        yield probe.remedy
    for gpu in probe.gpus:
        state = "has passed the self-test" if _has_passed(gpu) else "has not passed the self-test"
        memory = f"{gpu.total_memory / 1e9:.1f} GB"
        major, minor = gpu.capability
        yield f"cuda:{gpu.ordinal}: {gpu.name}, {memory}, compute capability {major}.{minor}, {state}"
    try:
        folder = pack_folder(needed_packages())
        yield f"Packages for the GPU: {folder if folder.is_dir() else 'not fetched'}"
    except NoGpuPackError as e:
        yield f"{e.message} {e.remedy}"


def _has_passed(gpu: CudaGpu) -> bool:
    return has_passed(gpu.name, gpu.total_memory)
