"""Writes and walks whisper.cpp's container, field by field; shares only the dimensions' names with the reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from gpu.model_file import ModelDimensions

# The header's numbers for the file's main type, which are not those of the tensors' types.
FTYPES = {
    "F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9,
    "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14,
}  # fmt: skip

Encoded = tuple[str, np.ndarray, tuple[int, ...]]  # format, (n_bytes,) uint8, row-major shape


def write_ggml(
    path: Path,
    dims: ModelDimensions,
    tensors: Mapping[str, Encoded],
    vocabulary: Sequence[bytes],
    mel_filters: np.ndarray,
    ftype: int | None = None,
) -> Path:
    """Write a whisper.cpp model file; returns `path`. The header's `ftype` follows from the tensors."""
    if ftype is None:
        main_format = tensors["decoder.token_embedding.weight"][0]
        ftype = FTYPES[main_format] + (2000 if main_format.startswith("Q") else 0)
    with path.open("wb") as file:
        file.write(b"lmgg")
        file.write(struct.pack(
            "<11i", dims.n_vocab, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head, dims.n_audio_layer,
            dims.n_text_ctx, dims.n_text_state, dims.n_text_head, dims.n_text_layer, dims.n_mels, ftype,
        ))  # fmt: skip
        file.write(struct.pack("<2i", *mel_filters.shape))
        file.write(mel_filters.astype("<f4").tobytes())
        file.write(struct.pack("<i", len(vocabulary)))
        file.write(b"".join(struct.pack("<I", len(token)) + token for token in vocabulary))
        for name, encoded in tensors.items():
            file.write(tensor_bytes(name, encoded))
    return path


def tensor_bytes(name: str, encoded: Encoded) -> bytes:
    """One tensor's record: header, name and data."""
    format_name, raw, shape = encoded
    if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        shape = (*shape, 1)  # as whisper.cpp's converter does
    ne = shape[::-1]
    stored_name = name.encode()
    header = struct.pack(f"<{3 + len(ne)}i", len(ne), len(stored_name), GGMLQuantizationType[format_name], *ne)
    return header + stored_name + raw.tobytes()


@dataclass(frozen=True)
class WalkedTensor:
    """A tensor's place in a file: `header` and `data` are offsets; `ne` is ggml's order, fastest first."""

    name: str
    type_number: int
    ne: tuple[int, ...]
    header: int
    data: int
    n_bytes: int


def walk_ggml(file: bytes) -> list[WalkedTensor]:
    """The tensors of a valid file, by a straight walk through its fields."""
    offset = 4 + 11 * 4
    n_mels, n_freqs = struct.unpack_from("<2i", file, offset)
    offset += 8 + 4 * n_mels * n_freqs
    (n_tokens,) = struct.unpack_from("<i", file, offset)
    offset += 4
    for _ in range(n_tokens):
        offset += 4 + struct.unpack_from("<I", file, offset)[0]
    tensors = []
    while offset < len(file):
        header = offset
        n_dims, name_length, type_number = struct.unpack_from("<3i", file, offset)
        ne = struct.unpack_from(f"<{n_dims}i", file, offset + 12)
        offset += 12 + 4 * n_dims
        name = file[offset : offset + name_length].decode()
        offset += name_length
        block_size, type_size = GGML_QUANT_SIZES[GGMLQuantizationType(type_number)]
        n_bytes = math.prod(ne) // block_size * type_size
        tensors.append(WalkedTensor(name, type_number, ne, header, offset, n_bytes))
        offset += n_bytes
    return tensors
