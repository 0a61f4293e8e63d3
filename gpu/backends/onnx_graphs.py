"""Whisper's two networks as ONNX graphs for ONNX Runtime's CPU kernels, built from a model file's tensors.

The encoder runs in float32 (dequantized once: MLAS's float GEMM is faster than its block-quantized one for 1,500
rows), the decoder in `MatMulNBits` on the quantized blocks, since a token costs what its weights weigh.
Operators of domain com.microsoft are documented in onnxruntime/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np

from gpu.alignment_heads import alignment_layers
from gpu.backends.onnx_builder import GraphBuilder
from gpu.backends.onnx_proto import element_type
from gpu.model_file import ModelDimensions, Tensor

HEAD_SIZE = 64
EPSILON = 1e-5  # of every LayerNorm, as torch's default
Tensors = Mapping[str, Tensor]


def build_encoder(dims: ModelDimensions, tensors: Tensors, pool: Executor) -> GraphBuilder:
    """mel (b, n_mels, n_frames) float32 -> every decoder layer's cross keys and values, for n_audio = n_frames / 2
    positions, n_audio_ctx at most.

    Outputs, for each decoder layer i:
        cross_i: (b, 2 * n_head, n_audio, 64) int8, the keys of all heads, then the values.
        cross_scale_i: (b, 2 * n_head, 1, 64) float32, one for each channel; key = int8 * scale.
    """
    g = GraphBuilder("encoder", pool)
    d = dims.n_audio_state
    mel = g.input("mel", np.float32, ["b", dims.n_mels, "n_frames"])
    x = mel
    for i, stride in ((1, 1), (2, 2)):
        w = g.dense(f"encoder.conv{i}.weight", tensors[f"encoder.conv{i}.weight"])
        b = g.dense(f"encoder.conv{i}.bias", tensors[f"encoder.conv{i}.bias"])
        x = g.node("Conv", [x, w, b], kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = g.node("Gelu", [x], ms=True)
    x = g.node("Transpose", [x], perm=[0, 2, 1])  # (b, n_audio, d)
    x = g.node("Add", [x, _first_positions(g, x, tensors)])
    h = _layer_norm(g, x, "encoder.blocks.0.attn_ln", tensors)
    for layer in range(dims.n_audio_layer):
        p = f"encoder.blocks.{layer}"
        q, k, v = (g.float_matmul(h, [tensors[f"{p}.attn.{c}.weight"]]) for c in ("query", "key", "value"))
        bias = np.concatenate([_bias(tensors, f"{p}.attn.{c}", d) for c in ("query", "key", "value")])
        operands = [q, k, v, g.constant(f"{p}.attn.bias", bias)]
        a = g.node("MultiHeadAttention", operands, ms=True, num_heads=dims.n_audio_head)
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


def _first_positions(g: GraphBuilder, x: str, tensors: Tensors) -> str:
    """As many of the encoder's positions as x, (b, n_audio, d), has."""
    positions = g.dense("encoder.positional_embedding", tensors["encoder.positional_embedding"])
    begin, axis = (g.constant(f"positions.{name}", np.array([0])) for name in ("begin", "axis"))
    n_audio = g.node("Shape", [x], start=1, end=2)
    return g.node("Slice", [positions, begin, n_audio, axis])


def _cross_outputs(g: GraphBuilder, h: str, dims: ModelDimensions, tensors: Tensors) -> None:
    """Layer by layer, so that what is in between stays small: keys and values, heads first, then int8 by channel.
    The decoder reads them as they lie."""
    heads = 2 * dims.n_text_head
    split = g.constant("cross.split", np.array([0, -1, heads, HEAD_SIZE], np.int64))
    steps = g.constant("cross.steps", np.array(127, np.float32))
    least = g.constant("cross.least", np.array(1e-8, np.float32))  # a channel of zeros
    for layer in range(dims.n_text_layer):
        names = [f"decoder.blocks.{layer}.cross_attn.{c}" for c in ("key", "value")]
        y = g.float_matmul(h, [tensors[f"{name}.weight"] for name in names])
        bias = np.concatenate([_bias(tensors, name, dims.n_text_state) for name in names])
        y = g.node("Add", [y, g.constant(f"{names[0]}.add", bias)])
        y = g.node("Transpose", [g.node("Reshape", [y, split])], perm=[0, 2, 1, 3])  # (b, heads, n_audio, 64)
        top = g.node("ReduceMax", [g.node("Abs", [y])], axes=[2], keepdims=1)
        scale = g.node("Max", [g.node("Div", [top, steps]), least])
        scale = g.output(f"cross_scale_{layer}", scale, np.float32, ["b", heads, 1, HEAD_SIZE])
        y = g.node("Cast", [g.node("Round", [g.node("Div", [y, scale])])], to=element_type(np.int8))
        g.output(f"cross_{layer}", y, np.int8, ["b", heads, "n_audio", HEAD_SIZE])


