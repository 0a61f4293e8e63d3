"""The decoder network on the device: prompts through matrix products, then one token of every sequence at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from gpu.backends.base import DecodePlan
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_attention_memory import CrossScratch, KeptQueries
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_network import DeviceNetwork, Norm
from gpu.backends.cuda_plan import prompt_arrays, text_arrays
from gpu.backends.cuda_sampling import SamplingOps, Sequences
from gpu.model_file import ModelDimensions


class TextBuffers:
    """What a decoder's sequences read and write, taken at once: captured graphs point to it.

    Attributes:
        cache: (n_text_layer, 2, n, n_head, n_ctx, 64) float16.
        table: (n, n_ctx) int32, the row of the cache each position lies in.
        cross: (rows,) uint64, addresses of the windows' cross-attention keys and values.
        logits: (n, n_vocab) float32.
        scratch: of cross-attention; it keeps the alignment heads' queries if the plan wants them.
    """

    def __init__(self, device: CudaDevice, arena: Arena, dims: ModelDimensions, plan: DecodePlan) -> None:
        arrays = arena.take_all(text_arrays(dims, plan))
        self.cache, self.table, self.cross = arrays["cache"], arrays["table"], arrays["cross"]
        self.x, self.q, self.attended, self.wide = (arrays[name] for name in ("x", "q", "attended", "wide"))
        self.logits = arrays["logits"]
        n, n_ctx = self.table.shape
        self.n, self.n_ctx = n, n_ctx
        self.kept = KeptQueries(device, arena, dims, n) if plan.align else None
        self.scratch = CrossScratch(device, arena, dims, plan.rows, plan.sequences, self.kept)


class TextNetwork:
    """The launches, and the buffers for prompts that all decoders share."""

    def __init__(self, device: CudaDevice, network: DeviceNetwork, arena: Arena) -> None:
        self.dims = network.dims
        self._device, self._network = device, network
        self._linear, self._attention, self._sampling = LinearOps(device), AttentionOps(device), SamplingOps(device)
        arrays = arena.take_all(prompt_arrays(network.dims))
        self._tokens, self._x, self._wide, self._weights = (arrays[n] for n in ("tokens", "x", "wide", "weights"))
        self._h, self._q, self._k, self._v = (arrays[name] for name in ("h", "q", "k", "v"))

    def step(self, n: int, buffers: TextBuffers, sequences: Sequences) -> None:
        """Append the token that each of the first `n` sequences waits for: `buffers.logits` are those after it.

        Everything that changes from step to step lies on the device: the launches may be captured.
        """
        network, linear = self._network, self._linear
        x, q, attended, wide = (a[:n] for a in (buffers.x, buffers.q, buffers.attended, buffers.wide))
        states, table, cache = sequences.states, buffers.table, buffers.cache
        gemv = partial(linear.gemv, states=states)
        self._sampling.embed(network.embedding, network.text_positions, sequences, x)
        for layer, block in enumerate(network.decoder):
            own, cross = block.attn, block.cross
            assert cross is not None
            linear.gemv_qkv(x, own.norm, (own.query, own.key, own.value), q, cache[layer], states)
            self._attention.self_attention(q, cache[layer], states, table, attended)
            gemv(attended, own.out.matrix, x, own.out.bias, accumulate=True)
            gemv(x, cross.query.matrix, q, cross.query.bias, norm=cross.norm)
            self._attention.cross_attention(q, buffers.cross, layer, states, attended, buffers.scratch)
            gemv(attended, cross.out.matrix, x, cross.out.bias, accumulate=True)
            gemv(x, block.mlp_in.matrix, wide, block.mlp_in.bias, norm=block.mlp_norm, gelu=True)
            gemv(wide, block.mlp_out.matrix, x, block.mlp_out.bias, accumulate=True)
        gemv(x, network.embedding, buffers.logits[:n], norm=network.ln)

    def prompt(self, tokens: Sequence[int], sequence: int, cross: DeviceArray, buffers: TextBuffers) -> None:
        """Store a sequence's first tokens: `logits_after` tells what follows them.

        Args:
            sequence: whose row of the cache they go to.
            cross: its window's keys and values, (n_text_layer, 2, n_head, n_audio_ctx, 64) float16.
        """
        n = len(tokens)
        x, h, q, k, v, wide = (a[:n] for a in (self._x, self._h, self._q, self._k, self._v, self._wide))
        linear, attention = self._linear, self._attention
        self._device.upload(self._tokens[:n], np.array(tokens, np.int32))
        self._sampling.embed_prompt(self._network.embedding, self._network.text_positions, self._tokens[:n], 0, x)
        for layer, block in enumerate(self._network.decoder):
            own, other = block.attn, block.cross
            assert other is not None
            self._norm(x, own.norm, h)
            for part, out in ((own.query, q), (own.key, k), (own.value, v)):
                linear.gemm(h, part.matrix, out, part.bias)
            attention.store_prompt(k, v, buffers.cache[layer], sequence, 0)
            attention.prompt_attention(q, buffers.cache[layer], sequence, 0, h)
            linear.gemm(h, own.out.matrix, x, own.out.bias, accumulate=True)
            self._norm(x, other.norm, h)
            linear.gemm(h, other.query.matrix, q, other.query.bias)
            if buffers.kept is not None:
                attention.keep_queries(q, buffers.kept, layer, sequence, 0)
            attention.prompt_cross_attention(q, cross, layer, h)
            linear.gemm(h, other.out.matrix, x, other.out.bias, accumulate=True)
            self._norm(x, block.mlp_norm, h)
            linear.gemm(h, block.mlp_in.matrix, wide, block.mlp_in.bias, gelu=True)
            linear.gemm(wide, block.mlp_out.matrix, x, block.mlp_out.bias, accumulate=True)

    def logits_after(self, position: int, out: DeviceArray) -> None:
        """The logits after a position of the latest prompt, (1, n_vocab) float32."""
        x = self._x[position : position + 1]
        self._linear.gemv(x, self._network.embedding, out, norm=self._network.ln)

    def hidden(self, x: DeviceArray, out: DeviceArray) -> DeviceArray:
        """What logits are made of, (n, d) float32, from the residual stream."""
        self._norm(x, self._network.ln, out)
        return out

    def hidden_after(self, position: int, out: DeviceArray) -> DeviceArray:
        """The same of a position of the latest prompt, (1, d)."""
        return self.hidden(self._x[position : position + 1], out)

    def looked_at(self, kept: KeptQueries, sequence: int, cross: DeviceArray, first: int, n: int) -> DeviceArray:
        """Where the alignment heads looked at positions [first, first + n) at most: (n_kept, n, n_audio_ctx) float32,
        until the next call."""
        n_kept, n_audio_ctx = kept.queries.shape[1], cross.shape[3]
        n = min(n, self.dims.n_text_ctx // n_kept)
        weights = self._weights[: n_kept * n].reshape(n_kept, n, n_audio_ctx)
        self._attention.cross_weights(kept, sequence, cross, first, weights)
        return weights

    def _norm(self, x: DeviceArray, norm: Norm, out: DeviceArray) -> None:
        self._attention.layer_norm(x, norm.weight, norm.bias, out)
