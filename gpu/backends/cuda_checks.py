"""Every kind of kernel on a GPU against the golden standard and NumPy: the first half of the self-test.

Inputs are random with a fixed seed and of sizes that fill no tile. What is measured is the relative L2 distance, beside
what rounding alone may cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_mel import CudaMel
from gpu.backends.cuda_weights import DeviceMatrix, upload_matrix
from gpu.backends.reference_model import LayerNorm, gelu, softmax
from gpu.mel import log_mel
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS, BlockFormat
from gpu.types import Check, Words

_ARENA_BYTES = 64 << 20
_N_OUT, _N_IN, _ROWS = 83, 512, 37
_CTX, _STATE, _HEAD = 150, 128, 64
# Bytes of a block at which its halves lie: random bits there would be infinities.
_HALVES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82), "Q3_K": (108,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}  # fmt: skip
_EXACT = 1e-6
_HALF_INPUTS = 3e-3  # products of numbers rounded to float16
_EIGHT_BITS = 3e-2  # inputs rounded to 8 bits


@dataclass
class _Bench:
    """A device with memory for one check after the other."""

    device: CudaDevice
    rng: np.random.Generator
    arena: Arena

    def put(self, host: NDArray[Any]) -> Any:
        array = self.arena.take(host.shape, host.dtype)
        self.device.upload(array, host)
        return array

    def out(self, *shape: int, dtype: Any = np.float32) -> Any:
        return self.put(np.full(shape, np.nan, dtype))

    def normal(self, *shape: int) -> Floats:
        return self.rng.normal(size=shape).astype(np.float32)


def kernel_checks(device: CudaDevice) -> Iterator[Check]:
    """One check after the other.

    Raises:
        DeviceError: the device does not only compute wrong: it fails.
    """
    for kind in FORMATS.values():
        if kind.name != "F32":
            yield from _on_fresh_memory(device, lambda bench, kind=kind: _linear(bench, kind))
    for check in (_norm, _attention, _spectrogram, _graph, _streams):
        yield from _on_fresh_memory(device, check)


def _on_fresh_memory(device: CudaDevice, check: Any) -> Iterator[Check]:
    arena = Arena(device, _ARENA_BYTES)
    try:
        yield from check(_Bench(device, np.random.default_rng(7), arena))
    finally:
        arena.free()


def _linear(bench: _Bench, kind: type[BlockFormat]) -> Iterator[Check]:
    """Weights of one format: as numbers, times many rows, times one and a few."""
    tensor = _random_tensor(kind, bench.rng)
    golden = tensor.dequantize()
    matrix: DeviceMatrix = upload_matrix(bench.device, bench.arena, tensor)
    ops = LinearOps(bench.device)

    out = bench.out(_N_OUT, _N_IN)
    ops.dequantize(matrix, out)
    yield _compared(Words("{format}: weights", format=kind.name), bench, out, golden, _EXACT)

    x = bench.normal(_ROWS, _N_IN)
    bias = bench.normal(_N_OUT)
    out = bench.out(_ROWS, _N_OUT)
    ops.gemm(bench.put(x.astype(np.float16)), matrix, out, bench.put(bias), gelu=True)
    expected = gelu(x @ golden.T + bias)
    yield _compared(Words("{format}: product of many rows", format=kind.name), bench, out, expected, _HALF_INPUTS)

    if kind.name in ("Q2_K", "Q3_K"):  # these have no other product
        return
    for rows in (1, 3):
        out = bench.out(rows, _N_OUT)
        ops.gemv(bench.put(x[:rows]), matrix, out, bench.put(bias))
        what = Words("{format}: product of {n} rows", format=kind.name, n=rows)
        bound = _HALF_INPUTS if kind.name == "F16" else _EIGHT_BITS
        yield _compared(what, bench, out, x[:rows] @ golden.T + bias, bound)


def _norm(bench: _Bench) -> Iterator[Check]:
    x, weight, bias = 3 + bench.normal(_ROWS, _N_IN), bench.normal(_N_IN), bench.normal(_N_IN)
    out = bench.out(_ROWS, _N_IN)
    AttentionOps(bench.device).layer_norm(bench.put(x), bench.put(weight), bench.put(bias), out)
    yield _compared(Words("Layer normalization"), bench, out, LayerNorm(weight, bias)(x), 1e-5)


def _attention(bench: _Bench) -> Iterator[Check]:
    qkv = bench.normal(2, _CTX, 3 * _STATE).astype(np.float16)
    out = bench.out(2, _CTX, _STATE, dtype=np.float16)
    q, k, v = (bench.put(np.ascontiguousarray(part)) for part in np.split(qkv, 3, axis=-1))
    AttentionOps(bench.device).encoder_attention(q, k, v, out)
    heads = qkv.astype(np.float32).reshape(2, _CTX, 3, -1, _HEAD).transpose(2, 0, 3, 1, 4)
    weights = softmax(heads[0] @ heads[1].swapaxes(-1, -2) * np.float32(_HEAD**-0.5))
    expected = (weights @ heads[2]).transpose(0, 2, 1, 3).reshape(2, _CTX, _STATE)
    yield _compared(Words("Attention of the encoder"), bench, out, expected, _HALF_INPUTS)


def _spectrogram(bench: _Bench) -> Iterator[Check]:
    audio = bench.normal(16_077) * np.float32(0.1)
    filters = np.abs(bench.normal(80, 201))
    out = bench.out(80, len(audio) // 160)
    CudaMel(bench.device, bench.arena, filters).log_mel(bench.put(audio), out)
    yield _compared(Words("Spectrogram"), bench, out, log_mel(audio, filters), 1e-4)


def _graph(bench: _Bench) -> Iterator[Check]:
    """Captured so that the driver refuses what does not belong into a graph, and replayed: bit by bit as launched."""
    layer = _Layer(bench)
    layer.launch()
    eager = bench.device.download(layer.out)
    with bench.device.capture(strict=True) as graph:
        layer.launch()
    bench.device.fill_bytes(layer.out)
    graph.launch()
    yield _same(Words("A captured graph against single launches"), bench, layer.out, eager)


def _streams(bench: _Bench) -> Iterator[Check]:
    """Beside each other, and one after the other where an event says so: bit by bit as on one stream."""
    layer = _Layer(bench)
    layer.launch()
    eager = bench.device.download(layer.out)
    bench.device.fill_bytes(layer.out)
    side = bench.device.new_stream()
    side.wait(bench.device.event())
    with bench.device.on(side):
        layer.launch()
        done = bench.device.event()
    bench.device.wait(done)
    result = bench.out(_ROWS, _N_IN)
    bench.device.copy(result, layer.out)
    yield _same(Words("Two streams against one"), bench, result, eager)


class _Layer:
    """Some work: a layer norm of what a layer norm gave."""

    def __init__(self, bench: _Bench) -> None:
        self._ops = AttentionOps(bench.device)
        shapes = (_ROWS, _N_IN), (_N_IN,), (_N_IN,)
        self._x, self._weight, self._bias = (bench.put(bench.normal(*shape)) for shape in shapes)
        self._between, self.out = bench.out(_ROWS, _N_IN), bench.out(_ROWS, _N_IN)

    def launch(self) -> None:
        self._ops.layer_norm(self._x, self._weight, self._bias, self._between)
        self._ops.layer_norm(self._between, self._weight, self._bias, self.out)


def _same(what: Words, bench: _Bench, out: Any, expected: Floats) -> Check:
    difference = float(np.abs(bench.device.download(out) - expected).max())
    detail = Words("differs by {got}, at most {bound}", got=f"{difference:.1e}", bound="0")
    return Check(what, "passed" if difference == 0 else "failed", detail, {"difference": difference, "bound": 0.0})


def _random_tensor(kind: type[BlockFormat], rng: np.random.Generator) -> Tensor:
    n_blocks = _N_OUT * _N_IN // kind.block_size
    if kind.name == "F16":
        raw = rng.normal(size=n_blocks).astype("<f2").view(np.uint8)
    else:
        blocks = rng.integers(0, 256, (n_blocks, kind.type_size), dtype=np.uint8)
        for first in _HALVES[kind.name]:
            halves = rng.uniform(0.001, 0.02, (n_blocks, 1)).astype("<f2")
            blocks[:, first : first + 2] = halves.view(np.uint8)
        raw = blocks.reshape(-1)
    return Tensor("random", kind, (_N_OUT, _N_IN), raw)


def _compared(what: Words, bench: _Bench, out: Any, expected: Floats, bound: float) -> Check:
    """A device's array beside what it should be."""
    got = bench.device.download(out).astype(np.float32)
    difference = float(np.linalg.norm(got - expected) / np.linalg.norm(expected))
    detail = Words("differs by {got}, at most {bound}", got=f"{difference:.1e}", bound=f"{bound:.0e}")
    return Check(
        what, "passed" if difference <= bound else "failed", detail, {"difference": difference, "bound": bound}
    )
