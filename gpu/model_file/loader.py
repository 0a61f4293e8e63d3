"""Opening a model file: map it, tell its container, and have it taken apart."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path

import numpy as np

from gpu.errors import ModelNotFoundError, UnknownModelFormatError, no_file, reason
from gpu.model_file.dialects import interpret
from gpu.model_file.formats import container_of
from gpu.model_file.ggml import read_ggml
from gpu.model_file.gguf import read_gguf
from gpu.model_file.model import ModelFile
from gpu.model_file.quants import Bytes
from gpu.types import Words


def open_model(path: Path) -> ModelFile:
    """Map a Whisper model file, ggml or GGUF, and check everything but the weights' values.

    The container is told by the file's first bytes, never by its name. Nothing is allocated on the word of the
    file: what it claims is compared with its size first. While it is open the file must not be made shorter (Linux
    kills a process that touches a mapped page that is gone).

    Raises:
        ModelNotFoundError: no such file, a directory, or not readable.
        UnknownModelFormatError: another kind of file.
        DamagedModelError: cut short, or contradicts itself.
        QuantizationVersionError: quantized with the block layouts of another time.
        UnknownTensorTypeError: a tensor of a type that is not supported.
        ModelArchitectureError: not Whisper: other dimensions, missing or additional tensors.
    """
    data = map_file(path)
    container = container_of(data)
    contents = read_ggml(data) if container == "ggml" else interpret(read_gguf(data), path.parent)
    return ModelFile(path, container, contents, data.size)


def map_file(path: Path) -> Bytes:
    """The bytes of a model file, (n,) uint8, read-only, mapped until the last view of them is gone.

    Raises:
        ModelNotFoundError: no such file, a directory, or not readable.
        UnknownModelFormatError: an empty file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
            raise ModelNotFoundError(no_file(path, status.st_mode), remedy=Words("Choose a model file."))
        if status.st_size == 0:
            raise UnknownModelFormatError(
                Words("{name} is empty (0 bytes).", name=path.name), remedy=Words("Download or copy the model again.")
            )
        with path.open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except (OSError, ValueError) as e:  # ValueError: a null character in the path, or emptied in the meantime
        why = reason(e) if isinstance(e, OSError) else str(e)
        raise ModelNotFoundError(
            Words("{path} cannot be read: {reason}.", path=path, reason=why),
            remedy=Words("Check that the file is there and that you may read it, or choose another model."),
        ) from e
