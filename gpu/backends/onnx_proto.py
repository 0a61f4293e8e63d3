"""ONNX models as bytes: protobuf's wire format, and those fields of onnx.proto that graphs of ours have.

The package `onnx` costs every start a tenth of a second of imports; tests hold it against these few functions.
Numbers and wire types: onnx/onnx.proto, and "Encoding" of protobuf's documentation.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Attribute = int | float | str | Sequence[int]

_ELEMENT_TYPES = {
    np.dtype(t): n for t, n in ((np.float32, 1), (np.uint8, 2), (np.int8, 3), (np.int32, 6), (np.int64, 7))
}
_FLOAT32 = _ELEMENT_TYPES[np.dtype(np.float32)]
_EXTERNAL = 1
_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types
_FIXED = {1: 8, _FIXED32: 4}  # bytes


@dataclass
class Node:
    """An operator; "" stands for an input that is left out, and for ONNX's own domain."""

    op: str
    inputs: list[str]
    outputs: list[str]
    name: str = ""
    domain: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def element_type(dtype: DTypeLike) -> int:
    """`TensorProto.DataType` of float32, uint8, int8, int32 or int64; `KeyError` for others."""
    return _ELEMENT_TYPES[np.dtype(dtype)]


def model(graph: bytes, opsets: Mapping[str, int], ir_version: int) -> bytes:
    """`ModelProto` of a graph and the versions of the domains it uses."""
    imports = (_bytes(8, _text(1, domain) + _int(2, version)) for domain, version in opsets.items())
    return _int(1, ir_version) + _bytes(7, graph) + b"".join(imports)


def graph(
    name: str, nodes: Iterable[Node], inputs: Iterable[bytes], outputs: Iterable[bytes], initializers: Iterable[bytes]
) -> bytes:
    """`GraphProto` of nodes in the order they run, of `value`s and of `tensor`s."""
    parts = [_bytes(1, _node(node)) for node in nodes]
    parts.append(_text(2, name))
    for number, messages in ((5, initializers), (11, inputs), (12, outputs)):
        parts += [_bytes(number, message) for message in messages]
    return b"".join(parts)


def value(name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> bytes:
    """`ValueInfoProto` of a tensor; axes are called by name where their length is open."""
    axes = (_bytes(1, _text(2, n) if isinstance(n, str) else _int(1, n)) for n in shape)
    tensor_type = _int(1, element_type(dtype)) + _bytes(2, b"".join(axes))
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def tensor(name: str, array: Array) -> bytes:
    """`TensorProto` that holds an array."""
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return _declaration(name, array) + _bytes(9, little_endian.tobytes())


def external_tensor(name: str, array: Array) -> bytes:
    """`TensorProto` of an array that `SessionOptions.add_external_initializers` supplies under its name."""
    place = {"location": name, "offset": "0", "length": str(array.nbytes)}
    entries = (_bytes(13, _text(1, key) + _text(2, text)) for key, text in place.items())
    return _declaration(name, array) + b"".join(entries) + _int(14, _EXTERNAL)


def read_graph(data: bytes) -> tuple[list[Node], dict[str, NDArray[np.float32]]]:
    """The nodes of an ONNX file, without attributes, and its float32 tensors by name.

    Raises:
        ValueError: it is no such file, or cut short.
    """
    nodes: list[Node] = []
    tensors: dict[str, NDArray[np.float32]] = {}
    try:
        for content in _fields(memoryview(data))[7]:
            fields = _fields(content)
            for node in map(_fields, fields[1]):
                inputs, outputs = ([_string([name]) for name in node[number]] for number in (1, 2))
                nodes.append(Node(_string(node[4]), inputs, outputs))
            for tensor in map(_fields, fields[5]):
                if tensor[2] == [_FLOAT32] and tensor[9]:
                    values = np.frombuffer(tensor[9][-1], "<f4").astype(np.float32)
                    tensors[_string(tensor[8])] = values.reshape(tensor[1])
    except (TypeError, OverflowError) as error:  # a number where bytes belong, or the other way round; a vast one
        raise ValueError(f"a field of another kind: {error}") from error
    return nodes, tensors


def _node(node: Node) -> bytes:
    parts = [_text(1, name) for name in node.inputs]
    parts += [_text(2, name) for name in node.outputs]
    parts += [_text(3, node.name), _text(4, node.op)]
    parts += [_bytes(5, _attribute(name, content)) for name, content in node.attributes.items()]
    parts.append(_text(7, node.domain))
    return b"".join(parts)


def _attribute(name: str, content: Attribute) -> bytes:
    if isinstance(content, float):
        coded, kind = _tag(2, _FIXED32) + struct.pack("<f", content), 1
    elif isinstance(content, int):
        coded, kind = _int(3, content), 2
    elif isinstance(content, str):
        coded, kind = _text(4, content), 3
    else:
        coded, kind = b"".join(_int(8, n) for n in content), 7
    return _text(1, name) + coded + _int(20, kind)


def _declaration(name: str, array: Array) -> bytes:
    return b"".join(_int(1, n) for n in array.shape) + _int(2, element_type(array.dtype)) + _text(8, name)


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content


def _int(number: int, n: int) -> bytes:
    return _tag(number, _VARINT) + _varint(n % (1 << 64))  # negative ones in two's complement


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(n: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    coded = bytearray()
    while n > 0x7F:
        coded.append(n & 0x7F | 0x80)
        n >>= 7
    coded.append(n)
    return bytes(coded)


def _fields(message: memoryview) -> defaultdict[int, list[Any]]:
    """A message's fields by number: varints as int, all else as it lies. `ValueError` where it is cut short."""
    fields: defaultdict[int, list[Any]] = defaultdict(list)
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        content: int | memoryview
        if key & 7 == _VARINT:
            content, at = _read_varint(message, at)
        else:
            if key & 7 == _BYTES:
                size, at = _read_varint(message, at)
            elif key & 7 in _FIXED:
                size = _FIXED[key & 7]
            else:
                raise ValueError(f"wire type {key & 7} at byte {at}, expected 0, 1, 2 or 5")
            if size > len(message) - at:
                raise ValueError(f"{size} bytes at byte {at} of {len(message)}")
            content, at = message[at : at + size], at + size
        fields[key >> 3].append(content)
    return fields


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at a byte, and where it ends."""
    n = 0
    for i, byte in enumerate(message[at : at + 10]):
        n |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return n, at + i + 1
    raise ValueError(f"a number without end at byte {at}")


def _string(contents: Sequence[memoryview]) -> str:
    return str(contents[-1], "utf-8") if contents else ""
