"""Every kernel on a GPU against the golden standard and NumPy: the first half of the self-test.

Inputs are random with a fixed seed and of sizes that fill no tile. What is expected is rounded where the kernels
round, so that the bounds are narrow. The tests hold all of it to every kernel there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gpu.backends.base import Floats
from gpu.backends.cuda_check_bench import HEAD, Bench, Part, Results, on_fresh_memory, records
from gpu.backends.cuda_choice_checks import RULES, choice_checks
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_layer_checks import layer_checks
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_sampling import SamplingOps, Sequences
from gpu.backends.cuda_stream_checks import stream_checks
from gpu.backends.cuda_weights import DeviceMatrix, upload_matrix
from gpu.backends.reference_model import LayerNorm, gelu
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS, BlockFormat
from gpu.types import Check, Words

_N_OUT, _N_IN, _FEW_ROWS, _MANY_ROWS = 83, 512, 37, 70
_D, _N_SEQUENCES, _N_POSITIONS = 256, 5, 7  # of query, key and value, and of the cache
# Bytes of a block at which its halves lie: random bits there would be infinities.
_HALVES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82), "Q3_K": (108,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}  # fmt: skip
_EXACT = 1e-6
_SUMS = 1e-4  # in another order
_HALVES_OUT = 1e-3  # rounded to float16 at the end
_EIGHT_BITS = 1e-3  # inputs of 8 bits, which round the same way: see `_clear_rows`
_CLEAR = 1e-3  # of a step


def kernel_checks(device: CudaDevice) -> Iterator[Check]:
    """One check after the other; the last says how many kernels were compared.

    Raises:
        DeviceError: the device does not only compute wrong: it fails.
    """
    compared, outcomes = set[str](), []
    for part in PARTS:
        for check in on_fresh_memory(device, part):
            compared |= set(check.kernels)
            outcomes.append(check.outcome)
            yield check
    detail = Words("{n} kernels in {m} comparisons", n=len(compared), m=len(outcomes))
    passed = set(outcomes) == {"passed"}
    figures = {"n_kernels": float(len(compared)), "n_comparisons": float(len(outcomes))}
    yield Check(ALL_KERNELS, "passed" if passed else "failed", detail, figures)


ALL_KERNELS = Words("Kernels against the golden standard")


@dataclass(frozen=True)
class _Norm:
    """As `cuda_linear.Norm`, and on the host."""

    weight: DeviceArray
    bias: DeviceArray
    host: LayerNorm


@dataclass(frozen=True)
class _Layer:
    """As `cuda_linear.Linear`, and on the host, what the product sees of it."""

    matrix: DeviceMatrix
    bias: DeviceArray | None
    weights: Floats
    host_bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Of what a GEMV takes: x in float32, seen through 8 bits where the weights are quantized."""
        seen = x if self.matrix.format in ("F16", "F32") else eight_bits(x)
        y: Floats = seen @ self.weights.T + self.host_bias
        return y


def _linear(bench: Bench, kind: type[BlockFormat]) -> Iterator[Check]:
    """Weights of one format: as numbers, times many rows, times one and a few, to the cache, and as an embedding."""
    layer = _layer(bench, kind, _N_OUT, _N_IN)
    out = bench.out(_N_OUT, _N_IN)
    LinearOps(bench.device).dequantize(layer.matrix, out)
    results: Results = {"dequantize": (bench.get(out), layer.weights)}
    yield bench.close_to(Words("{format}: weights", format=kind.name), _EXACT, results)

    what = Words("{format}: products of {n} and {m} rows", format=kind.name, n=_FEW_ROWS, m=_MANY_ROWS)
    yield bench.close_to(what, _HALVES_OUT, _many_rows(bench, layer))

    floats = kind.name in ("F16", "F32")
    what = Words("{format}: products of {n} and {m} rows", format=kind.name, n=1, m=16)
    yield bench.close_to(what, _SUMS if floats else _EIGHT_BITS, _few_rows(bench, layer))

    layers = tuple(_layer(bench, kind, _D, _D, with_bias=part != 1) for part in range(3))
    results = _to_cache(bench, layers, 1) | _to_cache(bench, layers, 4)
    what = Words("{format}: query, key and value", format=kind.name)
    yield bench.close_to(what, _HALVES_OUT if floats else _EIGHT_BITS, results)

    yield bench.close_to(Words("{format}: embedding of tokens", format=kind.name), _EXACT, _embedded(bench, layer))


