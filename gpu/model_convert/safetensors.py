"""The safetensors container: a JSON header, then the numbers."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

from gpu.model_convert.source import stored_weights
from gpu.model_file.byte_reader import ByteReader, damaged, shown
from gpu.model_file.model import Weights
from gpu.model_file.quants import Bytes
from gpu.types import Words

_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
_SIZES = {"<f2": 2, "<f4": 4, "<f8": 8, "<u2": 2}
_LENGTH = struct.Struct("<Q")
_MAX_HEADER = 1 << 22  # bytes; large's has 150 kB. (The format itself allows 100 MB.)


def read_safetensors(data: Bytes) -> dict[str, Weights]:
    """The tensors of a file, (n,) uint8, by the names they have in it: views of `data`.

    Raises:
        DamagedModelError: cut short, contradicts itself, or holds numbers of an unknown kind.
    """
    reader = ByteReader(data)
    (length,) = reader.unpack(_LENGTH, Words("the length of the header"))
    if length > _MAX_HEADER:
        raise damaged(Words("the header claims to have {n} bytes, expected at most {most}", n=length, most=_MAX_HEADER))
    try:
        header = json.loads(reader.array(length, Words("the header")).tobytes())
    except (ValueError, RecursionError) as e:
        raise damaged(Words("the header is not valid JSON")) from e
    if not isinstance(header, dict):
        raise damaged(Words("the header holds {type}, expected an object", type=type(header).__name__))
    header.pop("__metadata__", None)
    numbers = data[reader.offset :]
    places = sorted((_place(name, entry) for name, entry in header.items()), key=lambda place: place[3:])
    end = 0
    tensors: dict[str, Weights] = {}
    for name, dtype, shape, begin, stop in places:
        if begin != end or stop > numbers.size:  # the format allows neither overlaps nor holes
            raise damaged(
                Words(
                    "tensor {name} lies at {begin} to {end} of {n} bytes, expected from {expected} on",
                    name=shown(name),
                    begin=begin,
                    end=stop,
                    n=numbers.size,
                    expected=end,
                )
            )
        tensors[name] = stored_weights(name, dtype, shape, numbers[begin:stop])
        end = stop
    if end != numbers.size:
        raise damaged(Words("it has {got} bytes of numbers, expected {expected}", got=numbers.size, expected=end))
    return tensors


def _place(name: str, entry: Any) -> tuple[str, str, tuple[int, ...], int, int]:
    """Name, NumPy's dtype, shape, first byte and the one behind the last."""
    try:
        kind, shape, (begin, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as e:
        raise damaged(Words("the header does not say where tensor {name} is", name=shown(name))) from e
    if not isinstance(kind, str) or kind not in _DTYPES:
        raise damaged(
            Words(
                "tensor {name} holds {got}, expected one of {types}",
                name=shown(name),
                got=shown(str(kind)),
                types=", ".join(_DTYPES),
            )
        )
    if not all(type(n) is int for n in (*shape, begin, stop)) or not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise damaged(Words("tensor {name} has shape {shape}", name=shown(name), shape=shown(str(shape))))
    dtype = _DTYPES[kind]
    if stop - begin != math.prod(shape) * _SIZES[dtype]:
        what = Words("tensor {name}", name=shown(name))
        raise damaged(
            Words("{what} of shape {shape} has {n} bytes", what=what, shape=shown(str(shape)), n=stop - begin)
        )
    return name, dtype, shape, begin, stop
