"""CTranslate2's `model.bin` (faster-whisper): a list of variables, attention projections joined, weights perhaps int8.

Its dimensions follow from the shapes. Little-endian; a name and a string are u16 length and bytes with a final NUL.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator

import numpy as np

from gpu.errors import ModelArchitectureError
from gpu.model_convert.source import ArrayWeights, stored_weights
from gpu.model_file.architecture import HEAD_SIZE, architecture_error
from gpu.model_file.byte_reader import ByteReader, damaged, shown
from gpu.model_file.model import ModelDimensions, Weights
from gpu.model_file.quants import Bytes
from gpu.types import Words

_VERSION = 6  # of the container; earlier ones have no types
_U8, _U16, _U32 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I")
_DTYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2", 5: "<u2"}  # the last is bfloat16
_MAX_VARIABLES = 1 << 14

# CTranslate2's module -> OpenAI's. "*" is the number of the layer.
_MODULES = {
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "encoder/position_encodings/encodings": "encoder.positional_embedding",
    "decoder/embeddings": "decoder.token_embedding",
    "decoder/layer_norm": "decoder.ln",
    "decoder/position_encodings/encodings": "decoder.positional_embedding",
}
_BLOCK_MODULES = {
    "self_attention/layer_norm": "attn_ln",
    "self_attention/linear_1": "attn.out",
    "attention/layer_norm": "cross_attn_ln",
    "attention/linear_0": "cross_attn.query",
    "attention/linear_2": "cross_attn.out",
    "ffn/layer_norm": "mlp_ln",
    "ffn/linear_0": "mlp.0",
    "ffn/linear_1": "mlp.2",
}
_JOINED_MODULES = {
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
}
_PARAMETERS = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


def read_ctranslate2(data: Bytes) -> dict[str, Weights]:
    """The tensors of a file, (n,) uint8, by openai/whisper's names: views of `data`.

    Raises:
        DamagedModelError: cut short, or contradicts itself.
        ModelArchitectureError: another model than Whisper.
    """
    reader = ByteReader(data)
    (version,) = reader.unpack(_U32, Words("the version"))
    if version != _VERSION:
        raise architecture_error(
            Words("The file is CTranslate2 of version {got}, expected {expected}.", got=version, expected=_VERSION)
        )
    name = _read_name(reader, Words("the model's kind"))
    if name != "WhisperSpec":
        raise architecture_error(Words("The CTranslate2 model is {got}, expected WhisperSpec.", got=shown(name)))
    reader.unpack(_U32, Words("the revision"))
    (count,) = reader.unpack(_U32, Words("the number of variables"))
    if count > _MAX_VARIABLES:
        raise damaged(Words("it claims {n} variables, expected at most {most}", n=count, most=_MAX_VARIABLES))
    variables: dict[str, Weights] = {}
    for _ in range(count):
        name, weights = _read_variable(reader)
        if name in variables:
            raise damaged(Words("variable {name} occurs twice", name=shown(name)))
        variables[name] = weights
    return dict(_canonical(variables))


def dimensions_of(tensors: dict[str, Weights]) -> ModelDimensions:
    """The dimensions that the shapes of tensors, by openai/whisper's names, tell."""
    n_mels = _shape(tensors, "encoder.conv1.weight", 3)[1]
    n_audio_ctx, n_audio_state = _shape(tensors, "encoder.positional_embedding", 2)
    n_text_ctx, n_text_state = _shape(tensors, "decoder.positional_embedding", 2)
    return ModelDimensions(
        n_mels=n_mels,
        n_audio_ctx=n_audio_ctx,
        n_audio_state=n_audio_state,
        n_audio_head=n_audio_state // HEAD_SIZE,
        n_audio_layer=_n_layers(tensors, "encoder"),
        n_vocab=_shape(tensors, "decoder.token_embedding.weight", 2)[0],
        n_text_ctx=n_text_ctx,
        n_text_state=n_text_state,
        n_text_head=n_text_state // HEAD_SIZE,
        n_text_layer=_n_layers(tensors, "decoder"),
    )


