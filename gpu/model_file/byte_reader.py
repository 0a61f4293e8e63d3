"""A cursor over a file of unknown origin: nothing is read, or believed, beyond what the file holds."""

from __future__ import annotations

import struct

from gpu.errors import DamagedModelError, UnknownTensorTypeError
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS, UNSUPPORTED_TYPES, BlockFormat, Bytes

_GET_IT_AGAIN = "Download or copy the model file again; if that does not help, choose another model."


def damaged(message: str) -> DamagedModelError:
    return DamagedModelError(message, remedy=_GET_IT_AGAIN)


def shown(name: str) -> str:
    """A name from a file, fit for a one-line message."""
    printable = name.encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= 80 else printable[:77] + "..."


class ByteReader:
    """Reads little-endian fields in sequence from `data`, (n,) uint8; `what` names the thing read, for errors.

    Every method raises `DamagedModelError` where the file ends too early.
    """

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._view = data.data
        self.offset = 0

    @property
    def left(self) -> int:
        return self._data.size - self.offset

    def require(self, n_bytes: int, what: str) -> None:
        """Make sure `n_bytes` more bytes exist."""
        if n_bytes > self.left:
            raise damaged(
                f"the model file is cut short or damaged: {what} needs {n_bytes} bytes at offset {self.offset}, "
                f"got {self.left}"
            )

    def unpack(self, layout: struct.Struct, what: str) -> tuple[int, ...]:
        self.require(layout.size, what)
        fields: tuple[int, ...] = layout.unpack_from(self._view, self.offset)
        self.offset += layout.size
        return fields

    def array(self, n_bytes: int, what: str) -> Bytes:
        """A view of the next bytes."""
        if n_bytes < 0:
            raise damaged(f"the model file is damaged: {what} claims {n_bytes} bytes")
        self.require(n_bytes, what)
        view = self._data[self.offset : self.offset + n_bytes]
        self.offset += n_bytes
        return view

    def strings(self, count: int, length: struct.Struct, what: str) -> list[bytes]:
        """`count` byte strings, each behind its length; copies."""
        if count < 0:
            raise damaged(f"the model file is damaged: {what} claims {count} entries")
        self.require(count * length.size, what)
        strings = []
        view, offset, end = self._view, self.offset, self._data.size
        for _ in range(count):  # fifty thousand at a time: no calls into this class
            start = offset + length.size
            if start <= end:
                offset = start + length.unpack_from(view, offset)[0]
            if start > end or offset > end:
                raise damaged(f"the model file is cut short or damaged: {what} go on beyond its {end} bytes")
            strings.append(bytes(view[start:offset]))
        self.offset = offset
        return strings

    def text(self, n_bytes: int, what: str) -> str:
        raw = self.array(n_bytes, what).tobytes()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as e:
            raise damaged(f"the model file is damaged: {what} is not UTF-8 text") from e


def tensor_format(type_number: int, name: str) -> type[BlockFormat]:
    """The format with ggml's `type_number`, or `UnknownTensorTypeError`."""
    if type_number not in FORMATS:
        known = f" ({UNSUPPORTED_TYPES[type_number]})" if type_number in UNSUPPORTED_TYPES else ""
        raise UnknownTensorTypeError(
            f"tensor {shown(name)} has type number {type_number}{known}, which is not supported",
            remedy="Choose a model stored as F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 or Q2_K to Q6_K.",
        )
    return FORMATS[type_number]


def tensor_size(name: str, kind: type[BlockFormat], shape: tuple[int, ...]) -> int:
    """Bytes of a tensor of row-major `shape`, or `DamagedModelError` where its rows do not divide into blocks."""
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise damaged(f"the model file is damaged: tensor {shown(name)} has shape {shape}")
    if shape[-1] % kind.block_size:
        raise damaged(
            f"tensor {shown(name)} has rows of {shape[-1]} weights, which {kind.name} cannot store: "
            f"expected a multiple of {kind.block_size}"
        )
    n_weights = 1
    for n in shape:  # Python integers: no claim overflows
        n_weights *= n
    return n_weights // kind.block_size * kind.type_size


def read_tensor(reader: ByteReader, name: str, kind: type[BlockFormat], shape: tuple[int, ...]) -> Tensor:
    """A tensor whose data begin at the reader's offset."""
    raw = reader.array(tensor_size(name, kind, shape), f"tensor {shown(name)}, {kind.name} {shape},")
    return Tensor(name, kind, shape, raw)
