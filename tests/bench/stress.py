"""What becomes of our speed when another program wants the processor, and of time and memory when a recording is hours
long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import report
from tests.bench.long_recording import repeat
from tests.bench.runs import Runs, run_ours
from tests.support.corpus import Clip

LEAST_THROUGHPUT = 0.5  # of what it is alone
MOST_GROWTH = 1.1  # of time an hour, and of memory, from a third of the length to the whole
LOAD_METHOD = """## Beside another program

`python -m tests.bench.long --load --runs {n_runs}`. The shipped command on the recording above, alone and while another
process keeps one core busy, alternating; medians of {n_runs}."""
GROWTH_METHOD = """## Hours

`python -m tests.bench.long --hours {hours:g}`. The recording above again and again; the shipped command,
one run each."""


@contextmanager
def one_core_busy() -> Iterator[None]:
    """Another process computes without end while the block runs."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


@dataclass(frozen=True)
class Load:
    alone: Runs
    beside: Runs

    @property
    def throughput(self) -> float:
        """Beside the other program, as a share of what it is alone."""
        return median(self.alone.processing_s) / median(self.beside.processing_s)

    @property
    def missed(self) -> list[str]:
        if self.throughput >= LEAST_THROUGHPUT:
            return []
        return [f"throughput falls to {self.throughput:.2f}, at least {LEAST_THROUGHPUT} wanted"]


def measure_load(clip: Clip, n_runs: int) -> Load:
    load = Load(Runs(), Runs())
    for i in range(n_runs):
        run_ours(clip, load.alone)
        with one_core_busy():
            run_ours(clip, load.beside)
        latest = f"{load.alone.processing_s[-1]:.2f} s alone, {load.beside.processing_s[-1]:.2f} s beside another"
        print(f"{i + 1}/{n_runs}: {latest}", file=sys.stderr)
    return load


def load_section(load: Load) -> str:
    rows = [
        [name, f"{median(runs.processing_s):.2f}", f"{min(runs.processing_s):.2f}-{max(runs.processing_s):.2f}", share]
        for name, runs, share in (
            ("alone", load.alone, "1"),
            ("one core busy", load.beside, f"{load.throughput:.2f}"),
        )
    ]
    table = report.table(["", "s (median)", "range", "throughput"], rows)
    method = LOAD_METHOD.format(n_runs=len(load.alone.processing_s))
    return "\n\n".join([method, table, report.missed(load.missed), report.facts(report.machine())])


Growth = list[tuple[Clip, Runs]]


def measure_growth(clip: Clip, hours: float, folder: Path) -> Growth:
    """Once, a third of `hours` and `hours`."""
    growth = []
    for seconds in (clip.seconds, hours * 1200, hours * 3600):
        longer = repeat(clip, seconds, folder / f"{seconds:.0f}.wav")
        runs = Runs()
        run_ours(longer, runs)
        growth.append((longer, runs))
        print(f"{longer.name}: {runs.processing_s[0]:.1f} s, {runs.peak_memory_bytes / 1e6:.0f} MB", file=sys.stderr)
        longer.path.unlink()
    return growth


def missed_growth(growth: Growth) -> list[str]:
    (shorter, short), (longer, long) = growth[-2:]
    time = long.processing_s[0] / longer.seconds / (short.processing_s[0] / shorter.seconds)
    memory = long.peak_memory_bytes / short.peak_memory_bytes
    return [
        f"{name} grows to {ratio:.2f} of what it is for a third of the length, at most {MOST_GROWTH} wanted"
        for name, ratio in (("time an hour", time), ("memory", memory))
        if ratio > MOST_GROWTH
    ]


def growth_section(growth: Growth, hours: float) -> str:
    rows = [
        [
            clip.name,
            f"{runs.processing_s[0]:.1f}",
            f"{runs.processing_s[0] / clip.seconds:.4f}",
            f"{runs.peak_memory_bytes / 10**6:.0f}",
            f"{len(runs.texts[0].split()) / len(clip.reference.split()):.1%}",
        ]
        for clip, runs in growth
    ]
    table = report.table(["recording", "s", "real-time factor", "peak MB", "words, of those spoken"], rows)
    method = GROWTH_METHOD.format(hours=hours)
    return "\n\n".join([method, table, report.missed(missed_growth(growth)), report.facts(report.machine())])
