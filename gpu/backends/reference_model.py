"""The Whisper network in plain NumPy float32: slow, readable, the golden standard of the other backends.

Method: Radford et al. 2022 (arXiv:2212.04356) as published in openai/whisper's model.py. One window and one
sequence at a time; no arithmetic is shared with another backend, so that a mistake cannot hide in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from gpu.backends.base import Floats
from gpu.cancel import CancelToken
from gpu.model_file import ModelFile

LAYER_NORM_EPS = 1e-5

# erf is tabled at these nodes and continued from the nearest one by its Taylor series; beyond 4 it is 1 in float32.
_ERF_NODES_PER_UNIT = 64
_ERF_NODES = np.arange(4 * _ERF_NODES_PER_UNIT + 1, dtype=np.float32) / _ERF_NODES_PER_UNIT
_ERF = np.array([math.erf(node) for node in _ERF_NODES], np.float32)
_ERF_SLOPE = (2 / math.sqrt(math.pi) * np.exp(-np.square(_ERF_NODES, dtype=np.float64))).astype(np.float32)


def erf(x: Floats) -> Floats:
    """The error function, float32 in and out, within 1.2e-7 of math.erf."""
    magnitude = np.minimum(np.abs(x), _ERF_NODES[-1])
    nearest = np.rint(magnitude * _ERF_NODES_PER_UNIT).astype(np.intp)
    node = _ERF_NODES[nearest]
    step = magnitude - node
    series = step * (1 - step * (node - step * (2 * node * node - 1) / 3))
    signed: Floats = np.copysign(_ERF[nearest] + _ERF_SLOPE[nearest] * series, x)
    return signed


def gelu(x: Floats) -> Floats:
    """x * Phi(x) with the exact normal distribution (erf), as openai/whisper uses it."""
    return x * 0.5 * (1 + erf(x * np.float32(math.sqrt(0.5))))


def softmax(x: Floats) -> Floats:
    """Over the last axis."""
    exponentials: Floats = np.exp(x - x.max(axis=-1, keepdims=True))
    exponentials /= exponentials.sum(axis=-1, keepdims=True)
    return exponentials


@dataclass(frozen=True)
class Linear:
    """y = x @ weight.T + bias; weight (n_out, n_in), bias (n_out,) or None."""

    weight: Floats
    bias: Floats | None

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self.weight.T
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True)
class LayerNorm:
    """Normalises the last axis to mean 0 and variance 1, then scales and shifts it; weight and bias (n_state,)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normalised: Floats = centred / np.sqrt(variance + np.float32(LAYER_NORM_EPS))
        return normalised * self.weight + self.bias


@dataclass(frozen=True)
class Conv1d:
    """Convolution over time, kernel 3, padding 1; weight (n_out, n_in, 3), bias (n_out,)."""

    weight: Floats
    bias: Floats
    stride: int

    def __call__(self, x: Floats) -> Floats:
        """(n_frames, n_in) -> (n_frames / stride, n_out)."""
        n_frames, n_in = x.shape
        padded = np.zeros((n_frames + 2, n_in), np.float32)
        padded[1:-1] = x
        taps = [padded[tap : tap + n_frames : self.stride] @ self.weight[:, :, tap].T for tap in range(3)]
        return taps[0] + taps[1] + taps[2] + self.bias