def build_decoder(dims: ModelDimensions, tensors: Tensors, pool: Executor) -> GraphBuilder:
    """Tokens of all sequences, after their caches -> logits. Either one window with several sequences (or tokens of
    one), or several windows with one token each: what GroupQueryAttention can do.

    Inputs (w windows; t = windows * sequences * tokens each), for each layer i and c in k, v:
        x: (t, d) float32: token plus position embeddings.
        rows: (3,) int64 = (all sequences, -1, 3 * d). queries: (3,) int64 = (w, -1, d).
        take: (n,) int64: rows of x whose logits are wanted.
        lengths: (all sequences,) int32: tokens in each cache once these are in, minus one. total: () int32: the most.
        self_c_i: (all sequences, n_head, n_ctx, 64) float32, updated in place as present_c_i.
        cross_c_i: (w, n_head, n_audio_ctx, 64) int8, cross_scale_c_i: (w, 1, d) float32.
        cross_tail_c_i: (w, t / w, d) float32: their last t / w positions, unscaled.
        cross_lengths: (w,) int32: positions in each window, minus one.
    Outputs: logits (n, n_vocab) float32; hidden (n, d) float32, the normalized state they are made of; query_i (t, d)
        float32, the cross-attention's queries, of each layer i with alignment heads.
    """
    g = GraphBuilder("decoder", pool)
    inputs = _DecoderInputs(g, dims)
    x = g.input("x", np.float32, ["t", dims.n_text_state])
    h = _layer_norm(g, x, "decoder.blocks.0.attn_ln", tensors)
    for layer in range(dims.n_text_layer):
        p = f"decoder.blocks.{layer}"
        a = _self_attention(g, h, layer, tensors, inputs)
        o = _linear(g, a, [f"{p}.attn.out"], tensors)
        h, x = _add_norm(g, x, o, f"{p}.cross_attn_ln", tensors)
        q = _linear(g, h, [f"{p}.cross_attn.query"], tensors)
        if layer in alignment_layers(dims):
            q = g.output(f"query_{layer}", q, np.float32, ["t", dims.n_text_state])
        a = _cross_attention(g, q, layer, inputs)
        o = _linear(g, a, [f"{p}.cross_attn.out"], tensors)
        h, x = _add_norm(g, x, o, f"{p}.mlp_ln", tensors)
        f = g.node("Gelu", [_linear(g, h, [f"{p}.mlp.0"], tensors)], ms=True)
        f = _linear(g, f, [f"{p}.mlp.2"], tensors)
        last = layer + 1 == dims.n_text_layer
        h, x = _add_norm(g, x, f, "decoder.ln" if last else f"decoder.blocks.{layer + 1}.attn_ln", tensors)
    h = g.node("Gather", [h, g.input("take", np.int64, ["n"])], axis=0)
    h = g.output("hidden", h, np.float32, ["n", dims.n_text_state])
    logits = g.quantized_matmul(h, [tensors["decoder.token_embedding.weight"]], None)
    g.output("logits", logits, np.float32, ["n", dims.n_vocab])
    return g


class _DecoderInputs:
    """The shapes and lengths every layer of the decoder uses."""

    def __init__(self, g: GraphBuilder, dims: ModelDimensions) -> None:
        self.dims = dims
        self.rows = g.input("rows", np.int64, [3])
        self.lengths = g.input("lengths", np.int32, ["s"])
        self.total = g.input("total", np.int32, [])
        self.flat = g.constant("flat", np.array([-1, dims.n_text_state], np.int64))
        self.queries = g.input("queries", np.int64, [3])
        self.cross_lengths = g.input("cross_lengths", np.int32, ["w"])
        self.unscaled = g.constant("cross_unscaled", np.ones(1, np.float32))
        self.cross_total = g.constant("cross_total", np.array(dims.n_audio_ctx, np.int32))


