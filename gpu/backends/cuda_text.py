"""The decoder network on the device: prompts through matrix products, then one token of every sequence at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_network import Attention, DeviceNetwork, Norm
from gpu.backends.cuda_sampling import SamplingOps, Sequences, Shapes
from gpu.model_file import ModelDimensions

HEAD_SIZE = 64
Watch = Callable[[int, DeviceArray], None]  # given a layer and its cross-attention's queries, (M, d) float16


class TextBuffers:
    """What a decoder's sequences read and write, taken at once: captured graphs point to it.

    Args:
        n: sequences; rows: windows; n_ctx: tokens a sequence may hold.

    Attributes:
        cache: (n_text_layer, 2, n, n_head, n_ctx, 64) float16.
        table: (n, n_ctx) int32, the row of the cache each position lies in.
        cross: (rows,) uint64, addresses of the windows' cross-attention keys and values.
        logits: (n, n_vocab) float32.
    """

    def __init__(self, arena: Arena, dims: ModelDimensions, n: int, rows: int, n_ctx: int) -> None:
        self.n, self.n_ctx = n, n_ctx
        arrays = {name: arena.take(*spec) for name, spec in self.arrays(dims, n, rows, n_ctx).items()}
        self.cache, self.table, self.cross = arrays["cache"], arrays["table"], arrays["cross"]
        self.x, self.q, self.attended, self.wide = (arrays[name] for name in ("x", "q", "attended", "wide"))
        self.logits = arrays["logits"]

    @staticmethod
    def arrays(dims: ModelDimensions, n: int, rows: int, n_ctx: int) -> Shapes:
        """What it takes of an arena."""
        d = dims.n_text_state
        return {
            "cache": ((dims.n_text_layer, 2, n, dims.n_text_head, n_ctx, HEAD_SIZE), np.float16),
            "table": ((n, n_ctx), np.int32),
            "cross": ((rows,), np.uint64),
            "x": ((n, d), np.float32),
            "q": ((n, d), np.float32),
            "attended": ((n, d), np.float32),
            "wide": ((n, 4 * d), np.float32),
            "logits": ((n, dims.n_vocab), np.float32),
        }


class TextNetwork:
    """The launches, and the buffers for prompts that all decoders share."""

    def __init__(self, device: CudaDevice, network: DeviceNetwork, arena: Arena) -> None:
        self.dims = network.dims
        self._device, self._network = device, network
        self._linear, self._attention, self._sampling = LinearOps(device), AttentionOps(device), SamplingOps(device)
        arrays = {name: arena.take(*spec) for name, spec in self.arrays(network.dims).items()}
        self._tokens, self._x, self._wide = arrays["tokens"], arrays["x"], arrays["wide"]
        self._weights = arrays["weights"]
        self._h, self._q, self._k, self._v = (arrays[name] for name in ("h", "q", "k", "v"))

    @staticmethod
    def arrays(dims: ModelDimensions) -> Shapes:
        """What it takes of an arena."""
        n, d = dims.n_text_ctx, dims.n_text_state
        return {
            "tokens": ((n,), np.int32),
            "x": ((n, d), np.float32),
            "wide": ((n, 4 * d), np.float16),
            "weights": ((n, dims.n_audio_ctx), np.float32),
            **{name: ((n, d), np.float16) for name in ("h", "q", "k", "v")},
        }

    def step(self, n: int, buffers: TextBuffers, sequences: Sequences) -> None:
        """Append the token that each of the first `n` sequences waits for: `buffers.logits` are those after it.

        Everything that changes from step to step lies on the device: the launches may be captured.
        """
        network, linear = self._network, self._linear
        x, q, attended, wide = (a[:n] for a in (buffers.x, buffers.q, buffers.attended, buffers.wide))
        states, table, n_ctx = sequences.states, buffers.table, buffers.n_ctx
        self._sampling.embed(network.embedding, network.text_positions, sequences, x)
        for layer, block in enumerate(network.decoder):
            own, cross = block.attn, block.cross
            assert cross is not None
            linear.gemv_qkv(
                x, own.norm, (own.query, own.key, own.value), q, buffers.cache, layer, states, n_ctx
            )
            self._attention.self_attention(q, buffers.cache, layer, states, table, attended)
            linear.gemv(attended, own.out.matrix, x, bias=own.out.bias, accumulate=True)
            linear.gemv(x, cross.query.matrix, q, bias=cross.query.bias, norm=cross.norm)
            self._attention.cross_attention(q, buffers.cross, layer, states, attended, None)
            linear.gemv(attended, cross.out.matrix, x, bias=cross.out.bias, accumulate=True)
            linear.gemv(x, block.mlp_in.matrix, wide, bias=block.mlp_in.bias, norm=block.mlp_norm, gelu=True)
            linear.gemv(wide, block.mlp_out.matrix, x, bias=block.mlp_out.bias, accumulate=True)
        linear.gemv(x, network.embedding, buffers.logits[:n], norm=network.ln)

    def prompt(
        self, tokens: Sequence[int], sequence: int, cross: DeviceArray, buffers: TextBuffers, watch: Watch | None = None
    ) -> None:
        """Store a sequence's first tokens: `logits_after` tells what follows them.

        Args:
            sequence: whose row of the cache they go to.
            cross: its window's keys and values, (n_text_layer, 2, n_head, n_audio_ctx, 64) float16.
            watch: is shown the queries of each layer's cross-attention.
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
                linear.gemm(h, part.matrix, out, bias=part.bias)
            attention.store_prompt(k, v, buffers.cache, layer, sequence)
            attention.prompt_attention(q, buffers.cache, layer, sequence, h)
            linear.gemm(h, own.out.matrix, x, bias=own.out.bias, accumulate=True)
            self._norm(x, other.norm, h)
            linear.gemm(h, other.query.matrix, q, bias=other.query.bias)
            if watch is not None:
                watch(layer, q)
            attention.prompt_cross_attention(q, cross, layer, h)
            linear.gemm(h, other.out.matrix, x, bias=other.out.bias, accumulate=True)
            self._norm(x, block.mlp_norm, h)
            linear.gemm(h, block.mlp_in.matrix, wide, bias=block.mlp_in.bias, gelu=True)
            linear.gemm(wide, block.mlp_out.matrix, x, bias=block.mlp_out.bias, accumulate=True)

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

    def cross_weights(self, queries: DeviceArray, cross: DeviceArray, layer: int, head: int) -> DeviceArray:
        """Where queries (M, d) of one head look: (M, n_audio_ctx) float32, until the next call."""
        weights = self._weights[: queries.shape[0]]
        self._attention.cross_weights(queries, cross, layer, head, weights)
        return weights

    def _norm(self, x: DeviceArray, norm: Norm, out: DeviceArray) -> None:
        self._attention.layer_norm(x, norm.weight, norm.bias, out)
