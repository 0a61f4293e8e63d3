"""How fast a GPU is beside the CPU and beside whisper.cpp: the same recording, the same model, one after the other in
turns, so that what else the machine does meets all of them. Part of the self-test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from gpu.types import Check, Outcome, Words

ROUNDS = 5  # after one that counts for nothing
HOPED_RATIO = 2.4  # of the CPU's time by the GPU's: the WhisperDesktop this program succeeds was so much faster
BESIDE_CPU = Words("Speed beside the CPU")
BESIDE_WHISPER_CPP = Words("Speed beside whisper.cpp")

# Transcribes once: seconds, and whether the text is right.
Run = Callable[[], tuple[float, bool]]


@dataclass(frozen=True)
class Timing:
    """Of one engine.

    Attributes:
        seconds: of each round.
        is_right: every text was.
    """

    seconds: tuple[float, ...]
    is_right: bool

    @property
    def median(self) -> float:
        return median(self.seconds)

    def figures(self, name: str) -> dict[str, float]:
        return {f"{name}_s": self.median, f"{name}_min_s": min(self.seconds), f"{name}_max_s": max(self.seconds)}


def in_turns(runs: Mapping[str, Run]) -> dict[str, Timing]:
    """Each engine by its name, in every round once."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    right = dict.fromkeys(runs, True)
    for round_ in range(ROUNDS + 1):
        for name, run in runs.items():
            took, is_right = run()
            right[name] &= is_right
            if round_ > 0:
                seconds[name].append(took)
    return {name: Timing(tuple(seconds[name]), right[name]) for name in runs}


def beside_cpu(gpu: Timing, cpu: Timing) -> Check:
    """A GPU that is slower than the CPU, or does not say the right thing, fails."""
    ratio = cpu.median / gpu.median
    times, gpu_s, cpu_s = _times(ratio), _seconds(gpu), _seconds(cpu)
    if ratio >= HOPED_RATIO:
        detail = Words(
            "{ratio} times as fast: {gpu} s, the CPU {cpu} s (at least {hoped} hoped for)",
            ratio=times, gpu=gpu_s, cpu=cpu_s, hoped=HOPED_RATIO,
        )  # fmt: skip
    else:
        detail = Words(
            "only {ratio} times as fast: {gpu} s, the CPU {cpu} s ({hoped} hoped for)",
            ratio=times, gpu=gpu_s, cpu=cpu_s, hoped=HOPED_RATIO,
        )  # fmt: skip
    figures = gpu.figures("gpu") | cpu.figures("cpu") | {"cpu_over_gpu_ratio": ratio, "hoped_ratio": HOPED_RATIO}
    outcome: Outcome = "passed" if ratio > 1 and gpu.is_right and cpu.is_right else "failed"
    return Check(BESIDE_CPU, outcome, detail, figures | {"rounds": float(len(gpu.seconds))})


def beside_whisper_cpp(gpu: Timing, peer: Timing, version: str) -> Check:
    """Measured is passed: which is faster says nothing about whether this machine computes what it should."""
    ratio = peer.median / gpu.median
    detail = Words(
        "{ratio} times as fast: {gpu} s, there {peer} s ({version})",
        gpu=_seconds(gpu), peer=_seconds(peer), version=version, ratio=_times(ratio),
    )  # fmt: skip
    figures = gpu.figures("gpu") | peer.figures("whisper_cpp") | {"whisper_cpp_over_gpu_ratio": ratio}
    outcome: Outcome = "passed" if gpu.is_right else "failed"
    return Check(BESIDE_WHISPER_CPP, outcome, detail, figures | {"whisper_cpp_text_is_right": float(peer.is_right)})


def skipped(reason: Words) -> Iterator[Check]:
    """Neither was measured."""
    for what in (BESIDE_CPU, BESIDE_WHISPER_CPP):
        yield Check(what, "skipped", reason)


def _seconds(timing: Timing) -> str:
    return f"{timing.median:.2f}" if timing.median >= 1 else f"{timing.median:.3f}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
