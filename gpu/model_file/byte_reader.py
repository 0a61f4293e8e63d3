"""A cursor over a file of unknown origin: nothing is read, or believed, beyond what the file holds."""

from __future__ import annotations

import struct
from typing import Any

from gpu.errors import DamagedModelError, UnknownTensorTypeError
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS, UNSUPPORTED_TYPES, BlockFormat, Bytes
from gpu.types import Words

_MAX_NAME_SHOWN = 80
_MAX_TEXT = 1 << 20  # a name, or a licence


def damaged(cause: Words) -> DamagedModelError:
    """`cause` is the second half of a sentence."""
    return DamagedModelError(
        Words("The model file is cut short or damaged: {cause}.", cause=cause),
        remedy=Words("Download or copy the model file again; if that does not help, choose another model."),
    )


def shown(name: str) -> str:
    """A name from a file, fit for a one-line message."""
    printable = name[: _MAX_NAME_SHOWN + 1].encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= _MAX_NAME_SHOWN else printable[: _MAX_NAME_SHOWN - 3] + "..."


class ByteReader:
    """Reads little-endian fields in sequence from `data`, (n,) uint8. `what` names the thing read, for errors.

    Every method raises `DamagedModelError` where the file ends too early.
    """

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._view = data.data
        self.offset = 0

    @property
    def left(self) -> int:
        return self._data.size - self.offset

    def require(self, n_bytes: int, what: Words) -> None:
        """Make sure that `n_bytes` more bytes exist."""
        if not 0 <= n_bytes <= self.left:
            raise damaged(
                Words(
                    "{what} should have {n} bytes from offset {offset} on, got {got}",
                    what=what,
                    n=n_bytes,
                    offset=self.offset,
                    got=max(0, self.left),
                )
            )

    def unpack(self, layout: struct.Struct, what: Words) -> tuple[Any, ...]:
        self.require(layout.size, what)
        fields = layout.unpack_from(self._view, self.offset)
        self.offset += layout.size
        return fields

    def array(self, n_bytes: int, what: Words) -> Bytes:
        """A view of the next bytes."""
        self.require(n_bytes, what)
        view = self._data[self.offset : self.offset + n_bytes]
        self.offset += n_bytes
        return view

    def text(self, n_bytes: int, what: Words) -> str:
        if n_bytes > _MAX_TEXT:
            raise damaged(
                Words(
                    "{what} claims to be text of {n} bytes, expected at most {most}",
                    what=what,
                    n=n_bytes,
                    most=_MAX_TEXT,
                )
            )
        raw = self.array(n_bytes, what).tobytes()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as e:
            raise damaged(Words("{what} is not UTF-8 text", what=what)) from e

    def strings(self, count: int, length: struct.Struct, what: Words, *, keep: bool = True) -> list[bytes]:
        """`count` byte strings, each behind its length, copied; or skipped, and an empty list."""
        self.require(count * length.size, what)
        strings = []
        view, offset, end = self._view, self.offset, self._data.size
        for _ in range(count):  # fifty thousand of them: no calls into this class
            start = offset + length.size
            offset = start + length.unpack_from(view, offset)[0] if start <= end else end + 1
            if offset > end:
                raise damaged(
                    Words("{what} should be {n} strings, got fewer in {got} bytes", what=what, n=count, got=self.left)
                )
            if keep:
                strings.append(bytes(view[start:offset]))
        self.offset = offset
        return strings


def tensor_format(type_number: int, name: str) -> type[BlockFormat]:
    """The format with ggml's `type_number`, or `UnknownTensorTypeError`."""
    if type_number not in FORMATS:
        known = f" ({UNSUPPORTED_TYPES[type_number]})" if type_number in UNSUPPORTED_TYPES else ""
        raise UnknownTensorTypeError(
            Words(
                "Tensor {name} has type number {number}, which is not supported.",
                name=shown(name),
                number=f"{type_number}{known}",
            ),
            remedy=Words("Choose a model stored as {types}.", types=", ".join(f.name for f in FORMATS.values())),
        )
    return FORMATS[type_number]


def read_tensor(reader: ByteReader, name: str, kind: type[BlockFormat], shape: tuple[int, ...]) -> Tensor:
    """The tensor of row-major `shape` whose data begin at the reader's offset: a view."""
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise damaged(Words("tensor {name} has shape {shape}", name=shown(name), shape=shape))
    if shape[-1] % kind.block_size:
        raise damaged(
            Words(
                "tensor {name} has rows of {n} weights, expected a multiple of {block} ({type})",
                name=shown(name),
                n=shape[-1],
                block=kind.block_size,
                type=kind.name,
            )
        )
    n_blocks = 1
    for n in (*shape[:-1], shape[-1] // kind.block_size):  # Python integers: no claim overflows
        n_blocks *= n
    raw = reader.array(n_blocks * kind.type_size, Words("tensor {name}", name=shown(name)))
    return Tensor(name, kind, shape, raw)
