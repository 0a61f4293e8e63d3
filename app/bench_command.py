"""The command `bench`: how fast this machine is, in figures. The table goes to standard output."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from app.bench_report import as_json, kernel_lines, memory_lines, profile_lines, table_lines
from app.console import Console, unwritable
from app.engine.benchmark import (
    BenchmarkCancelled,
    BenchmarkJob,
    DeviceAbsent,
    DeviceBenchmark,
    RunMeasured,
    benchmark,
)
from app.engine.service import Failure
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, SIGPIPE, cancelling_on_signals, on_a_thread
from app.log import start_logging
from app.models.benchmark import save_benchmark
from gpu.cancel import CancelToken


def bench(job: BenchmarkJob, json_path: Path | None) -> int:
    """Measure, show the figures and keep them for `models list`; the exit code. All of them also go to `json_path`."""
    start_logging()
    cancel, console = CancelToken(), Console(quiet=False)
    with cancelling_on_signals(cancel) as received:
        try:
            exit_code = _bench(job, json_path, console, cancel)
        except BrokenPipeError:
            exit_code = EXIT_SIGNAL + SIGPIPE
    return EXIT_SIGNAL + received[0] if received else exit_code


def _bench(job: BenchmarkJob, json_path: Path | None, console: Console, cancel: CancelToken) -> int:
    measured: list[DeviceBenchmark] = []
    absent: list[DeviceAbsent] = []
    with closing(on_a_thread(benchmark(job, cancel))) as messages:
        try:
            for message in messages:
                match message:
                    case RunMeasured(device, i, n, run):
                        console.note(f"{device.upper()}, run {i} of {n}: {run.stats.processing_s:.2f} s")
                    case DeviceBenchmark():
                        measured.append(message)
                        save_benchmark(message.model, message.device, message.median.stats)
                    case DeviceAbsent():
                        absent.append(message)
                    case Failure(path, kind, cause, remedy):
                        name = f"--device {job.device}" if kind == "DeviceUnavailableError" else str(path)
                        console.error(name, cause, remedy)
                        return EXIT_FAILED
                    case BenchmarkCancelled():
                        return EXIT_FAILED
        finally:
            cancel.cancel()  # the thread must not go on alone
    for line in _report(job, measured, absent):
        console.text(line)
    return _write(json_path, as_json(job, measured, absent), console) if json_path else 0


def _report(job: BenchmarkJob, measured: list[DeviceBenchmark], absent: list[DeviceAbsent]) -> list[str]:
    lines = table_lines(job, measured)
    lines += [f"{one.device.upper()}: not measured. {one.cause}" for one in absent]
    for measurement in measured if job.profile else ():
        lines += ["", *memory_lines(measurement), *profile_lines(measurement), *kernel_lines(measurement)]
    return lines


def _write(path: Path, content: object, console: Console) -> int:
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as e:
        console.error(str(path), *unwritable(e))
        return EXIT_FAILED
    return 0
