"""What a model file really holds: every tensor's numbers, and whether the backends read them as the golden standard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime

from gpu.backends.onnx_builder import GraphBuilder
from gpu.cancel import CancelToken
from gpu.model_file import Tensor, open_model
from gpu.model_file.quants import Floats, QuantizedFormat
from gpu.types import TensorReport

TOLERANCE = 1e-6  # above this a backend does not compute with what the file says

_WEIGHTS_AT_ONCE = 1 << 21


def check_model(path: Path, cancel: CancelToken) -> Iterator[TensorReport]:
    """Check every tensor of a model file, in the order of openai/whisper's state dict.

    Raises:
        ModelFileError: it is no usable model.
        Cancelled: the token was set.
    """
    with open_model(path) as model:
        for name, tensor in model.tensors.items():
            yield _check(name, tensor, len(model.tensors), cancel)


def is_good(report: TensorReport) -> bool:
    """All weights are finite, and every backend is within `TOLERANCE`."""
    return not (report.n_nan or report.n_inf) and all(error <= TOLERANCE for error in report.errors.values())


def onnx_weights(tensor: Tensor) -> Floats:
    """A quantized matrix (n, k) as the ONNX backend multiplies with it: through its operands and kernels, in float32.

    The products with the unit vectors are the weights themselves.
    """
    k = tensor.shape[1]
    with ThreadPoolExecutor(1) as pool:
        g = GraphBuilder("weights", pool, accuracy_level=0)
        x = g.input("x", np.float32, ["t", k])
        g.output("w", g.quantized_matmul(x, [tensor], None), np.float32, ["t", tensor.shape[0]])
        session = g.session(onnxruntime.SessionOptions())
    columns: Floats = session.run(None, {"x": np.eye(k, dtype=np.float32)})[0]  # (k, n)
    return columns.T


# How each backend reads quantized matrices; those that dequantize with the golden standard's code need no check.
_BACKENDS: dict[str, Callable[[Tensor], Floats]] = {"onnx": onnx_weights}


@dataclass
class _Statistics:
    """Gathered part by part, in float64."""

    n: int = 0
    n_nan: int = 0
    n_inf: int = 0
    min: float = np.inf
    max: float = -np.inf
    total: float = 0.0
    squares: float = 0.0
    errors: dict[str, float] = field(default_factory=dict)

    def add(self, weights: Floats) -> None:
        finite = weights[np.isfinite(weights)].astype(np.float64)
        n_nan = int(np.isnan(weights).sum())
        self.n_nan += n_nan
        self.n_inf += weights.size - finite.size - n_nan
        if finite.size:
            self.n += finite.size
            self.min, self.max = min(self.min, float(finite.min())), max(self.max, float(finite.max()))
            self.total += float(finite.sum())
            self.squares += float(finite @ finite)

    def compare(self, backend: str, weights: Floats, golden: Floats) -> None:
        differences = np.abs(weights - golden)[np.isfinite(golden)]
        error = float(differences.max(initial=0)) if np.isfinite(differences).all() else np.inf
        self.errors[backend] = max(error, self.errors.get(backend, 0.0))


def _check(name: str, tensor: Tensor, n_tensors: int, cancel: CancelToken) -> TensorReport:
    found = _Statistics()
    is_matrix = len(tensor.shape) == 2 and issubclass(tensor.type, QuantizedFormat)
    step = max(1, _WEIGHTS_AT_ONCE // (int(np.prod(tensor.shape[1:]))))
    for first in range(0, tensor.shape[0], step):
        cancel.check()
        last = min(first + step, tensor.shape[0])
        golden = tensor.rows(first, last)
        found.add(golden)
        if is_matrix:
            part = tensor.part(first, last)
            for backend, read in _BACKENDS.items():
                found.compare(backend, read(part), golden)
    mean = found.total / found.n if found.n else np.nan
    variance = max(0.0, found.squares / found.n - mean**2) if found.n else np.nan
    largest = max(1.0, abs(found.min), abs(found.max)) if found.n else 1.0
    return TensorReport(
        name=name,
        type=tensor.type.name,
        shape=tensor.shape,
        min=found.min if found.n else np.nan,
        max=found.max if found.n else np.nan,
        mean=mean,
        std=float(np.sqrt(variance)),
        n_nan=found.n_nan,
        n_inf=found.n_inf,
        errors={backend: error / largest for backend, error in found.errors.items()},
        n_tensors=n_tensors,
    )