def _many_rows(bench: Bench, layer: _Layer) -> dict[str, tuple[Any, Any]]:
    """Small and large tiles, each end of a product at least once."""
    ops, weights = LinearOps(bench.device), _half(layer.weights)
    a, before = bench.halves(_MANY_ROWS, _N_IN), bench.normal(_FEW_ROWS, _N_OUT)
    few, on_device = a[:_FEW_ROWS].astype(np.float32), bench.put(a)
    out = bench.out(_FEW_ROWS, _N_OUT)
    ops.gemm(on_device[:_FEW_ROWS], layer.matrix, out, layer.bias, gelu=True)
    results = {"gemm_small": (bench.get(out), gelu(few @ weights.T + layer.host_bias))}
    out = bench.put(before)
    ops.gemm(on_device[:_FEW_ROWS], layer.matrix, out, accumulate=True)
    results["gemm_small_added"] = (bench.get(out), before + few @ weights.T)
    out = bench.out(_MANY_ROWS, _N_OUT, dtype=np.float16)
    ops.gemm(on_device, layer.matrix, out, layer.bias)
    results["gemm_large"] = (bench.get(out), a.astype(np.float32) @ weights.T + layer.host_bias)
    return results


def _few_rows(bench: Bench, layer: _Layer) -> dict[str, tuple[Any, Any]]:
    ops, norm = LinearOps(bench.device), _norm(bench, _N_IN)
    alive, out = bench.states(done=[0] * 16), bench.out(1, _N_OUT)
    x = _clear_rows(bench, 1, _N_IN, norm.host)
    ops.gemv(bench.put(x), layer.matrix, out, layer.bias, norm=norm, gelu=True, states=alive)
    results = {"gemv_1": (bench.get(out), gelu(layer(norm.host(x))))}
    x, before = _clear_rows(bench, 16, _N_IN), bench.normal(16, _N_OUT)
    out = bench.put(before)
    ops.gemv(bench.put(x), layer.matrix, out, layer.bias, accumulate=True, states=alive)
    return results | {"gemv_16": (bench.get(out), before + layer(x))}


