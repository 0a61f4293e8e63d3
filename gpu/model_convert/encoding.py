"""Weights into ggml's types, a few rows at a time. The quantizers are the `gguf` package's, bit-equal to ggml's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from gguf import GGMLQuantizationType, quants
from numpy.typing import NDArray

from gpu.errors import ConversionError, OptionsError
from gpu.model_file.byte_reader import damaged
from gpu.model_file.model import Tensor, Weights
from gpu.model_file.quants import F16, F32, FORMATS, BlockFormat, Bytes, Floats
from gpu.types import Words

WRITABLE = ("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")

_WEIGHTS_AT_ONCE = 1 << 20


def writable_type(name: str) -> type[BlockFormat]:
    """The type that whisper.cpp calls `name` ("q5_1"), in any case.

    Raises:
        OptionsError: unknown, or one that is only read.
    """
    upper = name.upper()
    kind = next((kind for kind in FORMATS.values() if kind.name.upper() == upper), None)
    if kind is None or kind.name not in WRITABLE:
        raise OptionsError(
            Words("There is no type {name}.", name=name)
            if kind is None
            else Words("Models of type {name} are read, not written.", name=kind.name),
            remedy=Words("Choose one of {types}.", types=", ".join(w.lower() for w in WRITABLE)),
        )
    return kind


def encoded_size(name: str, shape: tuple[int, ...], kind: type[BlockFormat]) -> int:
    """Bytes of a tensor in type `kind`. ConversionError: its rows do not divide into blocks."""
    if shape[-1] % kind.block_size:
        raise ConversionError(
            Words(
                "Tensor {name} has rows of {n} weights, which do not divide into blocks of {block} ({type}).",
                name=name,
                n=shape[-1],
                block=kind.block_size,
                type=kind.name,
            ),
            remedy=Words("Choose another type for this model, such as q8_0."),
        )
    return int(np.prod(shape, dtype=np.int64)) // kind.block_size * kind.type_size


def encoded(name: str, weights: Weights, kind: type[BlockFormat]) -> Iterator[Bytes]:
    """The bytes of a tensor in type `kind`, in pieces, each (n,) uint8. What is stored so already is not touched.

    Raises:
        ConversionError: weights beyond what F16 holds.
        DamagedModelError: weights that are no numbers.
    """
    n_rows = weights.shape[0]
    step = max(1, _WEIGHTS_AT_ONCE // int(np.prod(weights.shape[1:], dtype=np.int64)))
    for first in range(0, n_rows, step):
        last = min(first + step, n_rows)
        if isinstance(weights, Tensor) and weights.type is kind:
            yield weights.part(first, last).raw
        else:
            yield _encode(name, weights.rows(first, last), kind)


def _encode(name: str, rows: Floats, kind: type[BlockFormat]) -> Bytes:
    if not np.isfinite(rows).all():
        raise damaged(Words("tensor {name} holds weights that are not finite numbers", name=name))
    if kind is F32:
        return rows.astype("<f4", copy=False).reshape(-1).view(np.uint8)
    if kind is F16:
        return _halves(name, rows).view(np.uint8)
    return quants.quantize(rows, GGMLQuantizationType[kind.name]).reshape(-1)


def _halves(name: str, rows: Floats) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        halves = rows.astype("<f2").reshape(-1)
    if not np.isfinite(halves).all():
        raise ConversionError(
            Words(
                "Tensor {name} holds weights of up to {largest}, beyond what F16 holds (65504).",
                name=name,
                largest=f"{np.abs(rows).max():.3g}",
            ),
            remedy=Words("Write it as f32, with the command models quantize."),
        )
    return halves
