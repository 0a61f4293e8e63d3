"""How fast the last run was here, of `bench` or any transcription: what the speed of other models is scaled from."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from app.paths import benchmark_file
from gpu.types import DeviceInfo, ModelInfo, RunStats

_log = logging.getLogger(__name__)

_SHORTEST_S = 10.0  # of audio; in less, the first window's set-up weighs too much


@dataclass(frozen=True)
class Benchmark:
    """One run.

    Attributes:
        size, quantization: of the model, as the engine names them ("base", "Q5_1").
        device: "cpu" or "cuda"; device_name: the processor's or GPU's.
        audio_s, processing_s: seconds; n_windows, n_tokens: what was decoded in them.
        measured_at: seconds since 1970.
    """

    size: str
    quantization: str
    device: str
    device_name: str
    audio_s: float
    processing_s: float
    n_windows: int
    n_tokens: int
    measured_at: float

    @property
    def real_time_factor(self) -> float:
        """Processing seconds a second of audio."""
        return self.processing_s / self.audio_s


def save_benchmark(model: ModelInfo, device: DeviceInfo, stats: RunStats, path: Path | None = None) -> None:
    """Keep a finished run, if it is long enough to say something. What cannot be kept is noted in the log."""
    if stats.audio_s < _SHORTEST_S or not stats.n_windows:
        return
    path = path or benchmark_file()
    benchmark = Benchmark(
        size=model.size,
        quantization=model.quantization,
        device=device.kind,
        device_name=device.name,
        audio_s=stats.audio_s,
        processing_s=stats.processing_s,
        n_windows=stats.n_windows,
        n_tokens=stats.n_tokens,
        measured_at=time.time(),
    )
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(benchmark), indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as e:
        _log.warning("the speed of this run is not kept: %s", e)


def last_benchmark(path: Path | None = None) -> Benchmark | None:
    """The last run, or None where none was measured yet (or what is there cannot be understood)."""
    try:
        benchmark = Benchmark(**json.loads((path or benchmark_file()).read_text(encoding="utf-8")))
        return benchmark if benchmark.audio_s > 0 and benchmark.processing_s > 0 else None
    except (OSError, ValueError, TypeError):
        return None