def _shape(tensors: dict[str, Weights], name: str, n_dims: int) -> tuple[int, ...]:
    if name not in tensors or len(tensors[name].shape) != n_dims:
        raise architecture_error(
            Words("The file is not a Whisper model: it lacks {name} of {n} dimensions.", name=name, n=n_dims)
        )
    return tensors[name].shape


def _n_layers(tensors: dict[str, Weights], half: str) -> int:
    numbers = (re.match(rf"{half}\.blocks\.(\d+)\.", name) for name in tensors)
    return len({match[1] for match in numbers if match})


def _read_name(reader: ByteReader, what: Words) -> str:
    (length,) = reader.unpack(_U16, what)
    return reader.text(length, what).removesuffix("\0")


def _read_variable(reader: ByteReader) -> tuple[str, Weights]:
    name = _read_name(reader, Words("a variable's name"))
    what = Words("variable {name}", name=shown(name))
    (n_dims,) = reader.unpack(_U8, what)
    shape = reader.unpack(struct.Struct(f"<{n_dims}I"), what)
    (kind,) = reader.unpack(_U8, what)
    (n_bytes,) = reader.unpack(_U32, what)
    raw = reader.array(n_bytes, what)
    if kind not in _DTYPES:
        raise damaged(Words("{what} holds numbers of the unknown kind {kind}", what=what, kind=kind))
    dtype = np.dtype(_DTYPES[kind])
    if n_dims > 4 or 0 in shape or math.prod(shape) * dtype.itemsize != n_bytes:
        raise damaged(Words("{what} of shape {shape} has {n} bytes", what=what, shape=shown(str(shape)), n=n_bytes))
    return name, stored_weights(name, _DTYPES[kind], shape or (1,), raw)


def _canonical(variables: dict[str, Weights]) -> Iterator[tuple[str, Weights]]:
    for name, weights in variables.items():
        module, _, parameter = name.rpartition("/")
        if name in _MODULES:
            yield _MODULES[name], _scaled(name, weights, variables)
        elif parameter in _PARAMETERS:
            for target, part in _parts(module, _scaled(name, weights, variables)):
                if not target.endswith(".key") or parameter != "bias":  # keys have none: zeros are stored
                    yield f"{target}.{_PARAMETERS[parameter]}", part


def _parts(module: str, weights: Weights) -> Iterator[tuple[str, Weights]]:
    """The openai/whisper modules that one of CTranslate2's stands for, each with its rows."""
    if module in _MODULES:
        yield _MODULES[module], weights
        return
    layer = re.fullmatch(r"(encoder|decoder)/layer_(\d+)/(.+)", module)
    if layer is None:
        raise _foreign(module)
    block = f"{layer[1]}.blocks.{layer[2]}"
    if layer[3] in _BLOCK_MODULES:
        yield f"{block}.{_BLOCK_MODULES[layer[3]]}", weights
    elif layer[3] in _JOINED_MODULES:
        names = _JOINED_MODULES[layer[3]]
        n = weights.shape[0] // len(names)
        for i, name in enumerate(names):
            yield f"{block}.{name}", weights.part(n * i, n * (i + 1))
    else:
        raise _foreign(module)


def _scaled(name: str, weights: Weights, variables: dict[str, Weights]) -> Weights:
    """Integers together with what they are divided by, which is a variable of its own."""
    if not isinstance(weights, ArrayWeights) or weights.array.dtype.kind != "i":
        return weights
    scale = variables.get(f"{name}_scale")
    if scale is None or scale.shape not in ((1,), weights.shape[:1]):
        raise damaged(Words("variable {name} holds integers without the scales that belong to them", name=shown(name)))
    divisors = scale.rows(0, scale.shape[0])
    if not (np.isfinite(divisors).all() and divisors.all()):
        raise damaged(Words("variable {name} has scales that nothing can be divided by", name=shown(name)))
    return ArrayWeights(weights.shape, weights.array, divisors)


def _foreign(module: str) -> ModelArchitectureError:
    return architecture_error(Words("The file is not a Whisper model: it holds {name}.", name=shown(module)))