@dataclass(frozen=True)
class MultiHeadAttention:
    query: Linear
    key: Linear
    value: Linear
    out: Linear
    n_head: int

    def __call__(self, x: Floats, keys: Floats, values: Floats, mask: Floats | None = None) -> Floats:
        """Attend from x to given keys and values.

        Args:
            x: (n, n_state), before the query projection.
            keys, values: (n_ctx, n_state), projected.
            mask: (n, n_ctx), added to the scores: 0 or -inf.

        Returns:
            (n, n_state)
        """
        attended: Floats = self.weights(x, keys, mask) @ self._heads(values)
        return self.out(attended.transpose(1, 0, 2).reshape(x.shape))

    def weights(self, x: Floats, keys: Floats, mask: Floats | None = None) -> Floats:
        """How much each of x attends to each key, (n_head, n, n_ctx); arguments as above."""
        q, k = self._heads(self.query(x)), self._heads(keys)  # (n_head, n or n_ctx, n_state / n_head)
        scores = q @ k.transpose(0, 2, 1) * np.float32((x.shape[1] // self.n_head) ** -0.5)
        return softmax(scores if mask is None else scores + mask)

    def _heads(self, x: Floats) -> Floats:
        n, n_state = x.shape
        return x.reshape(n, self.n_head, n_state // self.n_head).transpose(1, 0, 2)


@dataclass(frozen=True)
class MLP:
    linear_in: Linear
    linear_out: Linear

    def __call__(self, x: Floats) -> Floats:
        return self.linear_out(gelu(self.linear_in(x)))


@dataclass(frozen=True)
class EncoderBlock:
    attn: MultiHeadAttention
    attn_ln: LayerNorm
    mlp: MLP
    mlp_ln: LayerNorm


@dataclass(frozen=True)
class DecoderBlock(EncoderBlock):
    cross_attn: MultiHeadAttention
    cross_attn_ln: LayerNorm


class KVCache:
    """Self-attention keys and values of one sequence: (n_layer, n_ctx, n_state) each, `offset` positions filled."""

    def __init__(self, n_layer: int, n_ctx: int, n_state: int) -> None:
        self.keys = np.zeros((n_layer, n_ctx, n_state), np.float32)
        self.values = np.zeros_like(self.keys)
        self.offset = 0

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def copy_from(self, other: KVCache) -> None:
        """Become `other`, which stays as it is."""
        self.keys[:, : other.offset] = other.keys[:, : other.offset]
        self.values[:, : other.offset] = other.values[:, : other.offset]
        self.offset = other.offset


class CrossKV:
    """Cross-attention keys and values of one window: (n_text_layer, n_audio_ctx, n_text_state) each."""

    def __init__(self, keys: Floats, values: Floats) -> None:
        self.keys = keys
        self.values = values

    @classmethod
    def empty(cls) -> Self:
        nothing = np.empty((0, 0, 0), np.float32)
        return cls(nothing, nothing)

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def free(self) -> None:
        """Give the memory back; the window cannot be decoded any more."""
        self.keys = self.values = np.empty((0, 0, 0), np.float32)


class Network:
    """Whisper's encoder and decoder with the weights of `model`, dequantized to float32."""

    def __init__(self, model: ModelFile) -> None:
        self.dims = dims = model.dims
        weights = _Weights(model)
        self._conv1 = weights.conv("encoder.conv1", stride=1)
        self._conv2 = weights.conv("encoder.conv2", stride=2)
        self._audio_positions = weights["encoder.positional_embedding"]  # (n_audio_ctx, n_audio_state)
        self._encoder = [
            weights.encoder_block(f"encoder.blocks.{i}", dims.n_audio_head) for i in range(dims.n_audio_layer)
        ]
        self._ln_post = weights.layer_norm("encoder.ln_post")
        self._embedding = weights["decoder.token_embedding.weight"]  # (n_vocab, n_text_state)
        self._text_positions = weights["decoder.positional_embedding"]  # (n_text_ctx, n_text_state)
        self._decoder = [
            weights.decoder_block(f"decoder.blocks.{i}", dims.n_text_head) for i in range(dims.n_text_layer)
        ]
        self._ln = weights.layer_norm("decoder.ln")

    def encode(self, mel: Floats, cancel: CancelToken) -> Floats:
        """Encode one window.

        Args:
            mel: (n_mels, 2 * n_audio) log-mel frames, n_audio_ctx positions at most.
            cancel: checked between layers' halves (some 0.1 s apart for the base model).

        Returns:
            (n_audio, n_audio_state)
        """
        x = gelu(self._conv1(mel.T))
        x = gelu(self._conv2(x))
        x = x + self._audio_positions[: len(x)]
        for block in self._encoder:
            cancel.check()
            h = block.attn_ln(x)
            x = x + block.attn(h, block.attn.key(h), block.attn.value(h))
            cancel.check()
            x = x + block.mlp(block.mlp_ln(x))
        return self._ln_post(x)

    def cross_kv(self, encoded: Floats) -> CrossKV:
        """(n_audio, n_audio_state) -> what every decoder block sees of the window."""
        keys = np.stack([block.cross_attn.key(encoded) for block in self._decoder])
        return CrossKV(keys, np.stack([block.cross_attn.value(encoded) for block in self._decoder]))

    def new_cache(self) -> KVCache:
        return KVCache(self.dims.n_text_layer, self.dims.n_text_ctx, self.dims.n_text_state)

    def decode(
        self, tokens: Sequence[int], cache: KVCache, cross: CrossKV, weights: list[Floats] | None = None
    ) -> Floats:
        """Append tokens to a sequence.

        Args:
            tokens: n ids that follow the cache.offset positions already there.
            cache: extended by n positions.
            cross: the window the sequence belongs to.
            weights: given each layer's cross-attention, (n_head, n, n_audio_ctx).

        Returns:
            (n, n_vocab) logits: row i predicts what follows tokens[i].
        """
        start, end = cache.offset, cache.offset + len(tokens)
        if end > self.dims.n_text_ctx:
            raise ValueError(f"sequence of {end} tokens, at most n_text_ctx = {self.dims.n_text_ctx} fit")
        x = self._embedding[np.asarray(tokens)] + self._text_positions[start:end]
        mask = np.triu(np.full((len(tokens), end), -np.inf, np.float32), k=start + 1)
        for layer, block in enumerate(self._decoder):
            h = block.attn_ln(x)
            cache.keys[layer, start:end] = block.attn.key(h)
            cache.values[layer, start:end] = block.attn.value(h)
            x = x + block.attn(h, cache.keys[layer, :end], cache.values[layer, :end], mask)
            h = block.cross_attn_ln(x)
            if weights is not None:
                weights.append(block.cross_attn.weights(h, cross.keys[layer]))
            x = x + block.cross_attn(h, cross.keys[layer], cross.values[layer])
            x = x + block.mlp(block.mlp_ln(x))
        cache.offset = end
        logits: Floats = self._ln(x) @ self._embedding.T
        return logits


class _Weights:
    """Builds the network's parts from the tensors below a name, as openai/whisper's state dict names them."""

    def __init__(self, model: ModelFile) -> None:
        self._tensors = model.tensors

    def __getitem__(self, name: str) -> Floats:
        return self._tensors[name].dequantize()

    def linear(self, name: str) -> Linear:
        bias = f"{name}.bias"
        return Linear(self[f"{name}.weight"], self[bias] if bias in self._tensors else None)

    def layer_norm(self, name: str) -> LayerNorm:
        return LayerNorm(self[f"{name}.weight"], self[f"{name}.bias"])

    def conv(self, name: str, stride: int) -> Conv1d:
        return Conv1d(self[f"{name}.weight"], self[f"{name}.bias"].reshape(-1), stride)

    def attention(self, name: str, n_head: int) -> MultiHeadAttention:
        query, key, value, out = (self.linear(f"{name}.{part}") for part in ("query", "key", "value", "out"))
        return MultiHeadAttention(query, key, value, out, n_head)

    def encoder_block(self, name: str, n_head: int) -> EncoderBlock:
        return EncoderBlock(
            attn=self.attention(f"{name}.attn", n_head),
            attn_ln=self.layer_norm(f"{name}.attn_ln"),
            mlp=MLP(self.linear(f"{name}.mlp.0"), self.linear(f"{name}.mlp.2")),
            mlp_ln=self.layer_norm(f"{name}.mlp_ln"),
        )

    def decoder_block(self, name: str, n_head: int) -> DecoderBlock:
        return DecoderBlock(
            **vars(self.encoder_block(name, n_head)),
            cross_attn=self.attention(f"{name}.cross_attn", n_head),
            cross_attn_ln=self.layer_norm(f"{name}.cross_attn_ln"),
        )
