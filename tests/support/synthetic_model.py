"""Small Whisper models of random weights, in either container and any dialect, complete and valid."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter

from gpu.model_file import ModelDimensions
from tests.support.ggml_writer import Encoded, write_ggml
from tests.support.requantize import encode_all

Dialect = Literal["A", "B", "C", "D"]


def synthetic_dimensions(n_state: int = 128, n_layer: int = 2, **changes: int) -> ModelDimensions:
    """Whisper's dimensions, but small: heads of 64, a real encoder context and vocabulary size."""
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=n_state, n_audio_head=n_state // 64, n_audio_layer=n_layer,
        n_vocab=51865, n_text_ctx=448, n_text_state=n_state, n_text_head=n_state // 64, n_text_layer=n_layer,
    )  # fmt: skip
    return replace(dims, **changes)


@cache
def synthetic_vocabulary() -> list[bytes]:
    """50257 tokens: the 256 bytes, then distinct words."""
    return [bytes([i]) for i in range(256)] + [f" w{i}".encode() for i in range(256, 50257)]


@dataclass(frozen=True, eq=False)
class SyntheticModel:
    """Weights (float32, by OpenAI's names) and everything else a model file holds."""

    dims: ModelDimensions
    weights: dict[str, np.ndarray]
    vocabulary: list[bytes] = field(default_factory=synthetic_vocabulary)
    mel_filters: np.ndarray = field(default_factory=lambda: np.zeros((80, 201), np.float32))
    _encoded: dict[str, dict[str, Encoded]] = field(default_factory=dict, init=False, repr=False)

    def encoded(self, format_name: str) -> dict[str, Encoded]:
        """The weights as `encode_all` stores them; kept, since encoding takes longest."""
        if format_name not in self._encoded:
            self._encoded[format_name] = encode_all(self.weights, format_name)
        return self._encoded[format_name]

    def write_ggml(self, path: Path, format_name: str = "Q5_1") -> Path:
        return write_ggml(path, self.dims, self.encoded(format_name), self.vocabulary, self.mel_filters)

    def write_gguf(self, path: Path, format_name: str = "Q5_1", dialect: Dialect = "B", **extra: object) -> Path:
        """Write a GGUF file in one of the dialects (D: with its JSON files beside it); `extra` changes metadata."""
        writer = GGUFWriter(path, "whisper")
        if dialect == "D":
            writer.kv_data[0].clear()
            (path.parent / "config.json").write_text(json.dumps(config_json(self.dims)))
            (path.parent / "tokenizer.json").write_text(json.dumps(_tokenizer_json(self.vocabulary)))
        else:
            writer.add_token_list([byte_level(token) for token in self.vocabulary])
            writer.add_token_merges(["a b", "c d"])
            for key, value in (_metadata(self.dims, dialect) | extra).items():
                (writer.add_string if isinstance(value, str) else writer.add_uint32)(key, value)
        if dialect == "A":
            writer.add_tensor("frontend.mel_filterbank", self.mel_filters)
            writer.add_tensor("frontend.window", np.hanning(400).astype(np.float32))
        elif dialect == "B":
            writer.add_tensor("mel_filters", self.mel_filters)
        for name, (stored_as, raw, shape) in self.encoded(format_name).items():
            rows = raw.reshape(*shape[:-1], -1)
            writer.add_tensor(dialect_name(name, dialect), rows, raw_dtype=GGMLQuantizationType[stored_as])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path


def synthetic_model(dims: ModelDimensions | None = None, seed: int = 0) -> SyntheticModel:
    """Random weights of the size a trained model's have, so that activations stay finite and lively."""
    dims = dims or synthetic_dimensions()
    rng = np.random.default_rng(seed)
    weights = {name: _random_weights(rng, name, shape) for name, shape in state_dict_shapes(dims).items()}
    filters = np.abs(rng.standard_normal((dims.n_mels, 201), np.float32)) * np.float32(0.01)
    return SyntheticModel(dims, weights, mel_filters=filters)


