"""One model into another file: import, and quantization."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

from gpu.cancel import CancelToken
from gpu.errors import OptionsError, OutputFileError, reason
from gpu.model_convert.encoding import writable_type
from gpu.model_convert.open_source import open_source
from gpu.model_convert.plan import Plan, plan
from gpu.model_convert.writers import write_ggml, write_gguf
from gpu.types import ConvertProgress, Words

_WRITERS: dict[str, Callable[[Path, Plan], Generator[int]]] = {".bin": write_ggml, ".gguf": write_gguf}
_OTHER_NAME = Words("Choose another name or another folder.")
_OVERHEAD = 4 << 20  # bytes of a file that are no tensors: vocabulary, filters, names


def convert(source: Path, output: Path, type_name: str | None, cancel: CancelToken) -> Iterator[ConvertProgress]:
    """Write the model `source` to `output`, tensor by tensor; it appears there, complete, with the last step.

    Until then it is `output` with `.part` behind its name, which goes when the work fails, is cancelled or given up.

    Args:
        source: a file or a folder; see `open_source`.
        output: `.bin` for whisper.cpp's container, `.gguf` for GGUF. A file that exists is replaced.
        type_name: of the matrices, as whisper.cpp names it ("q5_1"). None keeps what the source has, or is F16 if its
            numbers are stored in none of ggml's types.

    Raises:
        ModelFileError: the source is no usable model.
        OptionsError: no such type, or one that is only read; no such kind of output.
        ConversionError: it cannot be written so.
        OutputFileError: the output cannot be written.
        Cancelled: the token was set.
    """
    write = _writer(output)
    kind = writable_type(type_name) if type_name is not None else None
    planned = plan(open_source(source), kind)
    _check_place(source, output, planned.n_bytes + _OVERHEAD)
    part = output.with_name(output.name + ".part")
    progress = (planned.source.kind, planned.source.dims.size_name, planned.main_type.name)
    n_done, n_bytes = 0, planned.n_bytes + _OVERHEAD
    try:
        with closing(write(part, planned)) as steps:
            for n_written in steps:
                cancel.check()
                n_done += n_written
                yield ConvertProgress(*progress, n_done, n_bytes)
        _flush(part)
        cancel.check()
        part.replace(output)
    except OSError as e:
        raise _cannot_write(output, e) from e
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    yield ConvertProgress(*progress, n_bytes, n_bytes)


def _writer(output: Path) -> Callable[[Path, Plan], Generator[int]]:
    suffix = output.suffix.lower()
    if suffix not in _WRITERS:
        raise OptionsError(
            Words("The name {name} does not tell which kind of file to write.", name=output.name),
            remedy=Words("Choose a name that ends in .bin (whisper.cpp) or .gguf."),
        )
    return _WRITERS[suffix]


def _check_place(source: Path, output: Path, n_bytes: int) -> None:
    """Raise `OutputFileError` where there is no folder, no space, or the source itself."""
    try:
        if output.is_dir():
            raise OutputFileError(Words("{path} is a folder.", path=output), remedy=_OTHER_NAME)
        if output.exists() and any(output.samefile(file) for file in _files_of(source)):
            raise OutputFileError(Words("{path} belongs to the model that is read.", path=output), remedy=_OTHER_NAME)
        free = shutil.disk_usage(output.parent).free
    except OSError as e:
        raise _cannot_write(output, e) from e
    if free < n_bytes:
        raise OutputFileError(
            Words(
                "{path} needs {needed} MB, and {free} MB are free there.",
                path=output,
                needed=f"{n_bytes / 1e6:.0f}",
                free=f"{free / 1e6:.0f}",
            ),
            remedy=Words("Choose another folder, or make room on the disk."),
        )


def _files_of(source: Path) -> Iterator[Path]:
    """What must not be overwritten: the source, all of a folder's files, and those an index stands for."""
    folder = source.parent if source.name.endswith(".index.json") else source
    yield from folder.iterdir() if folder.is_dir() else [source]


def _cannot_write(output: Path, error: OSError) -> OutputFileError:
    return OutputFileError(
        Words("{path} cannot be written: {reason}.", path=output, reason=reason(error)), remedy=_OTHER_NAME
    )


def _flush(path: Path) -> None:
    """Have the file on the disk before it takes the name of what it replaces."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
