"""The block formats of ggml, one class each: how the bytes of a block become numbers.

This is the golden standard the backends are tested against: written from the C structs in ggml's `ggml-common.h`,
field by field and in their order, and bit-equal to the `gguf` package's dequantizer.

A quantized row is a sequence of blocks of `type_size` bytes, each holding `block_size` weights. Every quantized
format is affine: a weight is `scale * (q - zero_point) + minimum`, where `q` is a small non-negative integer and
`scale` and `minimum` belong to a sub-block of 16 or 32 weights.
"""
# ruff: noqa: N801 - the formats are called what ggml calls them

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# ggml's type number -> format, filled by the declarations below.
FORMATS: dict[int, type[BlockFormat]] = {}

# Types of ggml that no Whisper needs, so that an error can call them by name.
UNSUPPORTED_TYPES = {
    4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL",
    21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
    30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Affine:
    """Blocks taken apart without loss: w = scale * (q - zero_point) + minimum.

    Attributes:
        q: (..., block_size) uint8, the integers as stored, none negative.
        scale: (..., block_size // sub_block) float32, one for each sub-block; may be negative.
        zero_point: the integer that stands for zero; 0 where there are minima.
        minimum: (..., block_size // sub_block) float32, or None where the format has none.
        sub_block: weights that share a scale, 16 or 32.
    """

    q: Bytes
    scale: Floats
    zero_point: int
    minimum: Floats | None
    sub_block: int

    def weights(self) -> Floats:
        """Evaluate the formula; (..., block_size) float32, the golden standard's order of operations."""
        sub_blocks = (*self.scale.shape, self.sub_block)  # (..., n_sub, sub_block)
        w = self.q.reshape(sub_blocks).astype(np.float32)
        if self.zero_point:
            w -= np.float32(self.zero_point)
        w *= self.scale[..., np.newaxis]
        if self.minimum is not None:
            w += self.minimum[..., np.newaxis]
        return w.reshape(self.q.shape)


class BlockFormat(ABC):
    """How one ggml type stores weights. Declaring a subclass registers it in `FORMATS`."""

    name: ClassVar[str]
    ggml_type: ClassVar[int]
    block_size: ClassVar[int]
    type_size: ClassVar[int]

    def __init_subclass__(cls, *, ggml_type: int | None = None, block_size: int = 0, type_size: int = 0) -> None:
        if ggml_type is None:  # an abstract class between this one and the formats
            return
        cls.name, cls.ggml_type, cls.block_size, cls.type_size = cls.__name__, ggml_type, block_size, type_size
        FORMATS[ggml_type] = cls

    @classmethod
    @abstractmethod
    def dequantize(cls, blocks: Bytes) -> Floats:
        """(..., type_size) uint8 -> (..., block_size) float32, a fresh array."""


class QuantizedFormat(BlockFormat):
    """A format of integers with scales."""

    @classmethod
    @abstractmethod
    def affine(cls, blocks: Bytes) -> Affine:
        """Split (..., type_size) uint8 blocks into integers and scales, without loss."""

    @classmethod
    def dequantize(cls, blocks: Bytes) -> Floats:
        return cls.affine(blocks).weights()


class F32(BlockFormat, ggml_type=0, block_size=1, type_size=4):
    @classmethod
    def dequantize(cls, blocks: Bytes) -> Floats:
        return blocks.view("<f4").astype(np.float32)


class F16(BlockFormat, ggml_type=1, block_size=1, type_size=2):
    @classmethod
    def dequantize(cls, blocks: Bytes) -> Floats:
        return _half(blocks)


def _half(field: Bytes) -> Floats:
    """(..., 2n) bytes of little-endian IEEE halves -> (..., n) float32."""
    return field.view("<f2").astype(np.float32)


def _bits(packed: Bytes, bits: int, run: int) -> Bytes:
    """Unpack bit fields the way ggml lays them: each `run` bytes hold `run` low fields, then the next higher ones.

    (..., n) uint8 -> (..., n * 8 // bits) uint8.
    """
    *lead, n = packed.shape
    word = np.dtype(np.uint64 if run % 8 == 0 else np.uint32)  # eight bytes at a time; shifts lose none: see the mask
    words = np.ascontiguousarray(packed).view(word).reshape(*lead, n // run, run // word.itemsize)
    fields = np.empty((*lead, n // run, 8 // bits, run // word.itemsize), word)
    for i in range(8 // bits):
        fields[..., i, :] = words >> word.type(i * bits)
    fields &= np.full(word.itemsize, 2**bits - 1, np.uint8).view(word)
    return fields.view(np.uint8).reshape(*lead, n * 8 // bits)


class Q4_0(QuantizedFormat, ggml_type=2, block_size=32, type_size=18):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, qs = blocks[..., :2], blocks[..., 2:]
        return Affine(_bits(qs, 4, run=16), _half(d), zero_point=8, minimum=None, sub_block=32)


class Q4_1(QuantizedFormat, ggml_type=3, block_size=32, type_size=20):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, m, qs = blocks[..., :2], blocks[..., 2:4], blocks[..., 4:]
        return Affine(_bits(qs, 4, run=16), _half(d), zero_point=0, minimum=_half(m), sub_block=32)


# Eight fifth bits, by the byte they are packed in: each in a byte of its own, as 0 or 16.
_FIFTH_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=-1, bitorder="little") << np.uint8(4)
_FIFTH_BITS = _FIFTH_BITS.view(np.uint64)[:, 0]


def _five_bits(qh: Bytes, qs: Bytes) -> Bytes:
    """Join 32 fifth bits, (..., 4), with their low nibbles, (..., 16): (..., 32)."""
    q = _bits(qs, 4, run=16)
    words = q.view(np.uint64)  # (..., 4)
    words |= _FIFTH_BITS[qh]
    return q


class Q5_0(QuantizedFormat, ggml_type=6, block_size=32, type_size=22):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, qh, qs = blocks[..., :2], blocks[..., 2:6], blocks[..., 6:]
        return Affine(_five_bits(qh, qs), _half(d), zero_point=16, minimum=None, sub_block=32)


class Q5_1(QuantizedFormat, ggml_type=7, block_size=32, type_size=24):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, m, qh, qs = blocks[..., :2], blocks[..., 2:4], blocks[..., 4:8], blocks[..., 8:]
        return Affine(_five_bits(qh, qs), _half(d), zero_point=0, minimum=_half(m), sub_block=32)


class Q8_0(QuantizedFormat, ggml_type=8, block_size=32, type_size=34):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, qs = blocks[..., :2], blocks[..., 2:]
        q = qs ^ np.uint8(0x80)  # int8 + 128 is the same bits with the sign bit flipped
        return Affine(q, _half(d), zero_point=128, minimum=None, sub_block=32)


class Q2_K(QuantizedFormat, ggml_type=10, block_size=256, type_size=84):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        scales, qs, d, dmin = blocks[..., :16], blocks[..., 16:80], blocks[..., 80:82], blocks[..., 82:]
        scale = _half(d) * (scales & np.uint8(0x0F)).astype(np.float32)  # (..., 16)
        minimum = _half(dmin) * (scales >> np.uint8(4)).astype(np.float32)  # (..., 16)
        return Affine(_bits(qs, 2, run=32), scale, zero_point=0, minimum=-minimum, sub_block=16)


class Q3_K(QuantizedFormat, ggml_type=11, block_size=256, type_size=110):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        hmask, qs, scales, d = blocks[..., :32], blocks[..., 32:96], blocks[..., 96:108], blocks[..., 108:]
        q = _bits(qs, 2, run=32)
        q |= _bits(hmask, 1, run=32) << np.uint8(2)
        sc = _bits(scales[..., :8], 4, run=8)  # (..., 16): low nibbles of sixteen 6-bit scales
        sc |= _bits(scales[..., 8:], 2, run=4) << np.uint8(4)
        scale = _half(d) * (sc.astype(np.float32) - np.float32(32))
        return Affine(q, scale, zero_point=4, minimum=None, sub_block=16)


def _scales_and_minima(d: Bytes, dmin: Bytes, scales: Bytes) -> tuple[Floats, Floats]:
    """Eight 6-bit scales and minima packed in 12 bytes (Q4_K, Q5_K): (..., 8) float32 each, minima negated."""
    low, high, both = scales[..., :4], scales[..., 4:8], scales[..., 8:]  # both: top bits ride on low and high
    sc = np.concatenate([low & 0x3F, (both & 0x0F) | (low >> 2 & 0x30)], axis=-1)
    m = np.concatenate([high & 0x3F, (both >> 4) | (high >> 2 & 0x30)], axis=-1)
    return _half(d) * sc.astype(np.float32), -(_half(dmin) * m.astype(np.float32))


class Q4_K(QuantizedFormat, ggml_type=12, block_size=256, type_size=144):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, dmin, scales, qs = blocks[..., :2], blocks[..., 2:4], blocks[..., 4:16], blocks[..., 16:]
        scale, minimum = _scales_and_minima(d, dmin, scales)
        return Affine(_bits(qs, 4, run=32), scale, zero_point=0, minimum=minimum, sub_block=32)


class Q5_K(QuantizedFormat, ggml_type=13, block_size=256, type_size=176):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        d, dmin, scales = blocks[..., :2], blocks[..., 2:4], blocks[..., 4:16]
        qh, qs = blocks[..., 16:48], blocks[..., 48:]
        scale, minimum = _scales_and_minima(d, dmin, scales)
        q = _bits(qs, 4, run=32)
        q |= _bits(qh, 1, run=32) << np.uint8(4)
        return Affine(q, scale, zero_point=0, minimum=minimum, sub_block=32)


class Q6_K(QuantizedFormat, ggml_type=14, block_size=256, type_size=210):
    @classmethod
    def affine(cls, blocks: Bytes) -> Affine:
        ql, qh, scales, d = blocks[..., :128], blocks[..., 128:192], blocks[..., 192:208], blocks[..., 208:]
        q = _bits(ql, 4, run=64)
        q |= _bits(qh, 2, run=32) << np.uint8(4)
        scale = _half(d) * scales.view(np.int8).astype(np.float32)
        return Affine(q, scale, zero_point=32, minimum=None, sub_block=16)
