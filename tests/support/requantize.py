"""Weights into ggml's block formats, and the shipped model into another type.

The quantizers are other people's: `gguf.quants` for the plain formats, and for the K-quants ggml's own C code, which
comes with pywhispercpp.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
from functools import cache
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType

from gpu.model_file import open_model
from tests.support.ggml_writer import Encoded, write_ggml

SHIPPED_MODEL = Path(__file__).resolve().parents[2] / "resources" / "models" / "ggml-base-q5_1.bin"

PLAIN_FORMATS = ("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
K_FORMATS = ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K")  # rows must be multiples of 256
FORMAT_NAMES = PLAIN_FORMATS + K_FORMATS


def requantize(target: Path, format_name: str, source: Path = SHIPPED_MODEL) -> Path:
    """Write `source` (the shipped model) to `target` as a ggml file with weights of `format_name`; returns `target`.

    Skips the calling test if a K-quant is asked for and pywhispercpp is not installed.
    """
    with open_model(source) as model:
        weights = {name: tensor.dequantize() for name, tensor in model.tensors.items()}
        return write_ggml(target, model.dims, encode_all(weights, format_name), model.vocabulary, model.mel_filters)


def encode_all(weights: dict[str, np.ndarray], format_name: str) -> dict[str, Encoded]:
    """Encode a model's weights, by name, in the types that whisper.cpp would give them."""
    encoded = {}
    for name, w in weights.items():
        stored_as = storage_format(name, w.ndim, format_name)
        encoded[name] = (stored_as, encode(w, stored_as), w.shape)
    return encoded


def storage_format(name: str, n_dims: int, format_name: str) -> str:
    """The matrices in `format_name`, the convolutions in F16 at most, vectors and positions in F32."""
    if n_dims == 1 or name.endswith("positional_embedding") or format_name == "F32":
        return "F32"
    return "F16" if n_dims == 3 else format_name


def encode(weights: np.ndarray, format_name: str) -> np.ndarray:
    """float32 of any shape -> (n_bytes,) uint8."""
    if format_name in K_FORMATS:
        return encode_by_ggml(weights, format_name)
    weights = np.ascontiguousarray(weights, np.float32)
    return gguf.quants.quantize(weights, GGMLQuantizationType[format_name]).reshape(-1).view(np.uint8)


def encode_by_ggml(weights: np.ndarray, format_name: str) -> np.ndarray:
    """As `encode`, by ggml's C code. Skips the calling test where there is none."""
    weights = np.ascontiguousarray(weights, np.float32)
    quantization_type = GGMLQuantizationType[format_name]
    block_size, type_size = gguf.GGML_QUANT_SIZES[quantization_type]
    n_columns = weights.shape[-1]
    n_rows = weights.size // n_columns
    assert n_columns % block_size == 0, f"rows of {n_columns} weights cannot be {format_name}"
    encoded = np.empty(weights.size // block_size * type_size, np.uint8)
    n_bytes = ggml_library().ggml_quantize_chunk(
        quantization_type, weights.ctypes.data, encoded.ctypes.data, 0, n_rows, n_columns, None
    )
    assert n_bytes == encoded.size
    return encoded


@cache
def ggml_library() -> ctypes.CDLL:
    """ggml's base library, from pywhispercpp's wheel; without it the calling test is skipped."""
    try:
        files = importlib.metadata.files("pywhispercpp") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pywhispercpp is not installed: no quantizer for the K-quants")
    found = [file for file in files if file.name in ("libggml-base.so", "libggml-base.dylib", "ggml-base.dll")]
    if not found:
        pytest.skip("pywhispercpp brings no ggml-base library on this platform: no quantizer for the K-quants")
    library = ctypes.CDLL(str(found[0].locate()))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
    ]  # fmt: skip
    return library