def _random_weights(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    noise = rng.standard_normal(shape, np.float32)
    if re.search(r"(_ln|\.ln|ln_post)\.weight$", name):
        return 1 + np.float32(0.1) * noise
    if len(shape) == 1:
        return np.float32(0.1) * noise
    if "embedding" in name:
        return np.float32(0.05) * noise
    return noise / np.float32(np.sqrt(np.prod(shape[1:])))


def state_dict_shapes(dims: ModelDimensions) -> dict[str, tuple[int, ...]]:
    """The shapes of openai/whisper's state dict (its sinusoids and mask aside), as its modules declare them."""
    n = dims.n_audio_state
    shapes: dict[str, tuple[int, ...]] = {
        "decoder.positional_embedding": (dims.n_text_ctx, n),
        "encoder.positional_embedding": (dims.n_audio_ctx, n),
        "decoder.token_embedding.weight": (dims.n_vocab, n),
        "encoder.conv1.weight": (n, dims.n_mels, 3),
        "encoder.conv2.weight": (n, n, 3),
    }
    linear = {"encoder.conv1": None, "encoder.conv2": None}
    norms = ["encoder.ln_post", "decoder.ln"]
    for half, n_layer, attentions in (
        ("encoder", dims.n_audio_layer, ["attn"]),
        ("decoder", dims.n_text_layer, ["attn", "cross_attn"]),
    ):
        for i in range(n_layer):
            block = f"{half}.blocks.{i}"
            norms += [f"{block}.{module}_ln" for module in (*attentions, "mlp")]
            for attention in attentions:
                linear |= {f"{block}.{attention}.{part}": (n, n) for part in ("query", "key", "value", "out")}
            linear |= {f"{block}.mlp.0": (4 * n, n), f"{block}.mlp.2": (n, 4 * n)}
    for module, shape in linear.items():
        if shape is not None:
            shapes[f"{module}.weight"] = shape
        if not module.endswith(".key"):
            shapes[f"{module}.bias"] = (shape[0] if shape else n,)
    for norm in norms:
        shapes[f"{norm}.weight"] = shapes[f"{norm}.bias"] = (n,)
    return shapes


# Rewriting rules, in order, from OpenAI's names.
_RENAMES = {
    "A": [
        (r"(encoder|decoder)\.positional_embedding", r"\1.pos_emb.weight"),
        (r"token_embedding", "token_embd"),
        (r"conv1", "conv.0"), (r"conv2", "conv.1"),
        (r"encoder\.ln_post|(?<=decoder)\.ln", lambda m: "encoder.final_norm" if "post" in m[0] else ".final_norm"),
        (r"mlp_ln", "norm_ffn"), (r"mlp\.0", "ffn.fc1"), (r"mlp\.2", "ffn.fc2"),
        (r"cross_attn_ln", "norm_cross"),
        (r"(decoder\.blocks\.\d+)\.attn_ln", r"\1.norm_self"), (r"(decoder\.blocks\.\d+)\.attn", r"\1.self_attn"),
        (r"attn_ln", "norm_attn"),
        (r"\.query\.", ".q."), (r"\.key\.", ".k."), (r"\.value\.", ".v."),
        (r"^encoder", "enc"), (r"^decoder", "dec"),
    ],
    "B": [],
    "C": [(r"^", "model.")],
    "D": [
        (r"positional_embedding", "embed_positions.weight"), (r"token_embedding", "embed_tokens"),
        (r"ln_post|(?<=decoder\.)ln", "layer_norm"), (r"blocks", "layers"),
        (r"mlp_ln", "final_layer_norm"), (r"mlp\.0", "fc1"), (r"mlp\.2", "fc2"),
        (r"cross_attn_ln", "encoder_attn_layer_norm"), (r"cross_attn", "encoder_attn"),
        (r"(?<=\.)attn_ln", "self_attn_layer_norm"), (r"(?<=\.)attn\.", "self_attn."),
        (r"query", "q_proj"), (r"key", "k_proj"), (r"value", "v_proj"), (r"attn\.out", "attn.out_proj"),
        (r"^", "model."),
    ],
}  # fmt: skip


def dialect_name(name: str, dialect: Dialect) -> str:
    """What a dialect calls OpenAI's tensor `name`."""
    for pattern, replacement in _RENAMES[dialect]:
        name = re.sub(pattern, replacement, name)
    return name


def _metadata(dims: ModelDimensions, dialect: Dialect) -> dict[str, object]:
    d = asdict(dims)
    if dialect == "A":
        return {
            "stt.variant": "whisper-synthetic",
            "stt.whisper.encoder.n_layers": d["n_audio_layer"], "stt.whisper.encoder.d_model": d["n_audio_state"],
            "stt.whisper.encoder.n_heads": d["n_audio_head"], "stt.whisper.encoder.ffn_dim": 4 * d["n_audio_state"],
            "stt.whisper.encoder.num_mel_bins": d["n_mels"], "stt.whisper.encoder.activation": "gelu",
            "stt.whisper.encoder.max_source_positions": d["n_audio_ctx"],
            "stt.whisper.decoder.n_layers": d["n_text_layer"], "stt.whisper.decoder.d_model": d["n_text_state"],
            "stt.whisper.decoder.n_heads": d["n_text_head"], "stt.whisper.decoder.vocab_size": d["n_vocab"],
            "stt.whisper.decoder.max_target_positions": d["n_text_ctx"],
        }  # fmt: skip
    encoder, decoder = ("encoder", "decoder") if dialect == "B" else ("audio", "text")
    metadata = {}
    for half, part in ((encoder, "audio"), (decoder, "text")):
        metadata |= {
            f"whisper.{half}.context_length": d[f"n_{part}_ctx"],
            f"whisper.{half}.embedding_length": d[f"n_{part}_state"],
            f"whisper.{half}.attention.head_count": d[f"n_{part}_head"],
            f"whisper.{half}.{'block_count' if dialect == 'B' else 'layer_count'}": d[f"n_{part}_layer"],
        }
    metadata["whisper.encoder.mels_count" if dialect == "B" else "whisper.audio.n_mel"] = d["n_mels"]
    return metadata


def config_json(dims: ModelDimensions) -> dict[str, object]:
    return {
        "model_type": "whisper", "activation_function": "gelu", "scale_embedding": False,
        "d_model": dims.n_audio_state, "num_mel_bins": dims.n_mels, "vocab_size": dims.n_vocab,
        "max_source_positions": dims.n_audio_ctx, "max_target_positions": dims.n_text_ctx,
        "encoder_layers": dims.n_audio_layer, "encoder_attention_heads": dims.n_audio_head,
        "decoder_layers": dims.n_text_layer, "decoder_attention_heads": dims.n_text_head,
    }  # fmt: skip


def _tokenizer_json(vocabulary: list[bytes]) -> dict[str, object]:
    return {
        "model": {"type": "BPE", "vocab": {byte_level(token): i for i, token in enumerate(vocabulary)}, "merges": []},
        "added_tokens": [{"id": 50258, "content": "<|startoftranscript|>"}],
    }


@cache
def _characters() -> list[str]:
    """GPT-2's printable character for each byte."""
    characters, n = [], 0
    for byte in range(256):
        if chr(byte).isprintable() and byte not in (0x20, 0xA0):
            characters.append(chr(byte))
        else:
            characters.append(chr(256 + n))
            n += 1
    return characters


@cache  # writing a vocabulary is most of what a small file costs
def byte_level(token: bytes) -> str:
    """A token's bytes as GPT-2's tokenizer files write them."""
    return "".join(_characters()[byte] for byte in token)
