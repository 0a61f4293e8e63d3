"""Whisper in NumPy with the rounding of the CUDA engine: float16 where it has float16, 8 bits where it has those.

Written from the engine's description, not from its code: what is left between the two is the order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpu.backends.reference_model import LayerNorm, gelu

Floats = np.ndarray
HEAD = 64
TILE = 64  # keys that flash attention takes at a time: weights are rounded relative to the highest score so far


def half(x: Floats) -> Floats:
    """Rounded to float16."""
    return x.astype(np.float16).astype(np.float32)


def eight_bits(x: Floats) -> Floats:
    """Rounded to q8_1: 32 at a time to multiples of the largest / 127."""
    blocks = x.reshape(*x.shape[:-1], -1, 32)
    most = np.abs(blocks).max(axis=-1, keepdims=True)
    inverse = np.divide(np.float32(127), most, out=np.zeros_like(most), where=most > 0)
    return (np.rint(blocks * inverse) * (most / np.float32(127))).reshape(x.shape)


class RoundedWhisper:
    """A model's network; shapes as in `gpu.backends.reference_model`."""

    def __init__(self, model) -> None:
        self.dims = model.dims
        self._types = {name: tensor.type.__name__ for name, tensor in model.tensors.items()}
        self._weights = {name: tensor.dequantize() for name, tensor in model.tensors.items()}

    def encode(self, mel: Floats) -> Floats:
        """(n_mels, 2 * n_audio_ctx) -> (n_text_layer, 2, n_audio_ctx, n_state): each layer's cross keys and values."""
        x = half(gelu(self._conv("encoder.conv1", half(mel.T), 1)))
        x = gelu(self._conv("encoder.conv2", x, 2)) + self._weights["encoder.positional_embedding"]
        for layer in range(self.dims.n_audio_layer):
            block = f"encoder.blocks.{layer}"
            h = self._norm(f"{block}.attn_ln", x)
            q, k, v = (half(self._gemm(f"{block}.attn.{part}", h)) for part in ("query", "key", "value"))
            x = x + self._gemm(f"{block}.attn.out", flash(q, k, v))
            x = x + self._mlp(block, x)
        h = self._norm("encoder.ln_post", x)
        blocks = [f"decoder.blocks.{layer}.cross_attn" for layer in range(self.dims.n_text_layer)]
        return np.stack([[half(self._gemm(f"{b}.{part}", h)) for part in ("key", "value")] for b in blocks])

    def prompt(self, tokens: Sequence[int], cross: Floats) -> tuple[Floats, list[Floats]]:
        """The residual stream behind each token, and each layer's (2, n, n_state) keys and values of the prompt."""
        embedding, positions = (self._weights[f"decoder.{name}"] for name in ("token_embedding.weight", "positional_embedding"))
        x = embedding[list(tokens)] + positions[: len(tokens)]
        cache = []
        for layer in range(self.dims.n_text_layer):
            block = f"decoder.blocks.{layer}"
            h = self._norm(f"{block}.attn_ln", x)
            q, k, v = (half(self._gemm(f"{block}.attn.{part}", h)) for part in ("query", "key", "value"))
            cache.append(np.stack([k, v]))
            x = x + self._gemm(f"{block}.attn.out", flash(q, k, v, causal=True))
            q = half(self._gemm(f"{block}.cross_attn.query", self._norm(f"{block}.cross_attn_ln", x)))
            x = x + self._gemm(f"{block}.cross_attn.out", flash(q, *cross[layer]))
            x = x + self._mlp(block, x)
        return x, cache

    def step(self, token: int, cache: list[Floats], cross: Floats) -> Floats:
        """Append a token to the cache: the logits after it, (n_vocab,)."""
        embedding, positions = (self._weights[f"decoder.{name}"] for name in ("token_embedding.weight", "positional_embedding"))
        x = embedding[token] + positions[cache[0].shape[1]]
        for layer in range(self.dims.n_text_layer):
            block = f"decoder.blocks.{layer}"
            h = self._full_norm(f"{block}.attn_ln", x)
            q, k, v = (self._gemv(f"{block}.attn.{part}", h) for part in ("query", "key", "value"))
            cache[layer] = np.concatenate([cache[layer], half(np.stack([k, v]))[:, np.newaxis]], axis=1)
            x = x + self._gemv(f"{block}.attn.out", attend(q, *cache[layer]))
            q = self._gemv(f"{block}.cross_attn.query", self._full_norm(f"{block}.cross_attn_ln", x))
            x = x + self._gemv(f"{block}.cross_attn.out", attend(q, *cross[layer]))
            wide = gelu(self._gemv(f"{block}.mlp.0", self._full_norm(f"{block}.mlp_ln", x)))
            x = x + self._gemv(f"{block}.mlp.2", wide)
        return self.logits(x)

    def logits(self, x: Floats) -> Floats:
        """(n_state,) -> (n_vocab,)"""
        return self._gemv("decoder.token_embedding", self._full_norm("decoder.ln", x))

    def _mlp(self, block: str, x: Floats) -> Floats:
        wide = half(gelu(self._gemm(f"{block}.mlp.0", self._norm(f"{block}.mlp_ln", x))))
        return self._gemm(f"{block}.mlp.2", wide)

    def _norm(self, name: str, x: Floats) -> Floats:
        return half(self._full_norm(name, x))

    def _full_norm(self, name: str, x: Floats) -> Floats:
        return LayerNorm(self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])(x)

    def _conv(self, name: str, x: Floats, stride: int) -> Floats:
        weight, padded = half(self._weights[f"{name}.weight"]), np.pad(x, ((1, 1), (0, 0)))
        taps = [padded[tap : tap + len(x) : stride] @ weight[:, :, tap].T for tap in range(3)]
        return sum(taps) + self._weights[f"{name}.bias"].reshape(-1)

    def _gemm(self, name: str, x: Floats) -> Floats:
        """On tensor cores: both factors are halves."""
        return x @ half(self._weights[f"{name}.weight"]).T + self._bias(name)

    def _gemv(self, name: str, x: Floats) -> Floats:
        """Integer products of quantized weights; others as they are."""
        weight, is_quantized = self._weights[f"{name}.weight"], self._types[f"{name}.weight"].startswith("Q")
        return (eight_bits(x) if is_quantized else x) @ weight.T + self._bias(name)

    def _bias(self, name: str) -> Floats:
        return self._weights.get(f"{name}.bias", np.float32(0))


