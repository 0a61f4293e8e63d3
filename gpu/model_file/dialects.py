"""What the metadata and tensors of a GGUF file are called, by the program that wrote it; all to OpenAI's names.

Four dialects are in use:

- A, transcribe.cpp and Handy: `stt.whisper.encoder.d_model`, `enc.blocks.0.attn.q.weight`;
- B, ggml's GGUF specification: `whisper.encoder.embedding_length`; it defines no tensor names, we write OpenAI's;
- C, various converters: `whisper.audio.embedding_length`, OpenAI's tensor names, some behind a prefix;
- D, candle: no metadata, so Hugging Face's `config.json` and `tokenizer.json` must lie beside the file; its tensor
  names are Hugging Face's, `model.encoder.layers.0.self_attn.q_proj.weight`.

Metadata and tensor names are recognised independently of each other, since converters mix them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu.model_file.architecture import (
    N_FREQS,
    W,
    architecture_error,
    check_dimensions,
    expected_shapes,
    select_tensors,
)
from gpu.model_file.byte_reader import damaged, shown
from gpu.model_file.gguf import GgufContents
from gpu.model_file.mel_filters import mel_filters
from gpu.model_file.model import ModelContents, ModelDimensions, Tensor, Weights
from gpu.model_file.quants import Floats
from gpu.model_file.side_files import read_json
from gpu.model_file.vocabulary import read_vocabulary
from gpu.types import Words

# Dimension -> the metadata that state it: dialects A, B, C, and last config.json's.
_DIMENSION_KEYS = {
    "n_mels": (
        "stt.whisper.encoder.num_mel_bins", "whisper.encoder.mels_count", "whisper.audio.num_mel_bins",
        "whisper.audio.n_mel", "whisper.audio.n_mels", "num_mel_bins",
    ),
    "n_audio_ctx": (
        "stt.whisper.encoder.max_source_positions", "whisper.encoder.context_length", "whisper.audio.context_length",
        "whisper.audio.ctx", "max_source_positions",
    ),
    "n_audio_state": (
        "stt.whisper.encoder.d_model", "whisper.encoder.embedding_length", "whisper.audio.embedding_length", "d_model",
    ),
    "n_audio_head": (
        "stt.whisper.encoder.n_heads", "whisper.encoder.attention.head_count", "whisper.audio.attention.head_count",
        "whisper.audio.head_count", "encoder_attention_heads",
    ),
    "n_audio_layer": (
        "stt.whisper.encoder.n_layers", "whisper.encoder.block_count", "whisper.encoder.layer_count",
        "whisper.audio.block_count", "whisper.audio.layer_count", "encoder_layers",
    ),
    "n_vocab": (
        "stt.whisper.decoder.vocab_size", "whisper.vocab_size", "whisper.decoder.vocab_size", "whisper.text.vocab_size",
        "vocab_size",
    ),
    "n_text_ctx": (
        "stt.whisper.decoder.max_target_positions", "whisper.decoder.context_length", "whisper.text.context_length",
        "whisper.text.ctx", "max_target_positions",
    ),
    "n_text_state": (
        "stt.whisper.decoder.d_model", "whisper.decoder.embedding_length", "whisper.text.embedding_length", "d_model",
    ),
    "n_text_head": (
        "stt.whisper.decoder.n_heads", "whisper.decoder.attention.head_count", "whisper.text.attention.head_count",
        "whisper.text.head_count", "decoder_attention_heads",
    ),
    "n_text_layer": (
        "stt.whisper.decoder.n_layers", "whisper.decoder.block_count", "whisper.decoder.layer_count",
        "whisper.text.block_count", "whisper.text.layer_count", "decoder_layers",
    ),
}  # fmt: skip

# What else must be as in OpenAI's models, where a file speaks of it.
_REQUIRED_VALUES = {
    "stt.whisper.encoder.activation": "gelu",
    "stt.whisper.decoder.activation": "gelu",
    "stt.whisper.decoder.tie_word_embeddings": True,
    "stt.whisper.decoder.scale_embedding": False,
    "activation_function": "gelu",
    "tie_word_embeddings": True,
    "scale_embedding": False,
}

# OpenAI's module -> transcribe.cpp's (A), Hugging Face's (D). "*" is the number of the block.
_MODULE_NAMES = {
    "encoder.positional_embedding": ("enc.pos_emb.weight", "encoder.embed_positions.weight"),
    "encoder.conv1": ("enc.conv.0", "encoder.conv1"),
    "encoder.conv2": ("enc.conv.1", "encoder.conv2"),
    "encoder.ln_post": ("enc.final_norm", "encoder.layer_norm"),
    "encoder.blocks.*.attn_ln": ("enc.blocks.*.norm_attn", "encoder.layers.*.self_attn_layer_norm"),
    "encoder.blocks.*.attn.query": ("enc.blocks.*.attn.q", "encoder.layers.*.self_attn.q_proj"),
    "encoder.blocks.*.attn.key": ("enc.blocks.*.attn.k", "encoder.layers.*.self_attn.k_proj"),
    "encoder.blocks.*.attn.value": ("enc.blocks.*.attn.v", "encoder.layers.*.self_attn.v_proj"),
    "encoder.blocks.*.attn.out": ("enc.blocks.*.attn.out", "encoder.layers.*.self_attn.out_proj"),
    "encoder.blocks.*.mlp_ln": ("enc.blocks.*.norm_ffn", "encoder.layers.*.final_layer_norm"),
    "encoder.blocks.*.mlp.0": ("enc.blocks.*.ffn.fc1", "encoder.layers.*.fc1"),
    "encoder.blocks.*.mlp.2": ("enc.blocks.*.ffn.fc2", "encoder.layers.*.fc2"),
    "decoder.positional_embedding": ("dec.pos_emb.weight", "decoder.embed_positions.weight"),
    "decoder.token_embedding": ("dec.token_embd", "decoder.embed_tokens"),
    "decoder.ln": ("dec.final_norm", "decoder.layer_norm"),
    "decoder.blocks.*.attn_ln": ("dec.blocks.*.norm_self", "decoder.layers.*.self_attn_layer_norm"),
    "decoder.blocks.*.attn.query": ("dec.blocks.*.self_attn.q", "decoder.layers.*.self_attn.q_proj"),
    "decoder.blocks.*.attn.key": ("dec.blocks.*.self_attn.k", "decoder.layers.*.self_attn.k_proj"),
    "decoder.blocks.*.attn.value": ("dec.blocks.*.self_attn.v", "decoder.layers.*.self_attn.v_proj"),
    "decoder.blocks.*.attn.out": ("dec.blocks.*.self_attn.out", "decoder.layers.*.self_attn.out_proj"),
    "decoder.blocks.*.cross_attn_ln": ("dec.blocks.*.norm_cross", "decoder.layers.*.encoder_attn_layer_norm"),
    "decoder.blocks.*.cross_attn.query": ("dec.blocks.*.cross_attn.q", "decoder.layers.*.encoder_attn.q_proj"),
    "decoder.blocks.*.cross_attn.key": ("dec.blocks.*.cross_attn.k", "decoder.layers.*.encoder_attn.k_proj"),
    "decoder.blocks.*.cross_attn.value": ("dec.blocks.*.cross_attn.v", "decoder.layers.*.encoder_attn.v_proj"),
    "decoder.blocks.*.cross_attn.out": ("dec.blocks.*.cross_attn.out", "decoder.layers.*.encoder_attn.out_proj"),
    "decoder.blocks.*.mlp_ln": ("dec.blocks.*.norm_ffn", "decoder.layers.*.final_layer_norm"),
    "decoder.blocks.*.mlp.0": ("dec.blocks.*.ffn.fc1", "decoder.layers.*.fc1"),
    "decoder.blocks.*.mlp.2": ("dec.blocks.*.ffn.fc2", "decoder.layers.*.fc2"),
}
_OPENAI_NAMES = {module: module for module in _MODULE_NAMES}
_TRANSCRIBE_CPP_NAMES = {module: names[0] for module, names in _MODULE_NAMES.items()}
_HUGGING_FACE_NAMES = {module: names[1] for module, names in _MODULE_NAMES.items()}
_NAMINGS = (_OPENAI_NAMES, _TRANSCRIBE_CPP_NAMES, _HUGGING_FACE_NAMES)
_PREFIXES = ("", "model.", "whisper.")

_MEL_FILTER_NAMES = ("mel_filters", "frontend.mel_filterbank")
_FRONTEND_NAMES = (*_MEL_FILTER_NAMES, "frontend.window")


def interpret(gguf: GgufContents, folder: Path) -> ModelContents:
    """Make a Whisper model of a GGUF file's contents.

    Args:
        gguf: the container's contents, in any dialect.
        folder: where the file lies; `config.json` and `tokenizer.json` are read there if the file lacks what they say.

    Raises:
        ModelArchitectureError: other dimensions, incomplete, or of no known dialect.
        DamagedModelError: a tensor under two names; a vocabulary or JSON file that cannot be decoded.
    """
    stated: Mapping[str, Any] = gguf.metadata
    if not any(key in stated for key in _DIMENSION_KEYS["n_audio_state"]):
        stated = read_json(folder / "config.json", Words("its dimensions"))
    dims = dimensions(stated, gguf.tensors)
    tensors = canonical_tensors(gguf.tensors, dims)
    filters = next((tensors.pop(name) for name in _MEL_FILTER_NAMES if name in tensors), None)
    for name in _FRONTEND_NAMES:
        tensors.pop(name, None)
    return ModelContents(
        dims, _mel_filters(filters, dims), read_vocabulary(gguf, folder, dims), select_tensors(tensors, dims)
    )


def dimensions(stated: Mapping[str, Any], tensors: Mapping[str, Weights]) -> ModelDimensions:
    """The dimensions that metadata, or a config.json, state.

    Args:
        stated: in any dialect.
        tensors: by the names they are stored under; asked where the size of the vocabulary is not stated.

    Raises:
        ModelArchitectureError: not Whisper's, or not stated.
    """
    for key, required in _REQUIRED_VALUES.items():
        if stated.get(key, required) != required:
            got = shown(str(stated[key]))
            raise architecture_error(Words("{key} is {got}, expected {expected}.", key=key, got=got, expected=required))
    dims = {}
    for name, keys in _DIMENSION_KEYS.items():
        stated_key = next((key for key in keys if key in stated), None)
        if stated_key is not None:
            value = stated[stated_key]
            if type(value) is not int:
                raise architecture_error(
                    Words("{key} is {got}, expected an integer.", key=stated_key, got=shown(str(value)))
                )
            dims[name] = value
        elif name == "n_vocab":  # dialect B may leave it out
            dims[name] = _rows_of_token_embedding(tensors)
        else:
            raise architecture_error(Words("The file does not state {name} ({keys}).", name=name, keys=", ".join(keys)))
    found = ModelDimensions(**dims)
    check_dimensions(found)
    return found


def _rows_of_token_embedding(tensors: Mapping[str, Weights]) -> int:
    endings = tuple(f"{names['decoder.token_embedding']}.weight" for names in _NAMINGS)
    for name, tensor in tensors.items():
        if name.endswith(endings):
            return tensor.shape[0]
    raise architecture_error(Words("The file is not a Whisper model: it lacks {names}.", names=endings[0]))


def canonical_tensors(tensors: Mapping[str, W], dims: ModelDimensions) -> dict[str, W]:
    """The tensors by OpenAI's names; those that have none keep theirs (less the prefix).

    Raises:
        DamagedModelError: a tensor under two names.
    """
    names = list(expected_shapes(dims))
    candidates = [
        {prefix + _translate(name, naming): name for name in names} for naming in _NAMINGS for prefix in _PREFIXES
    ]
    canonical = max(candidates, key=lambda candidate: len(candidate.keys() & tensors.keys()))
    renamed: dict[str, W] = {}
    for stored, tensor in tensors.items():
        name = canonical.get(stored, _without_prefix(stored))
        if name in renamed:
            raise damaged(Words("tensor {name} occurs twice, under two names", name=shown(name)))
        renamed[name] = tensor
    return renamed


def _translate(name: str, naming: Mapping[str, str]) -> str:
    """An OpenAI tensor name, in another naming."""
    module, _, parameter = name.rpartition(".")
    if parameter not in ("weight", "bias"):  # the positional embeddings are parameters themselves
        return naming[name]
    block = re.match(r"(\w+\.blocks\.)(\d+)(\..+)", module)
    if block is None:
        return f"{naming[module]}.{parameter}"
    start, number, end = block.groups()
    return f"{naming[f'{start}*{end}'].replace('*', number)}.{parameter}"


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES[1:]:
        name = name.removeprefix(prefix)
    return name


def _mel_filters(stored: Tensor | None, dims: ModelDimensions) -> Floats:
    if stored is None:
        return mel_filters(dims.n_mels)
    if stored.shape != (dims.n_mels, N_FREQS):
        expected = (dims.n_mels, N_FREQS)
        raise architecture_error(
            Words("The mel filters have shape {got}, expected {expected}.", got=stored.shape, expected=expected)
        )
    return stored.dequantize()
