"""ggml blocks as the operands of ONNX Runtime's `MatMulNBits`, without loss.

`MatMulNBits` computes x @ (scale * (q - z)).T with 4- or 8-bit q and an implied z of 8 or 128, which is the fastest
of its forms: integers are shifted to it. Minima are kept aside, to be multiplied with the sums of the inputs of each
block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gpu.model_file import Tensor
from gpu.model_file.quants import BlockFormat, QuantizedFormat

# Formats whose integers fit in four bits around 8; the others are stored in eight around 128.
FOUR_BITS = ("Q4_0", "Q4_1", "Q4_K", "Q2_K")
SMALL_BLOCKS = ("Q2_K", "Q3_K", "Q6_K")
# Formats with minima: the middle of their integers. Counted from there (and the minima moved as much) they are half as
# large, and so is the error of rounding what they are multiplied with.
CENTRES = {"Q4_1": 8, "Q5_1": 16, "Q2_K": 2, "Q4_K": 8, "Q5_K": 16}


_WEIGHTS_AT_ONCE = 1 << 16  # what lies between bytes and result stays in the cache


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
            has_minimum=kind.name in CENTRES,
        )

    @classmethod
    def empty(cls, layout: Layout, n: int, k: int) -> Self:
        """Room for an (n, k) matrix, to be filled by `repack`."""
        blocks = (n, k // layout.block_size)
        return cls(
            np.empty((*blocks, layout.block_size * layout.bits // 8), np.uint8),
            np.empty(blocks, np.float32),
            np.empty(blocks, np.float32) if layout.has_minimum else None,
        )

    def arrays(self, name: str) -> dict[str, NDArray[np.uint8] | NDArray[np.float32]]:
        named: dict[str, NDArray[np.uint8] | NDArray[np.float32]] = {f"{name}.q": self.q, f"{name}.scale": self.scale}
        if self.minimum is not None:
            named[f"{name}.minimum"] = self.minimum
        return named


def repack(weight: Tensor, first: int, last: int, out: MatMulNBitsWeights, at: int) -> None:
    """Repack rows [first, last) of a matrix to the rows of `out` from `at` on."""
    layout = MatMulNBitsWeights.layout(weight.type)
    step = max(1, _WEIGHTS_AT_ONCE // weight.shape[1])
    for begin in range(first, last, step):
        rows = weight.blocks[begin : min(begin + step, last)]
        to = slice(at + begin - first, at + begin - first + len(rows))
        out.q[to], out.scale[to], minimum = _repack_rows(weight.type, layout, rows)
        if out.minimum is not None and minimum is not None:
            out.minimum[to] = minimum


def _repack_rows(
    kind: type[BlockFormat], layout: Layout, rows: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32] | None]:
    if not issubclass(kind, QuantizedFormat):
        raise TypeError(f"{kind.name} has no blocks to repack")
    n = len(rows)
    affine = kind.affine(rows)
    q, scale = affine.q.reshape(n, -1, layout.block_size), affine.scale.reshape(n, -1)
    minimum, zero = affine.minimum, affine.zero_point
    if minimum is not None:
        zero = CENTRES[kind.name]
        minimum = minimum.reshape(n, -1) + np.float32(zero) * scale
    implied_zero = 8 if layout.bits == 4 else 128
    if zero != implied_zero:
        q = q + np.uint8(implied_zero - zero)
    if layout.bits == 4:
        q = q[..., 0::2] | (q[..., 1::2] << np.uint8(4))
    return q, scale, minimum