def attend(q: Floats, k: Floats, v: Floats) -> Floats:
    """One query (n_state,), keys and values (n, n_state), float32 throughout."""
    scores = (k * q).reshape(len(k), -1, HEAD).sum(axis=-1) / np.float32(8)  # (n, n_head)
    weights = np.exp(scores - scores.max(axis=0))
    return ((weights / weights.sum(axis=0))[:, :, np.newaxis] * v.reshape(len(v), -1, HEAD)).sum(axis=0).reshape(-1)


def flash(q: Floats, k: Floats, v: Floats, causal: bool = False) -> Floats:
    """Queries (n, n_state): the weights are rounded to float16 before they meet the values, the sum of them is not."""
    heads = [slice(i, i + HEAD) for i in range(0, q.shape[1], HEAD)]
    return half(np.concatenate([_flash_head(q[:, h], k[:, h], v[:, h], causal) for h in heads], axis=1))


def _flash_head(q: Floats, k: Floats, v: Floats, causal: bool) -> Floats:
    scores = q @ k.T / np.float32(8)
    if causal:
        scores[np.triu_indices(len(q), 1)] = -1e30
    highest, total, attended = np.full((len(q), 1), -1e30, np.float32), np.float32(0), np.float32(0)
    for begin in range(0, len(k), TILE):
        part = scores[:, begin : begin + TILE]
        now = np.maximum(highest, part.max(axis=1, keepdims=True))
        fade, weights = np.exp(highest - now), np.exp(part - now)
        total = total * fade + weights.sum(axis=1, keepdims=True)
        attended = attended * fade + half(weights) @ v[begin : begin + TILE]
        highest = now
    return attended / total
