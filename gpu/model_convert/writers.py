"""The two containers that are written: whisper.cpp's `.bin`, and GGUF that needs no file beside it."""

from __future__ import annotations

import struct
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from gguf import GGMLQuantizationType, GGUFWriter

from gpu.model_convert.encoding import encoded
from gpu.model_convert.plan import Plan
from gpu.model_file.architecture import QUANTIZATION_VERSION
from gpu.model_file.model import ModelDimensions
from gpu.model_file.quants import QuantizedFormat
from gpu.model_file.vocabulary import text_of_token

# A file's number for its main type, in both containers; not those of the tensors' types.
_FTYPES = {
    "F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9,
    "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14,
}  # fmt: skip
_CONV_BIASES = ("encoder.conv1.bias", "encoder.conv2.bias")


def write_ggml(path: Path, plan: Plan) -> Generator[int]:
    """Write a whisper.cpp file, byte for byte as upstream's converter and quantizer do. Yields the bytes of each step.

    Raises:
        OSError: the file cannot be written.
        ConversionError, DamagedModelError: see `encoded`.
    """
    with path.open("wb") as file:
        yield _write_ggml_header(file, plan)
        for tensor in plan.tensors:
            shape = (*tensor.shape, 1) if tensor.name in _CONV_BIASES else tensor.shape  # added along the time axis
            name = tensor.name.encode()
            n_dims = len(shape)
            header = struct.pack(f"<{3 + n_dims}i", n_dims, len(name), tensor.kind.ggml_type, *shape[::-1])
            yield file.write(header + name)
            for piece in encoded(tensor.name, tensor.weights, tensor.kind):
                yield file.write(piece.data)


def _write_ggml_header(file: BinaryIO, plan: Plan) -> int:
    dims, filters, vocabulary = plan.source.dims, plan.source.mel_filters, plan.source.vocabulary
    ftype = _FTYPES[plan.main_type.name]
    if issubclass(plan.main_type, QuantizedFormat):
        ftype += 1000 * QUANTIZATION_VERSION
    n = file.write(b"lmgg")
    n += file.write(struct.pack(
        "<11i", dims.n_vocab, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head, dims.n_audio_layer,
        dims.n_text_ctx, dims.n_text_state, dims.n_text_head, dims.n_text_layer, dims.n_mels, ftype,
    ))  # fmt: skip
    n += file.write(struct.pack("<2i", *filters.shape) + filters.astype("<f4").tobytes())
    n += file.write(struct.pack("<i", len(vocabulary)))
    return n + file.write(b"".join(struct.pack("<I", len(token)) + token for token in vocabulary))


def write_gguf(path: Path, plan: Plan) -> Generator[int]:
    """Write a GGUF file: the specification's metadata, openai/whisper's tensor names, vocabulary and mel filters.

    Yields and raises as `write_ggml` does.
    """
    writer = GGUFWriter(path, "whisper")
    _describe(writer, plan)
    filters = plan.source.mel_filters
    writer.add_tensor_info("mel_filters", filters.shape, filters.dtype, filters.nbytes, GGMLQuantizationType.F32)
    for tensor in plan.tensors:
        kind = GGMLQuantizationType(tensor.kind.ggml_type)
        writer.add_tensor_info(tensor.name, tensor.shape, filters.dtype, tensor.n_bytes, kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        assert writer.fout is not None
        (file,) = writer.fout
        writer.write_padding(file, file.tell())
        yield file.tell()
        yield file.write(filters.astype("<f4").tobytes())
        writer.write_padding(file, filters.nbytes)
        for tensor in plan.tensors:
            for piece in encoded(tensor.name, tensor.weights, tensor.kind):
                yield file.write(piece.data)
            writer.write_padding(file, tensor.n_bytes)
    finally:
        writer.close()


def _describe(writer: GGUFWriter, plan: Plan) -> None:
    dims = plan.source.dims
    writer.add_name(f"Whisper {dims.size_name}{'' if dims.is_multilingual else '.en'}")
    writer.add_quantization_version(QUANTIZATION_VERSION)
    writer.add_file_type(_FTYPES[plan.main_type.name])
    for key, value in _specification(dims).items():
        writer.add_uint32(key, value)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([text_of_token(token) for token in plan.source.vocabulary])


def _specification(dims: ModelDimensions) -> dict[str, int]:
    """The metadata that ggml's GGUF specification names."""
    return {
        "whisper.vocab_size": dims.n_vocab,
        "whisper.encoder.mels_count": dims.n_mels,
        "whisper.encoder.context_length": dims.n_audio_ctx,
        "whisper.encoder.embedding_length": dims.n_audio_state,
        "whisper.encoder.attention.head_count": dims.n_audio_head,
        "whisper.encoder.block_count": dims.n_audio_layer,
        "whisper.decoder.context_length": dims.n_text_ctx,
        "whisper.decoder.embedding_length": dims.n_text_state,
        "whisper.decoder.attention.head_count": dims.n_text_head,
        "whisper.decoder.block_count": dims.n_text_layer,
    }
