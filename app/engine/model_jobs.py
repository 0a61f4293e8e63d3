"""Work on model files, as the program sees it: a job in, messages out; the errors are messages too.

Knows no Qt and no threads; needs no engine. Modules of `gpu` are imported where they are used, as in `service`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.engine.service import Failure, failure_of
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, ConversionError, OptionsError, OutputFileError
from gpu.types import ConvertProgress, TensorReport

# Types of weights that can be written, as whisper.cpp names them.
WEIGHT_TYPES = ("f32", "f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0")


@dataclass(frozen=True)
class ConvertModel:
    """A job: write the model `source`, a file or a folder, to `output`.

    Attributes:
        type_name: one of `WEIGHT_TYPES`; None keeps what the source has, or is F16.
    """

    source: Path
    output: Path
    type_name: str | None


@dataclass(frozen=True)
class ModelWritten:
    """The end of a conversion: the file is there, complete."""

    output: Path
    n_bytes: int


@dataclass(frozen=True)
class TensorChecked:
    """`is_good`: finite, and within tolerance on every backend."""

    report: TensorReport
    is_good: bool


@dataclass(frozen=True)
class ModelJobCancelled:
    """Stopped on request; nothing is left behind."""


ConvertMessage = ConvertProgress | ModelWritten | ModelJobCancelled | Failure
CheckMessage = TensorChecked | ModelJobCancelled | Failure


def convert_model(job: ConvertModel, cancel: CancelToken) -> Iterator[ConvertMessage]:
    """Do it: `ConvertProgress`, and one of `ModelWritten`, `ModelJobCancelled`, `Failure`."""
    try:
        from gpu.model_convert.convert import convert

        yield from convert(job.source, job.output, job.type_name, cancel)
        yield ModelWritten(job.output, job.output.stat().st_size)
    except Cancelled:
        yield ModelJobCancelled()
    except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
        is_output = isinstance(e, OutputFileError | ConversionError | OptionsError)
        yield failure_of(job.output if is_output else job.source, e)


def check_model(path: Path, cancel: CancelToken) -> Iterator[CheckMessage]:
    """Check a model file: `TensorChecked` for each tensor, or at the end `ModelJobCancelled` or `Failure`."""
    try:
        from gpu.model_check import check_model, is_good

        for report in check_model(path, cancel):
            yield TensorChecked(report, is_good(report))
    except Cancelled:
        yield ModelJobCancelled()
    except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
        yield failure_of(path, e)
