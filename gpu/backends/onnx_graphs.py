"""Whisper's two networks as ONNX graphs for ONNX Runtime's CPU kernels, built from a model file's tensors.

The encoder runs in float32 (dequantized once: MLAS's float GEMM is faster than its block-quantized one for 1,500
rows), the decoder in `MatMulNBits` on the quantized blocks, since a token costs what its weights weigh.
Operators of domain com.microsoft are documented in onnxruntime/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
from onnx import TensorProto

from gpu.backends.onnx_builder import GraphBuilder
from gpu.model_file import ModelDimensions, Tensor

HEAD_SIZE = 64
EPSILON = 1e-5  # of every LayerNorm, as torch's default
Tensors = Mapping[str, Tensor]


def build_encoder(dims: ModelDimensions, tensors: Tensors, pool: Executor) -> GraphBuilder:
    """mel (b, n_mels, 3000) float32 -> every decoder layer's cross keys and values.

    Outputs, for each decoder layer i:
        cross_i: (b, 2 * n_head, n_audio_ctx, 64) int8, the keys of all heads, then the values.
        cross_scale_i: (b, 2 * n_head, 1, 64) float32, one for each channel; key = int8 * scale.
    """
    g = GraphBuilder("encoder", pool)
    d = dims.n_audio_state
    mel = g.input("mel", np.float32, ["b", dims.n_mels, 2 * dims.n_audio_ctx])
    x = mel
    for i, stride in ((1, 1), (2, 2)):
        w = g.dense(f"encoder.conv{i}.weight", tensors[f"encoder.conv{i}.weight"])
        b = g.dense(f"encoder.conv{i}.bias", tensors[f"encoder.conv{i}.bias"])
        x = g.node("Conv", [x, w, b], kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = g.node("Gelu", [x], ms=True)
    x = g.node("Transpose", [x], perm=[0, 2, 1])  # (b, n_audio_ctx, d)
    x = g.node("Add", [x, g.dense("encoder.positional_embedding", tensors["encoder.positional_embedding"])])
    h = _layer_norm(g, x, "encoder.blocks.0.attn_ln", tensors)
    for layer in range(dims.n_audio_layer):
        p = f"encoder.blocks.{layer}"
        q, k, v = (g.float_matmul(h, [tensors[f"{p}.attn.{c}.weight"]]) for c in ("query", "key", "value"))
        bias = g.constant(
            f"{p}.attn.bias",
            np.concatenate(
                [_bias(tensors, f"{p}.attn.query"), np.zeros(d, np.float32), _bias(tensors, f"{p}.attn.value")]
            ),
        )
        a = g.node("MultiHeadAttention", [q, k, v, bias], ms=True, num_heads=dims.n_audio_head)
        o = g.float_matmul(a, [tensors[f"{p}.attn.out.weight"]])
        h, x = _add_norm(g, x, o, f"{p}.mlp_ln", tensors, f"{p}.attn.out.bias")
        f = g.float_matmul(h, [tensors[f"{p}.mlp.0.weight"]])
        f = g.node("BiasGelu", [f, g.dense(f"{p}.mlp.0.bias", tensors[f"{p}.mlp.0.bias"])], ms=True)
        f = g.float_matmul(f, [tensors[f"{p}.mlp.2.weight"]])
        last = layer + 1 == dims.n_audio_layer
        next_norm = "encoder.ln_post" if last else f"encoder.blocks.{layer + 1}.attn_ln"
        h, x = _add_norm(g, x, f, next_norm, tensors, f"{p}.mlp.2.bias")
    _cross_outputs(g, h, dims, tensors)
    return g


def _cross_outputs(g: GraphBuilder, h: str, dims: ModelDimensions, tensors: Tensors) -> None:
    """Layer by layer, so that what is in between stays small: keys and values, heads first, then int8 by channel.
    The decoder reads them as they lie."""
    heads = 2 * dims.n_text_head
    split = g.constant("cross.split", np.array([0, dims.n_audio_ctx, heads, HEAD_SIZE], np.int64))
    steps = g.constant("cross.steps", np.array(127, np.float32))
    least = g.constant("cross.least", np.array(1e-8, np.float32))  # a channel of zeros
    for layer in range(dims.n_text_layer):
        names = [f"decoder.blocks.{layer}.cross_attn.{c}" for c in ("key", "value")]
        y = g.float_matmul(h, [tensors[f"{name}.weight"] for name in names])
        bias = np.concatenate([_bias(tensors, name, dims.n_text_state) for name in names])
        y = g.node("Add", [y, g.constant(f"{names[0]}.add", bias)])
        y = g.node("Transpose", [g.node("Reshape", [y, split])], perm=[0, 2, 1, 3])  # (b, heads, n_audio_ctx, 64)
        top = g.node("ReduceMax", [g.node("Abs", [y])], axes=[2], keepdims=1)
        scale = g.node("Max", [g.node("Div", [top, steps]), least])
        scale = g.output(f"cross_scale_{layer}", scale, np.float32, ["b", heads, 1, HEAD_SIZE])
        y = g.node("Cast", [g.node("Round", [g.node("Div", [y, scale])])], to=TensorProto.INT8)
        g.output(f"cross_{layer}", y, np.int8, ["b", heads, dims.n_audio_ctx, HEAD_SIZE])


def build_decoder(dims: ModelDimensions, tensors: Tensors, pool: Executor) -> GraphBuilder:
    """Tokens of all sequences of one window, after their caches -> logits.

    Inputs (t = sequences * tokens each):
        x: (t, d) float32: token plus position embeddings.
        rows: (3,) int64 = (sequences, -1, 3 * d). take: (n,) int64: rows of x whose logits are wanted.
        lengths: (sequences,) int32: tokens in each cache once these are in, minus one; total: () int32: the greatest + 1.
        self_{k,v}_i: (sequences, n_head, n_text_ctx, 64) float32, updated in place as present_{k,v}_i.
        cross_{k,v}_i: (1, n_head, n_audio_ctx, 64) int8, cross_scale_{k,v}_i: (1, n_head, 1, 64) float32.
        cross_tail_{k,v}_i: (1, t, d) float32: their last t positions.
    Output: logits (n, n_vocab) float32.
    """
    g = GraphBuilder("decoder", pool)
    d, n_head = dims.n_text_state, dims.n_text_head
    x = g.input("x", np.float32, ["t", d])
    rows = g.input("rows", np.int64, [3])
    flat = g.constant("flat", np.array([-1, d], np.int64))
    as_queries = g.constant("as_queries", np.array([1, -1, d], np.int64))
    lengths = g.input("lengths", np.int32, ["s"])
    total = g.input("total", np.int32, [])
    cross_lengths = g.constant("cross_lengths", np.array([dims.n_audio_ctx - 1], np.int32))
    cross_total = g.constant("cross_total", np.array(dims.n_audio_ctx, np.int32))
    h = _layer_norm(g, x, "decoder.blocks.0.attn_ln", tensors)
    for layer in range(dims.n_text_layer):
        p = f"decoder.blocks.{layer}"
        qkv = g.quantized_matmul(
            h,
            [tensors[f"{p}.attn.{c}.weight"] for c in ("query", "key", "value")],
            np.concatenate([_bias(tensors, f"{p}.attn.{c}", d) for c in ("query", "key", "value")]),
        )
        qkv = g.node("Reshape", [qkv, rows])
        cache = [g.input(f"self_{c}_{layer}", np.float32, ["s", n_head, dims.n_text_ctx, HEAD_SIZE]) for c in "kv"]
        a, *present = g.nodes(
            "GroupQueryAttention",
            [qkv, "", "", *cache, lengths, total],
            3,
            ms=True,
            num_heads=n_head,
            kv_num_heads=n_head,
        )
        for c, name in zip("kv", present, strict=True):
            g.output(f"present_{c}_{layer}", name, np.float32, ["s", n_head, dims.n_text_ctx, HEAD_SIZE])
        a = g.node("Reshape", [a, flat])
        o = g.quantized_matmul(a, [tensors[f"{p}.attn.out.weight"]], _bias(tensors, f"{p}.attn.out"))
        h, x = _add_norm(g, x, o, f"{p}.cross_attn_ln", tensors)
        q = g.quantized_matmul(h, [tensors[f"{p}.cross_attn.query.weight"]], _bias(tensors, f"{p}.cross_attn.query"))
        q = g.node("Reshape", [q, as_queries])
        a = _cross_attention(g, q, layer, dims, cross_lengths, cross_total)
        a = g.node("Reshape", [a, flat])
        o = g.quantized_matmul(a, [tensors[f"{p}.cross_attn.out.weight"]], _bias(tensors, f"{p}.cross_attn.out"))
        h, x = _add_norm(g, x, o, f"{p}.mlp_ln", tensors)
        f = g.quantized_matmul(h, [tensors[f"{p}.mlp.0.weight"]], _bias(tensors, f"{p}.mlp.0"))
        f = g.node("Gelu", [f], ms=True)
        f = g.quantized_matmul(f, [tensors[f"{p}.mlp.2.weight"]], _bias(tensors, f"{p}.mlp.2"))
        last = layer + 1 == dims.n_text_layer
        h, x = _add_norm(g, x, f, "decoder.ln" if last else f"decoder.blocks.{layer + 1}.attn_ln", tensors)
    take = g.input("take", np.int64, ["n"])
    h = g.node("Gather", [h, take], axis=0)
    logits = g.quantized_matmul(h, [tensors["decoder.token_embedding.weight"]], None)
    g.output("logits", logits, np.float32, ["n", dims.n_vocab])
    return g


def _cross_attention(g: GraphBuilder, q: str, layer: int, dims: ModelDimensions, lengths: str, total: str) -> str:
    """GroupQueryAttention is the CPU's only attention over an int8 cache. It wants "new" keys and values for every
    query: the window's last positions, which it writes where they already are."""
    n_head, d = dims.n_text_head, dims.n_text_state
    shape = [1, n_head, dims.n_audio_ctx, HEAD_SIZE]
    tail = [g.input(f"cross_tail_{c}_{layer}", np.float32, [1, "t", d]) for c in "kv"]
    past = [g.input(f"cross_{c}_{layer}", np.int8, shape) for c in "kv"]
    scale = [g.input(f"cross_scale_{c}_{layer}", np.float32, [1, n_head, 1, HEAD_SIZE]) for c in "kv"]
    a, *present = g.nodes(
        "GroupQueryAttention",
        [q, *tail, *past, lengths, total, "", "", "", "", "", *scale],
        3,
        ms=True,
        num_heads=n_head,
        kv_num_heads=n_head,
        causal=0,
        kv_cache_bit_width=8,
        k_quant_type="PER_CHANNEL",
        v_quant_type="PER_CHANNEL",
    )
    for c, name in zip("kv", present, strict=True):
        g.output(f"cross_present_{c}_{layer}", name, np.int8, shape)
    return a


def _layer_norm(g: GraphBuilder, x: str, name: str, tensors: Tensors) -> str:
    return g.node("LayerNormalization", [x, *_norm_weights(g, name, tensors)], epsilon=EPSILON)


def _add_norm(g: GraphBuilder, x: str, y: str, norm: str, tensors: Tensors, bias: str | None = None) -> tuple[str, str]:
    """(LayerNorm(x + y + bias), x + y + bias)"""
    inputs = [x, y, *_norm_weights(g, norm, tensors), *([g.dense(bias, tensors[bias])] if bias else [])]
    normed, _, _, residual = g.nodes("SkipLayerNormalization", inputs, 4, ms=True, epsilon=EPSILON)
    return normed, residual


def _norm_weights(g: GraphBuilder, name: str, tensors: Tensors) -> Sequence[str]:
    return [g.dense(f"{name}.{part}", tensors[f"{name}.{part}"]) for part in ("weight", "bias")]


def _bias(tensors: Tensors, name: str, size: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The bias of a linear layer; attention keys have none: `size` zeros."""
    tensor = tensors.get(f"{name}.bias")
    return np.zeros(size, np.float32) if tensor is None else tensor.dequantize()
