"""Every block format through ONNX Runtime's kernels against its golden standard."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from gpu.backends.onnx_builder import GraphBuilder
from gpu.model_file import Tensor
from gpu.model_file.quants import FORMATS, QuantizedFormat
from tests.support.requantize import FORMAT_NAMES, encode

BY_NAME = {kind.name: kind for kind in FORMATS.values()}
QUANTIZED = [name for name in FORMAT_NAMES if issubclass(BY_NAME[name], QuantizedFormat)]


def tensor(format_name: str, n: int, k: int, seed: int = 0, name: str = "w") -> Tensor:
    weights = np.random.default_rng(seed).standard_normal((n, k)).astype(np.float32) * 0.05 + 0.01
    return Tensor(name, BY_NAME[format_name], (n, k), encode(weights, format_name))


def product(x: np.ndarray, weights: list[Tensor], bias: np.ndarray | None, accuracy_level: int) -> np.ndarray:
    with ThreadPoolExecutor(1) as pool:
        g = GraphBuilder("product", pool, accuracy_level)
        y = g.quantized_matmul(g.input("x", np.float32, ["t", x.shape[1]]), weights, bias)
        g.output("y", y, np.float32, ["t", sum(w.shape[0] for w in weights)])
        session = g.session(onnxruntime.SessionOptions())
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_every_weight_is_exact(format_name):
    """Multiplied with the identity in float32, the blocks give back what the golden standard says."""
    w = tensor(format_name, n=51, k=512)
    exact = w.dequantize()
    got = product(np.eye(512, dtype=np.float32), [w], None, accuracy_level=0).T
    np.testing.assert_allclose(got, exact, rtol=0, atol=4e-7 * np.abs(exact).max())


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("format_name", QUANTIZED)
def test_int8_inputs_cost_little(format_name, rows):
    w = tensor(format_name, n=300, k=512)
    x = np.random.default_rng(1).standard_normal((rows, 512)).astype(np.float32)
    bias = np.random.default_rng(2).standard_normal(300).astype(np.float32)
    expected = x @ w.dequantize().T + bias
    got = product(x, [w], bias, accuracy_level=4)
    assert np.linalg.norm(got - expected) <= 1e-2 * np.linalg.norm(expected)


def test_large_inputs_do_not_saturate():
    """Products of the largest int8 inputs with the largest 8-bit weights, summed in pairs, must not clip."""
    w = Tensor("w", BY_NAME["Q8_0"], (64, 512), encode(np.full((64, 512), 3.0, np.float32), "Q8_0"))
    got = product(np.full((1, 512), 7.0, np.float32), [w], None, accuracy_level=4)
    np.testing.assert_allclose(got, 7 * w.dequantize().sum(axis=1)[None], rtol=1e-2)


def test_parts_of_different_types_are_stacked():
    weights = [tensor("Q5_1", 64, 256, 1, "a"), tensor("Q8_0", 32, 256, 2, "b"), tensor("F16", 16, 256, 3, "c")]
    x = np.random.default_rng(4).standard_normal((3, 256)).astype(np.float32)
    bias = np.arange(112, dtype=np.float32)
    expected = x @ np.concatenate([w.dequantize() for w in weights]).T + bias
    got = product(x, weights, bias, accuracy_level=4)
    assert np.linalg.norm(got - expected) <= 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize("repacked", [True, False])
def test_a_session_does_not_need_the_arrays_it_was_made_from(repacked):
    """ONNX Runtime owns its weights, those it repacks and those it does not: the memory they came in is free again."""
    rng = np.random.default_rng(0)
    w = tensor("Q8_0", 256, 512)
    matrix, table = (rng.standard_normal((256, 512)).astype(np.float32) for _ in range(2))
    shift = rng.standard_normal(256).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_prepacking", "0" if repacked else "1")
    with ThreadPoolExecutor(1) as pool:
        g = GraphBuilder("sum", pool)
        x = g.node("Gather", [g.constant("table", table), g.input("i", np.int64, ["n"])], axis=0)
        y = g.node("FusedMatMul", [x, g.constant("matrix", matrix)], ms=True, transB=1)
        z = g.node("Add", [g.quantized_matmul(x, [w], None), g.constant("shift", shift)])
        g.output("y", g.node("Add", [y, z]), np.float32, ["n", 256])
        session = g.session(options)
    quantized = g._quantized["w"]
    feed = {"i": np.arange(3)}
    before = session.run(None, feed)[0]
    for array in (matrix, table, shift, quantized.scale):
        array.fill(7)
    quantized.q.fill(7)
    np.testing.assert_array_equal(session.run(None, feed)[0], before)
