"""whisper.cpp's own container (`ggml-base-q5_1.bin`), little-endian, without alignment or padding.

In order: magic, eleven i32 of hyperparameters, mel filters, vocabulary, and tensors up to the end of the file.
"""

from __future__ import annotations

import struct

import numpy as np

from gpu.model_file.architecture import (
    N_FREQS,
    architecture_error,
    check_dimensions,
    check_quantization_version,
    check_vocabulary,
    expected_shapes,
    select_tensors,
)
from gpu.model_file.byte_reader import ByteReader, damaged, read_tensor, shown, tensor_format
from gpu.model_file.model import ModelContents, ModelDimensions, Tensor
from gpu.model_file.quants import Bytes, Floats
from gpu.types import Words

MAGIC = b"lmgg"  # 0x67676d6c

_HYPERPARAMETER_NAMES = (
    "n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer",
    "n_text_ctx", "n_text_state", "n_text_head", "n_text_layer", "n_mels", "ftype",
)  # fmt: skip
_HYPERPARAMETERS = struct.Struct("<11i")
_MEL_SHAPE = struct.Struct("<2i")
_COUNT = struct.Struct("<i")
_LENGTH = struct.Struct("<I")
_TENSOR_HEADER = struct.Struct("<3i")
_MAX_NAME = 128  # bytes; Whisper's longest name has 41


def read_ggml(data: Bytes) -> ModelContents:
    """Take a whole file apart, (n,) uint8. Tensors are views of `data`.

    Raises:
        ModelFileError: one of its subclasses says what is wrong with the file.
    """
    reader = ByteReader(data)
    reader.array(len(MAGIC), Words("the magic number"))
    dims, quantization_version = _read_hyperparameters(reader)
    check_dimensions(dims)
    mel_filters = _read_mel_filters(reader, dims)
    (n_tokens,) = reader.unpack(_COUNT, Words("the vocabulary's size"))
    vocabulary = check_vocabulary(reader.strings(n_tokens, _LENGTH, Words("the vocabulary")), dims)
    tensors = _read_tensors(reader, dims, quantization_version)
    return ModelContents(dims, mel_filters, vocabulary, select_tensors(tensors, dims))


def _read_hyperparameters(reader: ByteReader) -> tuple[ModelDimensions, int]:
    fields = dict(zip(_HYPERPARAMETER_NAMES, reader.unpack(_HYPERPARAMETERS, Words("the header")), strict=True))
    quantization_version = fields.pop("ftype") // 1000
    return ModelDimensions(**fields), quantization_version


def _read_mel_filters(reader: ByteReader, dims: ModelDimensions) -> Floats:
    n_mels, n_freqs = reader.unpack(_MEL_SHAPE, Words("the mel filters' shape"))
    if (n_mels, n_freqs) != (dims.n_mels, N_FREQS):
        got, expected = (n_mels, n_freqs), (dims.n_mels, N_FREQS)
        raise architecture_error(
            Words("The mel filters have shape {got}, expected {expected}.", got=got, expected=expected)
        )
    raw = reader.array(n_mels * n_freqs * 4, Words("the mel filters"))
    return raw.view("<f4").astype(np.float32).reshape(n_mels, n_freqs)


def _read_tensors(reader: ByteReader, dims: ModelDimensions, quantization_version: int) -> dict[str, Tensor]:
    limit = len(expected_shapes(dims)) + 64
    tensors: dict[str, Tensor] = {}
    while reader.left:
        tensor = _read_tensor(reader, quantization_version)
        if tensor.name in tensors:
            raise damaged(Words("tensor {name} occurs twice", name=shown(tensor.name)))
        tensors[tensor.name] = tensor
        if len(tensors) > limit:
            raise architecture_error(
                Words("The file holds more than {most} tensors, expected {n}.", most=limit, n=limit - 64)
            )
    return tensors


def _read_tensor(reader: ByteReader, quantization_version: int) -> Tensor:
    offset = reader.offset
    n_dims, name_length, type_number = reader.unpack(_TENSOR_HEADER, Words("a tensor's header"))
    if not 1 <= n_dims <= 4 or not 1 <= name_length <= _MAX_NAME:
        raise damaged(
            Words(
                "the tensor header at offset {offset} claims {n_dims} dimensions and a name of {n_bytes} bytes",
                offset=offset,
                n_dims=n_dims,
                n_bytes=name_length,
            )
        )
    ne = reader.unpack(struct.Struct(f"<{n_dims}i"), Words("a tensor's dimensions"))
    name = reader.text(name_length, Words("the tensor name at offset {offset}", offset=reader.offset))
    kind = tensor_format(type_number, name)
    check_quantization_version(quantization_version, name, kind)
    return read_tensor(reader, name, kind, ne[::-1])
