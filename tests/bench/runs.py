"""One transcription after the other, each in a process of its own: ours and the peers', and what they took."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from tests.bench import peers
from tests.bench.metrics import Errors, count_errors
from tests.support.corpus import ROOT, Clip

OURS = "WhisperDesktop NG"
BUSY_PERCENT = 10
LANGUAGE = "en"
JFK = Clip(
    path=ROOT / "resources" / "samples" / "jfk.wav",
    name="jfk.wav",
    language=LANGUAGE,
    seconds=11.0,
    reference="And so, my fellow Americans, ask not what your country can do for you, "
    "ask what you can do for your country.",
)


@dataclass
class Runs:
    """All runs of one engine on one recording. `printed`: by ours, on standard output."""

    processing_s: list[float] = field(default_factory=list)
    process_s: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    peak_memory_bytes: int = 0
    printed: list[str] = field(default_factory=list)

    def add(self, processing_s: float, text: str, peak_memory_bytes: int | None) -> None:
        self.processing_s.append(processing_s)
        self.texts.append(text)
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes or 0)

    def worst_errors(self, reference: str) -> Errors:
        """Of the run with the most."""
        errors = (count_errors(reference, text, LANGUAGE) for text in sorted(set(self.texts)))
        return max(errors, key=lambda e: e.count)

    def worst_wer(self, reference: str) -> float:
        return self.worst_errors(reference).percent


# By recording and engine.
Results = dict[str, dict[str, Runs]]


def run_ours(clip: Clip, runs: Runs, options: Sequence[str | Path] = ()) -> None:
    """The shipped command, as the user types it, plus the file that tells its statistics. `options`: more options."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.jsonl"
        command = [sys.executable, "-m", "app", "transcribe", str(clip.path), "--language", LANGUAGE]
        command += ["--threads", str(peers.N_THREADS), "--stats-json", str(stats), *map(str, options)]
        started = time.perf_counter()
        result = subprocess.run(command, cwd=ROOT, env=peers.environment(), capture_output=True, encoding="utf-8")
        if result.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{result.stderr}")
        runs.process_s.append(time.perf_counter() - started)
        runs.printed.append(result.stdout)
        told = json.loads(stats.read_text(encoding="utf-8"))
    runs.add(told["processing_s"], told["text"], told["peak_memory_bytes"])


def run_peer(environment: peers.Peers, name: str, clip: Clip, runs: Runs, model: Path | None = None) -> str:
    """A new process, as for ours. `model`: not the shipped weights. Returns the peer's version."""
    started = time.perf_counter()
    with environment.start(name, model) as peer:
        run = peer.transcribe(clip.path, LANGUAGE)
    runs.process_s.append(time.perf_counter() - started)
    runs.add(run.processing_s, run.text, run.peak_memory_bytes)
    return peer.version


def other_load() -> float:
    """Percent of the processor that others use while no engine runs."""
    busy = psutil.cpu_percent(interval=0.5)
    if busy > BUSY_PERCENT:
        print(f"warning: {busy:.0f} % of the processor is busy with something else", file=sys.stderr)
    return busy


def speedup(runs: dict[str, Runs], peer: str) -> float:
    """Median processing time of the peer over ours."""
    return median(runs[peer].processing_s) / median(runs[OURS].processing_s)


def plain(results: Results) -> dict[str, Any]:
    """Everything measured, for JSON."""
    return {clip: {name: asdict(runs) for name, runs in engines.items()} for clip, engines in results.items()}