def _to_cache(bench: Bench, layers: tuple[_Layer, ...], n: int) -> dict[str, tuple[Any, Any]]:
    """Keys and values of unfinished sequences go where their positions are, and nothing anywhere else."""
    query, key, value = layers
    norm = _norm(bench, _D)
    x = _clear_rows(bench, n, _D, norm.host)
    cache = np.ones((2, _N_SEQUENCES, _D // HEAD, _N_POSITIONS, HEAD), np.float16)
    q, on_device = bench.out(n, _D), bench.put(cache)
    positions, done = np.arange(n) * 5 % _N_POSITIONS, np.arange(n) == 2
    states = bench.states(pos=positions, done=done)
    LinearOps(bench.device).gemv_qkv(bench.put(x), norm, (query, key, value), q, on_device, states)
    normal = norm.host(x)
    for part, layer in enumerate((key, value)):
        for s in np.flatnonzero(~done):
            cache[part, s, :, positions[s]] = layer(normal[s : s + 1]).reshape(-1, HEAD)
    name = f"gemv_qkv_{1 if n == 1 else 16}"
    return {f"{name}_query": (bench.get(q), query(normal)), f"{name}_cache": (bench.get(on_device), cache)}


def _of_different_formats(bench: Bench) -> Iterator[Check]:
    """As of files that keep some matrices finer: three launches instead of one."""
    kinds = {kind.name: kind for kind in FORMATS.values()}
    layers = tuple(_layer(bench, kinds[name], _D, _D) for name in ("Q4_K", "Q6_K", "F16"))
    what = Words("Query, key and value of different formats")
    yield bench.close_to(what, _EIGHT_BITS, _to_cache(bench, layers, 4))


def _embedded(bench: Bench, layer: _Layer) -> dict[str, tuple[Any, Any]]:
    """Tokens with their positions: of sequences, one of which is finished, and of a prompt."""
    ops, positions = SamplingOps(bench.device), bench.normal(_N_POSITIONS, _N_IN)
    on_device, tokens, at = bench.put(positions), np.array([82, 0, 33, 7], np.int32), np.array([6, 0, 5, 5])
    x = bench.put(np.zeros((4, _N_IN), np.float32))
    sequences = Sequences(bench.device, bench.arena, RULES, len(tokens))
    sequences.admit(0, records(token=tokens, pos=at, done=[0, 0, 1, 0]))
    ops.embed(layer.matrix, on_device, sequences, x)
    expected = layer.weights[tokens] + positions[at]
    expected[2] = 0
    results = {"embed": (bench.get(x), expected)}
    ops.embed_prompt(layer.matrix, on_device, bench.put(tokens), 2, x)
    return results | {"embed_prompt": (bench.get(x), layer.weights[tokens] + positions[2:6])}


PARTS: tuple[Part, ...] = (
    *(partial(_linear, kind=kind) for kind in FORMATS.values()),
    _of_different_formats,
    *layer_checks,
    *choice_checks,
    *stream_checks,
)


def _norm(bench: Bench, n: int) -> _Norm:
    weight, bias = bench.normal(n), bench.normal(n)
    return _Norm(bench.put(weight), bench.put(bias), LayerNorm(weight, bias))


def _layer(bench: Bench, kind: type[BlockFormat], n_out: int, n_in: int, with_bias: bool = True) -> _Layer:
    tensor = _random_tensor(kind, bench.rng, n_out, n_in)
    bias = bench.normal(n_out) if with_bias else np.zeros(n_out, np.float32)
    matrix = upload_matrix(bench.device, bench.arena, tensor)
    return _Layer(matrix, bench.put(bias) if with_bias else None, tensor.dequantize(), bias)


def _random_tensor(kind: type[BlockFormat], rng: np.random.Generator, n_out: int, n_in: int) -> Tensor:
    n_blocks = n_out * n_in // kind.block_size
    if kind.name in ("F16", "F32"):
        raw = rng.normal(size=n_blocks).astype("<f2" if kind.name == "F16" else "<f4").view(np.uint8)
    else:
        blocks = rng.integers(0, 256, (n_blocks, kind.type_size), dtype=np.uint8)
        for first in _HALVES[kind.name]:
            halves = rng.uniform(0.001, 0.02, (n_blocks, 1)).astype("<f2")
            blocks[:, first : first + 2] = halves.view(np.uint8)
        raw = blocks.reshape(-1)
    return Tensor("random", kind, (n_out, n_in), raw)


def _clear_rows(bench: Bench, n: int, n_in: int, norm: LayerNorm | None = None) -> Floats:
    """Random rows of which, normalised or not, no value is so near the middle of two of 8 bits that the last bit of a
    norm decides to which it is rounded: one that parts costs 2e-3 of a product."""
    rows: list[Floats] = []
    while len(rows) < n:
        row = 1 + bench.normal(1, n_in)
        blocks = (row if norm is None else norm(row)).reshape(-1, 32)
        steps = np.abs(blocks) * (127 / np.abs(blocks).max(axis=-1, keepdims=True))
        if (np.abs(steps % 1 - 0.5) > _CLEAR).all():
            rows.append(row[0])
    return np.array(rows)


def eight_bits(x: Floats) -> Floats:
    """x as a product with quantized weights sees it (q8_1): 32 at a time in multiples of the largest / 127."""
    blocks = x.reshape(len(x), -1, 32)
    most = np.abs(blocks).max(axis=-1, keepdims=True)
    inverse = np.divide(np.float32(127), most, out=np.zeros_like(most), where=most > 0)
    rounded: Floats = np.rint(blocks * inverse) * (most / np.float32(127))
    return rounded.reshape(x.shape)


def _half(x: Floats) -> Floats:
    return x.astype(np.float16).astype(np.float32)
