"""ONNX Runtime's traces, added up: what each operator of each graph took."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gpu.types import GraphProfile, NodeProfile

Shape = list[int]

_PRODUCTS = frozenset({"MatMulNBits", "FusedMatMul", "MatMul", "Gemm"})
_NODE_EVENT = "_kernel_time"


def read_profiles(traces: Mapping[str, Path]) -> list[GraphProfile]:
    """The traces of an encoder and a decoder, by these names, as `InferenceSession.end_profiling` leaves them."""
    totals: dict[str, _Total] = {}
    for graph, path in traces.items():
        for seconds, nodes in _runs(path):
            name = graph if graph == "encoder" else _use_of_decoder(nodes)
            totals.setdefault(name, _Total()).add(seconds, nodes)
    return [total.profile(name) for name, total in totals.items()]


class _Total:
    def __init__(self) -> None:
        self._n_runs, self._seconds = 0, 0.0
        self._nodes: dict[tuple[str, str], NodeProfile] = {}

    def add(self, seconds: float, nodes: list[dict[str, Any]]) -> None:
        self._n_runs += 1
        self._seconds += seconds
        for event in nodes:
            op = event["args"]["op_name"]
            key = op, _generic(event["name"].removesuffix(_NODE_EVENT))
            n = self._nodes.get(key) or NodeProfile(*key, 0, 0.0, 0.0, 0)
            self._nodes[key] = NodeProfile(
                *key,
                n.n_calls + 1,
                n.seconds + event["dur"] / 1e6,
                n.flops + _flops(op, _shapes(event, "input"), _shapes(event, "output")),
                max(n.output_bytes, int(event["args"]["output_size"])),
            )

    def profile(self, name: str) -> GraphProfile:
        nodes = sorted(self._nodes.values(), key=lambda node: -node.seconds)
        return GraphProfile(name, self._n_runs, self._seconds, tuple(nodes))


def _runs(path: Path) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    """Each run's seconds and its nodes' events. The trace may be long: it is read line by line, an event in each."""
    nodes: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("{"):
                continue
            event = json.loads(line.rstrip().rstrip(","))
            if event["cat"] == "Node" and event["name"].endswith(_NODE_EVENT):
                nodes.append(event)
            elif event["name"] == "model_run":
                yield event["dur"] / 1e6, nodes
                nodes = []


def _use_of_decoder(nodes: list[dict[str, Any]]) -> str:
    """Told by shapes: see the inputs of `onnx_graphs.build_decoder`."""
    attention = [event for event in nodes if event["args"]["op_name"] == "GroupQueryAttention"]
    (sequences, n_tokens, _), *_ = _shapes(attention[0], "input")  # of self-attention
    (windows, *_), *_ = _shapes(attention[1], "input")  # of cross-attention
    taken = next(event for event in nodes if event["args"]["op_name"] == "Gather")
    [(n_logits, _)] = _shapes(taken, "output")
    if n_tokens > 1 or n_logits > sequences:
        return "prompt"
    return "look ahead" if (sequences, windows) == (2, 1) else "step"


def _shapes(event: dict[str, Any], side: str) -> list[Shape]:
    return [shape for typed in event["args"][f"{side}_type_shape"] for shape in typed.values()]


def _flops(op: str, inputs: list[Shape], outputs: list[Shape]) -> float:
    """Weights that ONNX Runtime has packed in its own way have no shape in the trace: inputs and outputs tell."""
    if op in _PRODUCTS:
        return 2.0 * math.prod(outputs[0]) * inputs[0][-1]
    if op == "Conv":
        return 2.0 * math.prod(outputs[0]) * math.prod(inputs[1][1:])
    if op == "MultiHeadAttention":
        return 4.0 * math.prod(inputs[0]) * inputs[1][1]
    return 0.0


def _generic(name: str) -> str:
    """A node's name (see `GraphBuilder.nodes`) without number and layer: "encoder.blocks.*.mlp.0.weight"."""
    return re.sub(r"(?<=blocks\.)\d+|(?<=[a-z]_)\d+$", "*", name.partition(":")[2])
