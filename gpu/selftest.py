"""Does this machine compute what it should? Kernels against the golden standard, a recording on both devices, faults.

What needs a GPU that is not there is skipped, and says so: never a check that passes without having run.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_checks import ALL_KERNELS, kernel_checks
from gpu.backends.cuda_device import CudaDevice, import_cupy
from gpu.cancel import CancelToken
from gpu.cuda_probe import CudaGpu, CudaState
from gpu.devices import GpuSupport, physical_cores, requested_gpu
from gpu.engine import Engine
from gpu.errors import DeviceError, DeviceMemoryError
from gpu.selftest_speed import BESIDE_WHISPER_CPP, Run, beside_cpu, beside_whisper_cpp, in_turns, skipped
from gpu.types import Check, KernelTime, MemoryUsage, Outcome, RunStats, Segment, TranscribeOptions, Words
from gpu.whisper_cpp import WhisperCpp, WhisperCppError, why_not_compared

RUNS = 10  # after which the memory must be what it was after the first
_BEYOND = 1 << 30  # more than is free
_LANGUAGE = "en"  # of the recording
_TOO_MUCH_MEMORY = Words("More memory than there is")
_ON_GPU = Words("A recording on the GPU")
_TEN_RUNS = Words("Memory after ten runs")
_IN_KERNELS = Words("Time in each kernel")
_WITHOUT_GRAPHS = Words("The same tokens without captured graphs")


@dataclass
class SelfTest:
    """What to test with.

    Attributes:
        recording: short; `text` is what is said in it, whatever the commas.
        device: "auto", "cpu", "cuda" or "cuda:1".
        threads: of the CPU; None for one on each physical core.
        tested: the GPU that it came to, if it did.
    """

    model: Path
    vad: Path
    recording: Path
    text: str
    device: str
    gpu: GpuSupport
    threads: int | None = None
    tested: CudaGpu | None = None
    _heard: list[int] = field(default_factory=list, init=False)  # tokens of the latest recording ...
    _tokens: list[int] = field(default_factory=list, init=False)  # ... and on the GPU with captured graphs

    def checks(self, cancel: CancelToken) -> Iterator[Check]:
        """One check after the other.

        Raises:
            ModelFileError, AudioError: model or recording cannot be used: that is no check's business.
            DeviceUnavailableError: there is no GPU of that number.
            Cancelled: the token was set.
        """
        with closing(Engine(self.model, self.vad, "cpu", self.threads)) as engine:
            yield self._transcribed(Words("A recording on the CPU"), engine, cancel)[0]
        if self.device == "cpu":
            yield from _all_skipped(Words("only the CPU was asked for"))
            return
        probe = self.gpu.probe()
        if probe.state is not CudaState.READY:
            outcome: Outcome = "skipped" if self.device == "auto" else "failed"
            yield Check(Words("A GPU"), outcome, Words("{cause}. {remedy}", cause=probe.cause, remedy=probe.remedy))
            yield from _all_skipped(Words("there is no GPU to use"))
            return
        yield Check(Words("A GPU"), "passed", probe.cause)
        self.tested = requested_gpu(self.device, probe)
        ordinal = self.tested.ordinal
        for part in (
            lambda: self._kernels(ordinal),
            lambda: self._out_of_memory(ordinal),
            lambda: self._on_gpu(ordinal, cancel),
            lambda: self._speed(ordinal, cancel),
            lambda: self._profile(ordinal, cancel),
        ):
            yield from _guarded(part)

    def _kernels(self, ordinal: int) -> Iterator[Check]:
        with closing(self._open(ordinal)) as device:
            yield from kernel_checks(device)

    def _out_of_memory(self, ordinal: int) -> Iterator[Check]:
        """More than there is must be refused, and leave a device that works."""
        what = _TOO_MUCH_MEMORY
        with closing(self._open(ordinal)) as device:
            before = device.memory()
            try:
                Arena(device, before.free + _BEYOND)
            except DeviceMemoryError as error:
                arena = Arena(device, 1 << 20)
                array = arena.take((1000,), np.float32)
                device.upload(array, np.arange(1000, dtype=np.float32))
                works = device.download(array)[999] == 999
                del array  # memory is counted as long as anything lies in it
                arena.free()
                back = device.memory().used == before.used
                yield Check(what, "passed" if works and back else "failed", error.message)
            else:
                yield Check(what, "failed", Words("it was given: it is not the GPU's own memory"))

    def _on_gpu(self, ordinal: int, cancel: CancelToken) -> Iterator[Check]:
        with closing(Engine(self.model, self.vad, f"cuda:{ordinal}", gpu=self.gpu)) as engine:
            check, _ = self._transcribed(_ON_GPU, engine, cancel)
            self._tokens = self._heard
            yield check
            used, right = [], True
            for _ in range(RUNS):
                check, stats = self._transcribed(Words("again"), engine, cancel)
                used.append(stats.memory.used)
                right &= check.outcome == "passed"
            figures = {"first_bytes": float(used[0]), "last_bytes": float(used[-1]), "runs": float(RUNS)}
            detail = Words(
                "{first} MB after the first, {last} MB after the last", first=_mb(used[0]), last=_mb(used[-1])
            )
            stays: Outcome = "passed" if right and used[-1] == used[0] else "failed"
            yield Check(_TEN_RUNS, stays, detail, figures)

    def _speed(self, ordinal: int, cancel: CancelToken) -> Iterator[Check]:
        """The GPU, the CPU, and whisper.cpp if it is there, in turns."""
        missing = why_not_compared(self.model)
        with ExitStack() as opened:
            runs: dict[str, Run] = {}
            for name, device in (("gpu", f"cuda:{ordinal}"), ("cpu", "cpu")):
                engine = Engine(self.model, self.vad, device, self.threads, gpu=self.gpu)
                runs[name] = partial(self._timed, opened.enter_context(closing(engine)), cancel)
            peer = None
            try:
                if missing is None:
                    threads = self.threads or physical_cores()
                    peer = opened.enter_context(WhisperCpp(self.model, threads, cancel))
                    runs["whisper.cpp"] = partial(self._timed_peer, peer)
                timings = in_turns(runs)
            except WhisperCppError as error:
                missing, peer = error.cause, None
                runs.pop("whisper.cpp", None)
                timings = in_turns(runs)
        yield beside_cpu(timings["gpu"], timings["cpu"])
        if peer is None:
            yield Check(BESIDE_WHISPER_CPP, "skipped", missing or Words("it was not measured"))
        else:
            yield beside_whisper_cpp(timings["gpu"], timings["whisper.cpp"], peer.version)

    def _timed(self, engine: Engine, cancel: CancelToken) -> tuple[float, bool]:
        check, stats = self._transcribed(Words("again"), engine, cancel)
        return stats.processing_s, check.outcome == "passed"

    def _timed_peer(self, peer: WhisperCpp) -> tuple[float, bool]:
        seconds, text = peer.transcribe(self.recording, _LANGUAGE)
        return seconds, _words(text) == _words(self.text)

    def _profile(self, ordinal: int, cancel: CancelToken) -> Iterator[Check]:
        """The time of each kernel: what a report is read for."""
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(Engine(self.model, self.vad, f"cuda:{ordinal}", None, Path(folder), self.gpu)) as engine,
        ):
            check, _ = self._transcribed(_IN_KERNELS, engine, cancel)
            n = Words("{n} tokens", n=len(self._heard))
            yield Check(_WITHOUT_GRAPHS, "passed" if self._heard == self._tokens else "failed", n)
            yield kernel_check(engine.kernel_times(), engine.memory(), check.outcome)

    def _open(self, ordinal: int) -> CudaDevice:
        return CudaDevice(import_cupy(), self.gpu.kernels(), ordinal)

    def _transcribed(self, what: Words, engine: Engine, cancel: CancelToken) -> tuple[Check, RunStats]:
        asked_for = engine.device.kind
        events = list(engine.transcribe(self.recording, TranscribeOptions(language=_LANGUAGE), cancel))
        text = "".join(event.text for event in events if isinstance(event, Segment)).strip()
        self._heard = [token for event in events if isinstance(event, Segment) for token in event.tokens]
        stats = events[-1]
        assert isinstance(stats, RunStats)
        right = _words(text) == _words(self.text) and engine.device.kind == asked_for
        detail = Words(
            "“{text}”, {seconds} s, {device}",
            text=text, seconds=f"{stats.processing_s:.2f}", device=engine.device.name,
        )  # fmt: skip
        figures = {"processing_s": stats.processing_s, "real_time_factor_ratio": stats.real_time_factor}
        return Check(what, "passed" if right else "failed", detail, figures), stats


def kernel_check(kernels: Sequence[KernelTime], memory: MemoryUsage, outcome: Outcome) -> Check:
    """How long each kernel took, and the memory then."""
    figures = {f"{kernel.name}_us": 1e6 * kernel.seconds for kernel in kernels}
    figures |= {f"{kernel.name}_launches": float(kernel.n_launches) for kernel in kernels}
    figures |= {f"{kernel.name}_bytes": float(kernel.n_bytes) for kernel in kernels}
    figures |= {"used_bytes": float(memory.used), "peak_bytes": float(memory.peak), "free_bytes": float(memory.free)}
    detail = Words(
        "{ms} ms in {n} kernels, most in {kernel}; {used} MB of memory",
        ms=f"{1e3 * sum(kernel.seconds for kernel in kernels):.1f}",
        n=len(kernels),
        kernel=kernels[0].name if kernels else "-",
        used=_mb(memory.peak),
    )
    return Check(_IN_KERNELS, outcome if kernels else "failed", detail, figures)


def _guarded(part: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """A device that fails altogether fails that part, and the next one has its chance."""
    try:
        yield from part()
    except DeviceError as error:
        yield Check(Words("The GPU works"), "failed", error.message)


def _all_skipped(reason: Words) -> Iterator[Check]:
    """Each by its name: what is not known of this machine."""
    for what in (ALL_KERNELS, _TOO_MUCH_MEMORY, _ON_GPU, _TEN_RUNS):
        yield Check(what, "skipped", reason)
    yield from skipped(reason)
    for what in (_WITHOUT_GRAPHS, _IN_KERNELS):
        yield Check(what, "skipped", reason)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f}"
