"""The commands `models import`, `models quantize` and `models verify`, done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from app.console import Console
from app.engine.model_jobs import (
    ConvertModel,
    ModelJobCancelled,
    ModelWritten,
    TensorChecked,
    check_model,
    convert_model,
)
from app.engine.service import Failure
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, EXIT_USAGE, SIGPIPE, cancelling_on_signals, on_a_thread
from app.log import start_logging
from gpu.cancel import CancelToken
from gpu.types import ConvertProgress, TensorReport

_COLUMNS = "{:<42} {:<5} {:>17} {:>10} {:>10} {:>10} {:>10} {:>5}"


def convert(source: Path, output: Path, type_name: str | None, *, quiet: bool) -> int:
    """Write `source` to `output`; the exit code. See `app.engine.model_jobs.ConvertModel`."""

    def work(cancel: CancelToken, console: Console) -> int:
        console.begin_progress(output.name, "MB")
        shown: ConvertProgress | None = None
        with closing(on_a_thread(convert_model(ConvertModel(source, output, type_name), cancel))) as messages:
            try:
                for message in messages:
                    match message:
                        case ConvertProgress():
                            shown = message
                            console.progress(message.n_done / 1e6, message.n_bytes / 1e6)
                        case ModelWritten() if shown is not None:
                            console.end_progress()
                            was = f"{shown.source} {shown.size}"
                            size = f"{message.n_bytes / 1e6:.0f} MB"
                            console.note(f"{source} ({was}): wrote {output} ({shown.type}, {size})")
                        case Failure():
                            return _failed(console, message)
            finally:
                cancel.cancel()  # the thread must not go on alone
        return 0

    return _run(work, quiet=quiet)


def verify(path: Path, *, quiet: bool) -> int:
    """Print what the model file holds and how it is read; the exit code."""

    def work(cancel: CancelToken, console: Console) -> int:
        console.begin_progress(path.name, "tensors")
        table = _Table(console, path)
        with closing(on_a_thread(check_model(path, cancel))) as messages:
            try:
                for n_done, message in enumerate(messages, 1):
                    match message:
                        case TensorChecked():
                            table.add(message.report, is_good=message.is_good)
                            console.progress(n_done, message.report.n_tensors)
                        case Failure():
                            return _failed(console, message)
                        case ModelJobCancelled():
                            return EXIT_FAILED
            except BrokenPipeError:
                return EXIT_SIGNAL + SIGPIPE
            finally:
                cancel.cancel()
                console.end_progress()
        return table.conclude()

    return _run(work, quiet=quiet)


def _run(work: Callable[[CancelToken, Console], int], *, quiet: bool) -> int:
    start_logging()
    cancel = CancelToken()
    console = Console(quiet=quiet)
    with cancelling_on_signals(cancel) as received:
        try:
            exit_code = work(cancel, console)
        finally:
            console.end_progress()
    return EXIT_SIGNAL + received[0] if received else exit_code


def _failed(console: Console, failure: Failure) -> int:
    console.end_progress()
    console.error(str(failure.path), failure.message, failure.remedy)
    return EXIT_USAGE if failure.kind == "OptionsError" else EXIT_FAILED


class _Table:
    """The tensors, one a line, and what they come to."""

    def __init__(self, console: Console, path: Path) -> None:
        self._console = console
        self._path = path
        self._reports: list[TensorReport] = []
        self._bad: list[str] = []

    def add(self, report: TensorReport, *, is_good: bool) -> None:
        if not self._reports:
            header = _COLUMNS.format("tensor", "type", "shape", "min", "max", "mean", "std", "NaN")
            self._console.text(f"{header} {'Inf':>5} error")
        self._reports.append(report)
        if not is_good:
            self._bad.append(report.name)
        numbers = (f"{n:.4g}" for n in (report.min, report.max, report.mean, report.std))
        shape = " x ".join(map(str, report.shape))
        line = _COLUMNS.format(report.name, report.type, shape, *numbers, report.n_nan)
        errors = ", ".join(f"{backend} {error:.1e}" for backend, error in report.errors.items()) or "-"
        self._console.text(f"{line} {report.n_inf:>5} {errors}" + ("" if is_good else "  <- bad"))

    def conclude(self) -> int:
        """The last line; the exit code."""
        worst: dict[str, float] = {}
        for report in self._reports:
            for backend, error in report.errors.items():
                worst[backend] = max(error, worst.get(backend, 0.0))
        n_weights = sum(report.n_nan + report.n_inf for report in self._reports)
        errors = ", ".join(f"{backend} {error:.1e}" for backend, error in worst.items()) or "none to compare"
        self._console.text(
            f"{len(self._reports)} tensors, {n_weights} weights that are no numbers, largest error: {errors}"
        )
        if self._bad:
            named = ", ".join(self._bad[:3]) + (f" and {len(self._bad) - 3} more" if len(self._bad) > 3 else "")
            self._console.error(str(self._path), f"{named} cannot be relied on", "Get the model again, or another one.")
        return EXIT_FAILED if self._bad else 0
