"""Builds one ONNX graph whose weights stay outside the protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gpu.backends import onnx_proto
from gpu.backends.onnx_weights import MatMulNBitsWeights, repack
from gpu.model_file import Tensor
from gpu.model_file.quants import QuantizedFormat

OPSET, IR_VERSION, CONTRIB_VERSION = 17, 9, 1
_ROWS_A_JOB = 8192  # so that the token embedding, half of base's decoder, is shared out among the threads
Floats = NDArray[np.float32]
Array = NDArray[Any]


class GraphBuilder:
    """Collects nodes, inputs, outputs and weights of one graph; `session` makes it runnable.

    Values are called by name (str), as in ONNX. Weights are prepared on `pool`'s threads while the graph is built.

    Args:
        accuracy_level: of `MatMulNBits`: 4 rounds its inputs to int8 by block, as ggml's CPU kernels do; 0 computes in
            float32, which is exact and up to fifty times slower (tests).
    """

    def __init__(self, name: str, pool: Executor, accuracy_level: int = 4) -> None:
        self._name = name
        self._pool = pool
        self._accuracy_level = accuracy_level
        self._nodes: list[onnx_proto.Node] = []
        self._values: set[str] = set()  # what nodes put out
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._constants: dict[str, Array] = {}
        self._dense: dict[str, Future[Floats]] = {}
        self._quantized: dict[str, MatMulNBitsWeights] = {}
        self._repacking: list[Future[None]] = []

    def input(self, name: str, dtype: type, shape: Sequence[int | str]) -> str:
        self._inputs.append(onnx_proto.value(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: type, shape: Sequence[int | str]) -> str:
        """Give `value` out under `name`, which is its name from now on."""
        for node in self._nodes:  # rename at the source: an Identity node would copy
            node.inputs = [name if used == value else used for used in node.inputs]
            node.outputs = [name if made == value else made for made in node.outputs]
        self._outputs.append(onnx_proto.value(name, dtype, shape))
        return name

    def nodes(
        self, op: str, inputs: Sequence[str], n_outputs: int, *, ms: bool = False, **attributes: Any
    ) -> list[str]:
        """Append an operator; `ms` for the domain com.microsoft."""
        outputs = [f"{op}_{len(self._nodes)}_{i}" for i in range(n_outputs)]
        domain = "com.microsoft" if ms else ""
        # For profiles: what the node reads beside values, as its weights; unique, as ONNX Runtime demands.
        reads = next((name for name in inputs[1:] if name and name not in self._values), "")
        name = f"{len(self._nodes)}:{reads}"
        self._values.update(outputs)
        self._nodes.append(onnx_proto.Node(op, list(inputs), outputs, name, domain, attributes))
        return outputs

    def node(self, op: str, inputs: Sequence[str], *, ms: bool = False, **attributes: Any) -> str:
        return self.nodes(op, inputs, 1, ms=ms, **attributes)[0]

    def constant(self, name: str, value: Array) -> str:
        self._constants[name] = value
        return name

    def dense(self, name: str, *tensors: Tensor) -> str:
        """Tensors as float32, dequantized and stacked on top of each other."""
        if name not in self._dense:
            self._dense[name] = self._pool.submit(_dequantize, tensors)
        return name

    def float_matmul(self, x: str, weights: Sequence[Tensor]) -> str:
        """x (..., k) @ stacked weights (n, k).T in float32."""
        return self.node("FusedMatMul", [x, self.dense(weights[0].name, *weights)], ms=True, transB=1)

    def quantized_matmul(self, x: str, weights: Sequence[Tensor], bias: Floats | None) -> str:
        """x (t, k) @ concatenated weights (n, k).T + bias, on the blocks as they are stored.

        F32 and F16 tensors, and parts of different types, are multiplied separately.
        """
        formats = {w.type for w in weights}
        if len(weights) > 1 and len(formats) > 1:
            cuts = np.cumsum([0] + [w.shape[0] for w in weights])
            parts = [
                self.quantized_matmul(x, [w], None if bias is None else bias[a:b])
                for w, a, b in zip(weights, cuts, cuts[1:], strict=False)
            ]
            return self.node("Concat", parts, axis=-1)
        name = weights[0].name
        if not issubclass(weights[0].type, QuantizedFormat):
            y = self.float_matmul(x, weights)
            return y if bias is None else self.node("Add", [y, self.constant(f"{name}.add", bias)])
        return self._matmul_n_bits(x, weights, bias)

    def _matmul_n_bits(self, x: str, weights: Sequence[Tensor], bias: Floats | None) -> str:
        name = weights[0].name
        n, k = sum(w.shape[0] for w in weights), weights[0].shape[1]
        layout = MatMulNBitsWeights.layout(weights[0].type)
        self._quantized[name] = out = MatMulNBitsWeights.empty(layout, n, k)
        at = 0
        for weight in weights:
            for first in range(0, weight.shape[0], _ROWS_A_JOB):
                last = min(first + _ROWS_A_JOB, weight.shape[0])
                self._repacking.append(self._pool.submit(repack, weight, first, last, out, at + first))
            at += weight.shape[0]
        inputs = [x, f"{name}.q", f"{name}.scale"]
        if bias is not None:
            inputs += ["", "", self.constant(f"{name}.add", bias)]
        shape = {"N": n, "K": k, "bits": layout.bits, "block_size": layout.block_size}
        y = self.node("MatMulNBits", inputs, ms=True, accuracy_level=self._accuracy_level, **shape)
        if layout.has_minimum:  # + (sum of each block's inputs) @ minima: exact, one float a block
            sums = f"sums_{k}_{layout.block_size}"
            if sums not in self._constants:
                ones = np.ones((1, layout.block_size), np.float32)
                self.constant(sums, np.kron(np.eye(k // layout.block_size, dtype=np.float32), ones))
            block_sums = self.node("FusedMatMul", [x, sums], ms=True, transB=1)
            y = self.node("Gemm", [block_sums, f"{name}.minimum", y], transB=1)
        return y

    def finish(self) -> UncompiledModel:
        """Wait for the weights; the builder is spent afterwards."""
        weights = {name: array for name, array in self._constants.items() if array.dtype == np.float32}
        # Shapes and lengths: constants of the graph itself, so that it can be optimized with them.
        initializers = [onnx_proto.tensor(name, a) for name, a in self._constants.items() if name not in weights]
        weights |= {name: dense.result() for name, dense in self._dense.items()}
        for job in self._repacking:
            job.result()
        for name, quantized in self._quantized.items():
            weights |= quantized.arrays(name)
        initializers += [onnx_proto.external_tensor(name, array) for name, array in weights.items()]
        graph = onnx_proto.graph(self._name, self._nodes, self._inputs, self._outputs, initializers)
        opsets = {"": OPSET, "com.microsoft": CONTRIB_VERSION}
        return UncompiledModel(onnx_proto.model(graph, opsets, IR_VERSION), weights)

    def session(self, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        """Finish and compile."""
        return self.finish().session(options)


@dataclass(frozen=True, eq=False)
class UncompiledModel:
    """A graph as `ModelProto`, and its weights, which do not pass through protobuf."""

    proto: bytes
    weights: Mapping[str, Array]

    def session(self, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        """Compile. ONNX Runtime reads the weights where they lie, repacks or copies them, and needs them no more (a
        test overwrites them to show it)."""
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in self.weights.values()]
        options.add_external_initializers(list(self.weights), values)
        return onnxruntime.InferenceSession(self.proto, options, providers=["CPUExecutionProvider"])


def _dequantize(tensors: Sequence[Tensor]) -> Floats:
    parts = [tensor.dequantize() for tensor in tensors]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
