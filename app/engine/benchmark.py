"""Measuring the engine: a recording transcribed several times on each device, and what each stage took.

Knows no Qt and no threads. Modules of `gpu` are imported where they are used, as in `service`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine.service import Failure, failure_of
from app.paths import vad_model
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, DeviceUnavailableError
from gpu.types import DeviceInfo, GraphProfile, KernelTime, MemoryUsage, ModelInfo, RunStats, TranscribeOptions, Words

if TYPE_CHECKING:
    from gpu.engine import Engine
    from gpu.stage_clock import StageTime


@dataclass(frozen=True)
class BenchmarkJob:
    """A job. `device`: "auto" is every device there is. `profile`: one more run, in which each graph node is timed."""

    model: Path
    recording: Path
    device: str
    threads: int | None
    n_runs: int
    profile: bool


@dataclass(frozen=True)
class MeasuredRun:
    """One transcription. `stages` by name, in order: see `gpu.engine.Engine.transcribe`."""

    stats: RunStats
    stages: dict[str, StageTime]

    @property
    def rest_s(self) -> float:
        """Seconds outside all stages: making text and times, waiting for stages on other threads."""
        return self.stats.processing_s - sum(stage.seconds for stage in self.stages.values())


@dataclass(frozen=True)
class DeviceBenchmark:
    """All runs on one device.

    Attributes:
        start, loaded: memory before the model was loaded, and after.
        profile: of the CPU's graphs' nodes, kernels: of a GPU, if asked for.
        device_memory: of the GPU at the end of that run.
    """

    model: ModelInfo
    device: DeviceInfo
    start: MemoryUsage
    loaded: MemoryUsage
    runs: tuple[MeasuredRun, ...]
    profile: tuple[GraphProfile, ...] = ()
    kernels: tuple[KernelTime, ...] = ()
    device_memory: MemoryUsage | None = None

    @property
    def median(self) -> MeasuredRun:
        """The run of median length, so that its parts add up (of an even number the shorter of the middle two)."""
        return sorted(self.runs, key=lambda run: run.stats.processing_s)[(len(self.runs) - 1) // 2]


@dataclass(frozen=True)
class DeviceAbsent:
    """There is no such device to measure, and why."""

    device: str
    cause: Words


@dataclass(frozen=True)
class RunMeasured:
    """How far it is: `i` of `n` runs."""

    device: str
    i: int
    n: int
    run: MeasuredRun


@dataclass(frozen=True)
class BenchmarkCancelled:
    """Stopped on request."""


BenchmarkMessage = RunMeasured | DeviceBenchmark | DeviceAbsent | BenchmarkCancelled | Failure


def benchmark(job: BenchmarkJob, cancel: CancelToken) -> Iterator[BenchmarkMessage]:
    """Do it: for each device `RunMeasured` and `DeviceBenchmark`, or `DeviceAbsent`; ends at the first `Failure`."""
    from gpu.audio import open_audio
    from gpu.errors import DeviceError, ModelFileError

    try:
        open_audio(job.recording).close()  # what is wrong with it is said before a model is loaded
        for device in ("cpu", "cuda") if job.device == "auto" else (job.device,):
            cause = _why_absent(device) if job.device == "auto" else None
            yield from _on_device(job, device, cancel) if cause is None else [DeviceAbsent(device, cause)]
    except Cancelled:
        yield BenchmarkCancelled()
    except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
        yield failure_of(job.model if isinstance(e, ModelFileError | DeviceError) else job.recording, e)


def _why_absent(device: str) -> Words | None:
    from app.engine.gpu import gpu_support
    from gpu.devices import select_device

    try:
        select_device(device, gpu_support())
    except DeviceUnavailableError as e:
        return e.message
    return None


def _on_device(job: BenchmarkJob, device: str, cancel: CancelToken) -> Iterator[RunMeasured | DeviceBenchmark]:
    from app.engine.gpu import gpu_support
    from gpu.engine import Engine
    from gpu.host_memory import host_memory

    start = host_memory()
    runs = []
    with closing(Engine(job.model, vad_model(), device, job.threads, gpu=gpu_support())) as engine:
        loaded = engine.memory()
        for i in range(job.n_runs):
            runs.append(_run(engine, job.recording, cancel))
            yield RunMeasured(device, i + 1, job.n_runs, runs[-1])
    measured = DeviceBenchmark(engine.model, engine.device, start, loaded, tuple(runs))
    yield _profiled(measured, job, device, cancel) if job.profile else measured


def _run(engine: Engine, recording: Path, cancel: CancelToken) -> MeasuredRun:
    from gpu.stage_clock import StageClock

    clock = StageClock()
    stats = None
    for event in engine.transcribe(recording, TranscribeOptions(), cancel, clock):
        if isinstance(event, RunStats):
            stats = event
    if stats is None:
        raise RuntimeError("the engine ended a run without statistics")
    return MeasuredRun(stats, clock.stages)


def _profiled(measured: DeviceBenchmark, job: BenchmarkJob, device: str, cancel: CancelToken) -> DeviceBenchmark:
    """With a profile, from an engine of its own: tracing slows it down."""
    from app.engine.gpu import gpu_support
    from gpu.engine import Engine

    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Engine(job.model, vad_model(), device, job.threads, Path(folder), gpu_support())) as engine,
    ):
        _run(engine, job.recording, cancel)
        memory = engine.memory() if engine.device.kind == "cuda" else None
        kernels = engine.kernel_times()
        return replace(measured, profile=tuple(engine.profiles()), kernels=kernels, device_memory=memory)
