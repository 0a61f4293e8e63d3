"""The GGUF container, versions 2 and 3, little-endian: metadata and tensors, by the names they have in the file.

The `gguf` package reads it too, but believes every count and length in the file; it is the oracle of our tests.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.errors import UnknownModelFormatError
from gpu.model_file.architecture import QUANTIZATION_VERSION, architecture_error, check_quantization_version
from gpu.model_file.byte_reader import ByteReader, damaged, read_tensor, shown, tensor_format
from gpu.model_file.model import Tensor
from gpu.model_file.quants import BlockFormat, Bytes

MAGIC = b"GGUF"
TOKENS_KEY = "tokenizer.ggml.tokens"

# Arrays of numbers are views of the file. Of the arrays of strings only the vocabulary is kept.
Value = int | float | bool | str | NDArray[np.generic] | list[bytes]

_VERSION = struct.Struct("<I")
_COUNTS = struct.Struct("<2Q")  # tensors, metadata
_LENGTH = struct.Struct("<Q")
_TYPE = struct.Struct("<I")
_ARRAY_HEADER = struct.Struct("<IQ")
_TENSOR_PLACE = struct.Struct("<IQ")  # type, offset

_SCALARS = {0: "B", 1: "b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

_ALIGNMENT, _MAX_ALIGNMENT = 32, 1 << 16  # bytes, of tensor data

# Far above any real model's numbers, so that a file made to waste time cannot.
_MAX_ENTRIES = 1 << 14
_MAX_STRINGS = 1 << 20


@dataclass(frozen=True, eq=False)
class GgufContents:
    """A GGUF file taken apart: metadata by key, tensors by the names they have in the file."""

    metadata: dict[str, Value]
    tensors: dict[str, Tensor]


def read_gguf(data: Bytes) -> GgufContents:
    """Take a whole file apart, (n,) uint8. Tensors are views of `data`.

    Raises:
        ModelFileError: one of its subclasses says what is wrong with the file.
    """
    reader = ByteReader(data)
    reader.array(len(MAGIC), "the magic number")
    _check_version(*reader.unpack(_VERSION, "the version"))
    n_tensors, n_metadata = reader.unpack(_COUNTS, "the header")
    if n_tensors > _MAX_ENTRIES or n_metadata > _MAX_ENTRIES:
        raise damaged(f"it claims {n_tensors} tensors and {n_metadata} metadata, expected at most {_MAX_ENTRIES}")
    metadata = _read_metadata(reader, n_metadata)
    architecture = metadata.get("general.architecture", "whisper")
    if architecture != "whisper":  # said first: a language model fails in many ways
        raise architecture_error(f"the model's architecture is {shown(str(architecture))}, expected whisper")
    tensors = _read_tensors(reader, n_tensors, metadata)
    return GgufContents(metadata, tensors)


def _check_version(version: int) -> None:
    if version not in (2, 3):
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        reason = "big-endian" if swapped in (2, 3) else f"version {version}"
        raise UnknownModelFormatError(
            f"a GGUF file of a kind that is not supported: got {reason}, expected little-endian version 2 or 3",
            remedy="Convert the model again with a current converter, or choose another one.",
        )


def _read_metadata(reader: ByteReader, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    n_strings = 0
    for _ in range(count):
        key = _read_string(reader, "a metadata key")
        if key in metadata:
            raise damaged(f"metadata {shown(key)} occurs twice")
        (kind,) = reader.unpack(_TYPE, f"metadata {shown(key)}")
        if kind != _ARRAY:
            metadata[key] = _read_scalar(reader, key, kind)
            continue
        kind, length = reader.unpack(_ARRAY_HEADER, f"metadata {shown(key)}")
        if kind == _STRING:
            n_strings += length
            if n_strings > _MAX_STRINGS:
                raise damaged(f"its metadata claim {n_strings} strings, expected at most {_MAX_STRINGS}")
            metadata[key] = reader.strings(length, _LENGTH, f"metadata {shown(key)}", keep=key == TOKENS_KEY)
        else:
            metadata[key] = _read_numbers(reader, key, kind, length)
    return metadata


def _read_string(reader: ByteReader, what: str) -> str:
    (length,) = reader.unpack(_LENGTH, what)
    return reader.text(length, what)


def _read_scalar(reader: ByteReader, key: str, kind: int) -> Value:
    what = f"metadata {shown(key)}"
    if kind == _STRING:
        return _read_string(reader, what)
    if kind not in _SCALARS:
        raise damaged(f"{what} has the unknown type {kind}")
    value: int | float | bool = reader.unpack(struct.Struct(_SCALARS[kind]), what)[0]
    return value


def _read_numbers(reader: ByteReader, key: str, kind: int, length: int) -> NDArray[np.generic]:
    what = f"metadata {shown(key)}"
    if kind not in _SCALARS:  # arrays of arrays included: nobody writes them
        raise damaged(f"{what} is an array of the unknown type {kind}")
    dtype = np.dtype(_SCALARS[kind])
    return reader.array(length * dtype.itemsize, what).view(dtype)


def _read_tensors(reader: ByteReader, count: int, metadata: dict[str, Value]) -> dict[str, Tensor]:
    quantization_version = _integer(metadata, "general.quantization_version", QUANTIZATION_VERSION)
    places: dict[str, tuple[type[BlockFormat], tuple[int, ...], int]] = {}
    for _ in range(count):
        name = _read_string(reader, "a tensor name")
        if name in places:
            raise damaged(f"tensor {shown(name)} occurs twice")
        (n_dims,) = reader.unpack(_TYPE, f"tensor {shown(name)}")
        if not 1 <= n_dims <= 4:
            raise damaged(f"tensor {shown(name)} claims {n_dims} dimensions")
        ne = reader.unpack(struct.Struct(f"<{n_dims}Q"), f"tensor {shown(name)}")
        type_number, offset = reader.unpack(_TENSOR_PLACE, f"tensor {shown(name)}")
        kind = tensor_format(type_number, name)
        check_quantization_version(quantization_version, name, kind)
        places[name] = kind, ne[::-1], offset

    alignment = _integer(metadata, "general.alignment", _ALIGNMENT)
    if not 1 <= alignment <= _MAX_ALIGNMENT:
        raise damaged(f"metadata general.alignment is {alignment}, expected 1 to {_MAX_ALIGNMENT}")
    data_start = -(-reader.offset // alignment) * alignment
    tensors = {}
    end = data_start
    for name, (kind, shape, offset) in sorted(places.items(), key=lambda item: item[1][2]):
        if data_start + offset < end:
            raise damaged(f"tensor {shown(name)} overlaps another one")
        reader.offset = data_start + offset
        tensors[name] = read_tensor(reader, name, kind, shape)
        end = reader.offset
    return tensors


def _integer(metadata: dict[str, Value], key: str, default: int) -> int:
    value = metadata.get(key, default)
    if not isinstance(value, int):
        raise damaged(f"metadata {key} is {type(value).__name__}, expected an integer")
    return value
