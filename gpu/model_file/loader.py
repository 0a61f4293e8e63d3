"""Opening a model file: find out what it is, map it, and have it taken apart."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path

import numpy as np

from gpu.errors import ModelNotFoundError, UnknownModelFormatError
from gpu.model_file import ggml
from gpu.model_file.model import ModelFile, close_mapping


def open_model(path: Path) -> ModelFile:
    """Map a Whisper model file, ggml or GGUF, and check all of it but the weights themselves.

    The container is told by the file's first bytes, never by its name. Nothing is allocated on the word of the
    file: its claims are compared with its size first. While a file is open, it must not be made shorter (Linux kills
    a process that touches a mapped page that is gone).

    Raises:
        ModelNotFoundError: no such file, a directory, or not readable.
        UnknownModelFormatError: another kind of file.
        DamagedModelError: cut short, or contradicts itself.
        QuantizationVersionError: quantized with block layouts of another time.
        UnknownTensorTypeError: a tensor of a type that is not supported.
        ModelArchitectureError: not Whisper: other dimensions, missing or additional tensors.
    """
    mapping = _map(path)
    try:
        data = np.frombuffer(mapping, np.uint8)
        if data[:4].tobytes() != ggml.MAGIC:
            raise UnknownModelFormatError("not a model", remedy="Choose another.")
        return ModelFile(path, "ggml", ggml.read_ggml(data), mapping)
    except BaseException:
        close_mapping(mapping)
        raise


def _map(path: Path) -> mmap.mmap:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise ModelNotFoundError(f"{path} is {kind}", remedy="Choose a model file.")
        if status.st_size == 0:
            raise UnknownModelFormatError("the file is empty", remedy="Download it again.")
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as e:
        raise ModelNotFoundError(f"cannot read {path}: {e.strerror}", remedy="Check the path.") from e