def _self_attention(g: GraphBuilder, h: str, layer: int, tensors: Tensors, inputs: _DecoderInputs) -> str:
    """Over each sequence's own cache, which the operator appends to in place."""
    n_head = inputs.dims.n_text_head
    shape: list[int | str] = ["s", n_head, "n_ctx", HEAD_SIZE]
    qkv = _linear(g, h, [f"decoder.blocks.{layer}.attn.{c}" for c in ("query", "key", "value")], tensors)
    qkv = g.node("Reshape", [qkv, inputs.rows])
    cache = [g.input(f"self_{c}_{layer}", np.float32, shape) for c in "kv"]
    operands = [qkv, "", "", *cache, inputs.lengths, inputs.total]
    a, *present = g.nodes("GroupQueryAttention", operands, 3, ms=True, num_heads=n_head, kv_num_heads=n_head)
    for c, name in zip("kv", present, strict=True):
        g.output(f"present_{c}_{layer}", name, np.float32, shape)
    return g.node("Reshape", [a, inputs.flat])


def _cross_attention(g: GraphBuilder, q: str, layer: int, inputs: _DecoderInputs) -> str:
    """All sequences of a window are queries to it. GroupQueryAttention is the CPU's only attention over an int8 cache.
    It wants "new" keys and values for every query: the window's last positions, which it writes where they already
    are. Its scales hold for all windows: they are 1, and each window's own go to the queries and the results."""
    n_head, d = inputs.dims.n_text_head, inputs.dims.n_text_state
    shape: list[int | str] = ["w", n_head, inputs.dims.n_audio_ctx, HEAD_SIZE]
    tail = [g.input(f"cross_tail_{c}_{layer}", np.float32, ["w", "q", d]) for c in "kv"]
    past = [g.input(f"cross_{c}_{layer}", np.int8, shape) for c in "kv"]
    k_scale, v_scale = (g.input(f"cross_scale_{c}_{layer}", np.float32, ["w", 1, d]) for c in "kv")
    q = g.node("Mul", [g.node("Reshape", [q, inputs.queries]), k_scale])
    scales = [inputs.unscaled, inputs.unscaled]
    operands = [q, *tail, *past, inputs.cross_lengths, inputs.cross_total, *[""] * 5, *scales]
    heads = {"num_heads": n_head, "kv_num_heads": n_head}
    int8 = {"kv_cache_bit_width": 8, "k_quant_type": "PER_TENSOR", "v_quant_type": "PER_TENSOR"}
    a, *present = g.nodes("GroupQueryAttention", operands, 3, ms=True, causal=0, **heads, **int8)
    for c, name in zip("kv", present, strict=True):
        g.output(f"cross_present_{c}_{layer}", name, np.int8, shape)
    return g.node("Reshape", [g.node("Mul", [a, v_scale]), inputs.flat])


def _linear(g: GraphBuilder, x: str, names: Sequence[str], tensors: Tensors) -> str:
    """Linear layers side by side on the same input, as one product."""
    weights = [tensors[f"{name}.weight"] for name in names]
    bias = [_bias(tensors, name, w.shape[0]) for name, w in zip(names, weights, strict=True)]
    return g.quantized_matmul(x, weights, np.concatenate(bias))


def _layer_norm(g: GraphBuilder, x: str, name: str, tensors: Tensors) -> str:
    return g.node("LayerNormalization", [x, *_norm_weights(g, name, tensors)], epsilon=EPSILON)


def _add_norm(g: GraphBuilder, x: str, y: str, norm: str, tensors: Tensors, bias: str | None = None) -> tuple[str, str]:
    """(LayerNorm(x + y + bias), x + y + bias)"""
    inputs = [x, y, *_norm_weights(g, norm, tensors), *([g.dense(bias, tensors[bias])] if bias else [])]
    normed, _, _, residual = g.nodes("SkipLayerNormalization", inputs, 4, ms=True, epsilon=EPSILON)
    return normed, residual


def _norm_weights(g: GraphBuilder, name: str, tensors: Tensors) -> Sequence[str]:
    return [g.dense(f"{name}.{part}", tensors[f"{name}.{part}"]) for part in ("weight", "bias")]


def _bias(tensors: Tensors, name: str, size: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The bias of a linear layer; attention keys have none: `size` zeros."""
    tensor = tensors.get(f"{name}.bias")
    return np.zeros(size, np.float32) if tensor is None else tensor.dequantize()
