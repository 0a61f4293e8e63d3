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
from gpu.types import Words

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
    reader.array(len(MAGIC), Words("the magic number"))
    _check_version(*reader.unpack(_VERSION, Words("the version")))
    n_tensors, n_metadata = reader.unpack(_COUNTS, Words("the header"))
    if n_tensors > _MAX_ENTRIES or n_metadata > _MAX_ENTRIES:
        raise damaged(
            Words(
                "it claims {n_tensors} tensors and {n_metadata} metadata, expected at most {most}",
                n_tensors=n_tensors,
                n_metadata=n_metadata,
                most=_MAX_ENTRIES,
            )
        )
    metadata = _read_metadata(reader, n_metadata)
    architecture = metadata.get("general.architecture", "whisper")
    if architecture != "whisper":  # said first: a language model fails in many ways
        name = shown(str(architecture))
        raise architecture_error(Words("The model's architecture is {name}, expected whisper.", name=name))
    tensors = _read_tensors(reader, n_tensors, metadata)
    return GgufContents(metadata, tensors)


def _check_version(version: int) -> None:
    if version not in (2, 3):
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        raise UnknownModelFormatError(
            Words("The file is big-endian GGUF, expected little-endian.")
            if swapped in (2, 3)
            else Words("The file is GGUF of version {version}, expected version 2 or 3.", version=version),
            remedy=Words("Convert the model again with a current converter, or choose another one."),
        )


def _read_metadata(reader: ByteReader, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    n_strings = 0
    for _ in range(count):
        key = _read_string(reader, Words("a metadata key"))
        if key in metadata:
            raise damaged(Words("metadata {key} occurs twice", key=shown(key)))
        (kind,) = reader.unpack(_TYPE, _metadata(key))
        if kind != _ARRAY:
            metadata[key] = _read_scalar(reader, key, kind)
            continue
        kind, length = reader.unpack(_ARRAY_HEADER, _metadata(key))
        if kind == _STRING:
            n_strings += length
            if n_strings > _MAX_STRINGS:
                raise damaged(
                    Words("its metadata claim {n} strings, expected at most {most}", n=n_strings, most=_MAX_STRINGS)
                )
            metadata[key] = reader.strings(length, _LENGTH, _metadata(key), keep=key == TOKENS_KEY)
        else:
            metadata[key] = _read_numbers(reader, key, kind, length)
    return metadata


def _metadata(key: str) -> Words:
    return Words("metadata {key}", key=shown(key))


def _tensor(name: str) -> Words:
    return Words("tensor {name}", name=shown(name))


def _read_string(reader: ByteReader, what: Words) -> str:
    (length,) = reader.unpack(_LENGTH, what)
    return reader.text(length, what)


def _read_scalar(reader: ByteReader, key: str, kind: int) -> Value:
    what = _metadata(key)
    if kind == _STRING:
        return _read_string(reader, what)
    if kind not in _SCALARS:
        raise damaged(Words("{what} has the unknown type {type}", what=what, type=kind))
    value: int | float | bool = reader.unpack(struct.Struct(_SCALARS[kind]), what)[0]
    return value


def _read_numbers(reader: ByteReader, key: str, kind: int, length: int) -> NDArray[np.generic]:
    what = _metadata(key)
    if kind not in _SCALARS:  # arrays of arrays included: nobody writes them
        raise damaged(Words("{what} is an array of the unknown type {type}", what=what, type=kind))
    dtype = np.dtype(_SCALARS[kind])
    return reader.array(length * dtype.itemsize, what).view(dtype)


def _read_tensors(reader: ByteReader, count: int, metadata: dict[str, Value]) -> dict[str, Tensor]:
    quantization_version = _integer(metadata, "general.quantization_version", QUANTIZATION_VERSION)
    places: dict[str, tuple[type[BlockFormat], tuple[int, ...], int]] = {}
    for _ in range(count):
        name = _read_string(reader, Words("a tensor name"))
        if name in places:
            raise damaged(Words("tensor {name} occurs twice", name=shown(name)))
        (n_dims,) = reader.unpack(_TYPE, _tensor(name))
        if not 1 <= n_dims <= 4:
            raise damaged(Words("tensor {name} claims {n} dimensions", name=shown(name), n=n_dims))
        ne = reader.unpack(struct.Struct(f"<{n_dims}Q"), _tensor(name))
        type_number, offset = reader.unpack(_TENSOR_PLACE, _tensor(name))
        kind = tensor_format(type_number, name)
        check_quantization_version(quantization_version, name, kind)
        places[name] = kind, ne[::-1], offset

    alignment = _integer(metadata, "general.alignment", _ALIGNMENT)
    if not 1 <= alignment <= _MAX_ALIGNMENT:
        raise damaged(
            Words("metadata general.alignment is {got}, expected 1 to {most}", got=alignment, most=_MAX_ALIGNMENT)
        )
    data_start = -(-reader.offset // alignment) * alignment
    tensors = {}
    end = data_start
    for name, (kind, shape, offset) in sorted(places.items(), key=lambda item: item[1][2]):
        if data_start + offset < end:
            raise damaged(Words("tensor {name} overlaps another one", name=shown(name)))
        reader.offset = data_start + offset
        tensors[name] = read_tensor(reader, name, kind, shape)
        end = reader.offset
    return tensors


def _integer(metadata: dict[str, Value], key: str, default: int) -> int:
    value = metadata.get(key, default)
    if not isinstance(value, int):
        raise damaged(Words("metadata {key} is {type}, expected an integer", key=key, type=type(value).__name__))
    return value
