"""ggml blocks as the operands of ONNX Runtime's `MatMulNBits`, without loss.

`MatMulNBits` computes x @ (scale * (q - z)).T with 4- or 8-bit q and an implied z of 8 or 128, which is the fastest
of its forms. A format whose own zero point differs keeps its integers shifted to it; one with minima keeps them
aside, to be multiplied with the sums of the inputs of each block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.model_file import Tensor
from gpu.model_file.quants import BlockFormat, QuantizedFormat

# Formats whose integers fit in four bits around 8; the others are stored in eight around 128.
FOUR_BITS = ("Q4_0", "Q4_1", "Q4_K", "Q2_K")
SMALL_BLOCKS = ("Q2_K", "Q3_K", "Q6_K")
WITH_MINIMUM = ("Q4_1", "Q5_1", "Q2_K", "Q4_K", "Q5_K")


@dataclass(frozen=True)
class Layout:
    """How `MatMulNBits` stores one ggml type."""

    bits: int
    block_size: int
    has_minimum: bool


@dataclass(frozen=True, eq=False)
class MatMulNBitsWeights:
    """One weight matrix (n, k).

    Attributes:
        q: (n, k / block, block * bits / 8) uint8; with 4 bits the even element is the low nibble.
        scale: (n, k / block) float32.
        minimum: (n, k / block) float32, or None.
    """

    q: NDArray[np.uint8]
    scale: NDArray[np.float32]
    minimum: NDArray[np.float32] | None

    @staticmethod
    def layout(kind: type[BlockFormat]) -> Layout:
        return Layout(
            bits=4 if kind.name in FOUR_BITS else 8,
            block_size=16 if kind.name in SMALL_BLOCKS else 32,
            has_minimum=kind.name in WITH_MINIMUM,
        )

    def arrays(self, name: str) -> dict[str, NDArray[np.uint8] | NDArray[np.float32]]:
        named: dict[str, NDArray[np.uint8] | NDArray[np.float32]] = {f"{name}.q": self.q, f"{name}.scale": self.scale}
        if self.minimum is not None:
            named[f"{name}.minimum"] = self.minimum
        return named


def quantized(kind: type[BlockFormat]) -> type[QuantizedFormat]:
    """`kind`, known to be a format of integers with scales."""
    if not issubclass(kind, QuantizedFormat):
        raise TypeError(f"{kind.name} has no blocks to repack")
    return kind


def repack(weights: Sequence[Tensor]) -> MatMulNBitsWeights:
    """Stack matrices of one quantized type on top of each other and repack them for `MatMulNBits`."""
    parts = [_repack_one(w) for w in weights]
    if len(parts) == 1:
        return parts[0]
    minima = [p.minimum for p in parts if p.minimum is not None]
    return MatMulNBitsWeights(
        np.concatenate([p.q for p in parts]),
        np.concatenate([p.scale for p in parts]),
        np.concatenate(minima) if minima else None,
    )


def _repack_one(weight: Tensor) -> MatMulNBitsWeights:
    n = weight.shape[0]
    layout = MatMulNBitsWeights.layout(weight.type)
    affine = quantized(weight.type).affine(weight.blocks)
    q, scale = affine.q.reshape(n, -1, layout.block_size), affine.scale.reshape(n, -1)
    minimum = None if affine.minimum is None else affine.minimum.reshape(n, -1)
    if layout.bits == 4:
        if minimum is not None:  # scale * q + m = scale * (q - 8) + (m + 8 * scale)
            minimum = minimum + 8 * scale
        q = q[..., 0::2] | (q[..., 1::2] << np.uint8(4))
    elif affine.zero_point != 128:
        q = q + np.uint8(128 - affine.zero_point)
    return MatMulNBitsWeights(np.ascontiguousarray(q), scale, minimum)
