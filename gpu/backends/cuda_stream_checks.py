"""Captured graphs and several streams: bit by bit what single launches on one stream give. Part of the self-test."""

from __future__ import annotations

from collections.abc import Iterator

from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_check_bench import Bench
from gpu.types import Check, Words

_ROWS, _N_STATE = 37, 512


def _graph(bench: Bench) -> Iterator[Check]:
    """Captured so that the driver refuses what does not belong into a graph, and replayed: bit by bit as launched."""
    layer = _Layer(bench)
    layer.launch()
    eager = bench.get(layer.out)
    with bench.device.capture(strict=True) as graph:
        layer.launch()
    bench.device.fill_bytes(layer.out)
    graph.launch()
    yield bench.equal(Words("A captured graph against single launches"), {"graph": (bench.get(layer.out), eager)})


def _streams(bench: Bench) -> Iterator[Check]:
    """Beside each other, and one after the other where an event says so: bit by bit as on one stream."""
    layer = _Layer(bench)
    layer.launch()
    eager = bench.get(layer.out)
    bench.device.fill_bytes(layer.out)
    side = bench.device.new_stream()
    side.wait(bench.device.event())
    with bench.device.on(side):
        layer.launch()
        done = bench.device.event()
    bench.device.wait(done)
    result = bench.out(_ROWS, _N_STATE)
    bench.device.copy(result, layer.out)
    yield bench.equal(Words("Two streams against one"), {"streams": (bench.get(result), eager)})


stream_checks = (_graph, _streams)


class _Layer:
    """Some work: a layer norm of what a layer norm gave."""

    def __init__(self, bench: Bench) -> None:
        self._ops = AttentionOps(bench.device)
        shapes = (_ROWS, _N_STATE), (_N_STATE,), (_N_STATE,)
        self._x, self._weight, self._bias = (bench.put(bench.normal(*shape)) for shape in shapes)
        self._between, self.out = bench.out(_ROWS, _N_STATE), bench.out(_ROWS, _N_STATE)

    def launch(self) -> None:
        self._ops.layer_norm(self._x, self._weight, self._bias, self._between)
        self._ops.layer_norm(self._between, self._weight, self._bias, self.out)
