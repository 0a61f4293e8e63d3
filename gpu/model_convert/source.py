"""A model to be converted, from any kind of file: what `gpu.model_file` reads, or tensors of numbers elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gpu.model_file import ModelDimensions, Tensor
from gpu.model_file.model import Weights
from gpu.model_file.quants import F16, F32, Bytes, Floats

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ArrayWeights:
    """Numbers as they lie in a mapped file.

    Attributes:
        shape: row-major.
        array: of `shape`, in any order of axes: float16, float32, float64, int8, int16, or bfloat16 as uint16.
        scale: what integers are divided by, one for each row (shape[0],) or for all of them (1,), float32.
    """

    shape: tuple[int, ...]
    array: Array
    scale: Floats | None = None

    def renamed(self, name: str, shape: tuple[int, ...]) -> Self:
        return replace(self, shape=shape, array=self.array.reshape(shape))

    def rows(self, first: int, last: int) -> Floats:
        rows = self.array[first:last]
        if rows.dtype == np.uint16:  # the upper half of a float32
            return (rows.astype(np.uint32) << np.uint32(16)).view(np.float32)
        with np.errstate(over="ignore"):  # float64: what does not fit is found by who writes it
            weights = rows.astype(np.float32)
        if self.scale is not None:
            scale = self.scale[first:last] if len(self.scale) > 1 else self.scale
            weights /= scale.reshape(-1, *[1] * (weights.ndim - 1))
        return weights

    def part(self, first: int, last: int) -> ArrayWeights:
        """Rows [first, last) as a tensor of their own."""
        scale = self.scale if self.scale is None or len(self.scale) == 1 else self.scale[first:last]
        return ArrayWeights((last - first, *self.shape[1:]), self.array[first:last], scale)


def stored_weights(name: str, dtype: str, shape: tuple[int, ...], raw: Bytes) -> Weights:
    """Numbers in row-major order: `raw` holds exactly those of `shape`. `dtype` is NumPy's ("<u2": bfloat16)."""
    if dtype in ("<f2", "<f4"):
        return Tensor(name, F16 if dtype == "<f2" else F32, shape, raw)
    return ArrayWeights(shape, raw.view(dtype).reshape(shape))


@dataclass(frozen=True, eq=False)
class SourceModel:
    """Everything a model file holds.

    Attributes:
        kind: what it was read from, in words.
        keeps_types: its tensors are stored in ggml's types already, so that an import need not choose one.
        tensors: by openai/whisper's names, checked for completeness and shape.
    """

    kind: str
    dims: ModelDimensions
    mel_filters: Floats
    vocabulary: list[bytes]
    tensors: Mapping[str, Weights]
    keeps_types: bool
