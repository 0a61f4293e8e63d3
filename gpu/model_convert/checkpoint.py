"""PyTorch checkpoints: OpenAI's `.pt` and Hugging Face's `pytorch_model.bin`, read without PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu.errors import UnknownModelFormatError
from gpu.model_convert.pickle_reader import StoredTensor, read_pickle
from gpu.model_convert.source import ArrayWeights, stored_weights
from gpu.model_convert.zip_reader import read_zip
from gpu.model_file.byte_reader import damaged, shown
from gpu.model_file.model import Weights
from gpu.model_file.quants import Bytes
from gpu.types import Words

_MAX_PICKLE = 1 << 21  # bytes; large's has 200 kB


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """`dims` as OpenAI's files state them, empty in others; tensors by the names they have in the file."""

    dims: dict[str, Any]
    tensors: dict[str, Weights]


def read_checkpoint(data: Bytes) -> Checkpoint:
    """Take a whole file apart, (n,) uint8. Tensors are views of `data`.

    Raises:
        UnknownModelFormatError: another kind of zip archive.
        UnsafeModelError: it names code to be run.
        DamagedModelError: cut short, or contradicts itself.
    """
    files = read_zip(data)
    pickle = files.get("data.pkl")
    if pickle is None:
        raise UnknownModelFormatError(
            Words("The file is a zip archive, not a PyTorch checkpoint: it holds no data.pkl."),
            remedy=Words("Unpack the archive and choose the model in it."),
        )
    if pickle.size > _MAX_PICKLE:
        raise damaged(Words("data.pkl has {n} bytes, expected at most {most}", n=pickle.size, most=_MAX_PICKLE))
    byte_order = files.get("byteorder")  # since PyTorch 2.1
    if byte_order is not None and byte_order[:6].tobytes() != b"little":
        raise damaged(Words("its numbers are in big-endian order"))
    content = read_pickle(pickle.tobytes())
    state: Any = content
    dims: Any = {}
    if isinstance(content, dict) and "model_state_dict" in content:
        state, dims = content["model_state_dict"], content.get("dims")
    if not isinstance(state, dict) or not isinstance(dims, dict):
        raise damaged(Words("data.pkl holds no state dict"))
    tensors = {
        name: _weights(name, tensor, files)
        for name, tensor in state.items()
        if isinstance(name, str) and isinstance(tensor, StoredTensor)
    }
    return Checkpoint(dims, tensors)


def _weights(name: str, tensor: StoredTensor, files: dict[str, Bytes]) -> Weights:
    shape, strides = tensor.shape, tensor.strides
    raw = files.get(f"data/{tensor.storage.key}")
    dtype = np.dtype(tensor.storage.dtype)
    if raw is None:
        raise damaged(
            Words(
                "tensor {name} is in the archive's file {file}, which is not there",
                name=shown(name),
                file=shown(tensor.storage.key),
            )
        )
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise damaged(Words("tensor {name} has shape {shape}", name=shown(name), shape=shown(str(shape))))
    n = math.prod(shape)
    span = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    begin, end = tensor.offset * dtype.itemsize, (tensor.offset + span) * dtype.itemsize
    if span != n or end > raw.size:
        raise damaged(
            Words(
                "tensor {name} of shape {shape} takes the numbers {first} to {last} of {n}",
                name=shown(name),
                shape=shape,
                first=tensor.offset,
                last=tensor.offset + span,
                n=raw.size // dtype.itemsize,
            )
        )
    numbers = raw[begin:end]
    contiguous = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    if strides == contiguous:
        return stored_weights(name, tensor.storage.dtype, shape, numbers)
    in_bytes = tuple(stride * dtype.itemsize for stride in strides)
    return ArrayWeights(shape, np.lib.stride_tricks.as_strided(numbers.view(dtype), shape, in_bytes, writeable=False))
