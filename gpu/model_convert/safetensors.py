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
    (length,) = reader.unpack(_LENGTH, "the length of the header")
    if length > _MAX_HEADER:
        raise damaged(f"the header claims to have {length} bytes, expected at most {_MAX_HEADER}")
    try:
        header = json.loads(reader.array(length, "the header").tobytes())
    except (ValueError, RecursionError) as e:
        raise damaged("the header is not valid JSON") from e
    if not isinstance(header, dict):
        raise damaged(f"the header holds {type(header).__name__}, expected an object")
    header.pop("__metadata__", None)
    numbers = data[reader.offset :]
    places = sorted((_place(name, entry) for name, entry in header.items()), key=lambda place: place[3:])
    end = 0
    tensors: dict[str, Weights] = {}
    for name, dtype, shape, begin, stop in places:
        if begin != end or stop > numbers.size:  # the format allows neither overlaps nor holes
            raise damaged(
                f"tensor {shown(name)} lies at {begin} to {stop} of {numbers.size} bytes, expected from {end} on"
            )
        tensors[name] = stored_weights(name, dtype, shape, numbers[begin:stop])
        end = stop
    if end != numbers.size:
        raise damaged(f"it has {numbers.size} bytes of numbers, expected {end}")
    return tensors


def _place(name: str, entry: Any) -> tuple[str, str, tuple[int, ...], int, int]:
    """Name, NumPy's dtype, shape, first byte and the one behind the last."""
    try:
        kind, shape, (begin, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as e:
        raise damaged(f"the header does not say where tensor {shown(name)} is") from e
    if not isinstance(kind, str) or kind not in _DTYPES:
        raise damaged(f"tensor {shown(name)} holds {shown(str(kind))}, expected one of {', '.join(_DTYPES)}")
    if not all(type(n) is int for n in (*shape, begin, stop)) or not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise damaged(f"tensor {shown(name)} has shape {shown(str(shape))}")
    dtype = _DTYPES[kind]
    if stop - begin != math.prod(shape) * _SIZES[dtype]:
        raise damaged(f"tensor {shown(name)} of shape {shown(str(shape))} has {stop - begin} bytes")
    return name, dtype, shape, begin, stop
