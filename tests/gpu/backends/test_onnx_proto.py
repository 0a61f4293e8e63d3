"""The bytes of our graphs, read by the package `onnx`, and a file of its making, read by us."""

from contextlib import suppress

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from app.paths import vad_model
from gpu.backends import onnx_proto

DTYPES = [np.float32, np.uint8, np.int8, np.int32, np.int64]


def test_a_model_is_what_the_package_makes_of_it():
    attributes = {"axis": -1, "epsilon": 1e-5, "perm": [0, 2, 1], "quant": "PER_TENSOR", "none": 0, "far": -(2**63)}
    weights = np.arange(-3, 3, dtype=np.int64).reshape(2, 3)
    outside = np.zeros((300, 2), np.float32)
    node = onnx_proto.Node("Größe", ["x", "", "w"], ["y"], "0:w", "com.microsoft", attributes)
    graph = onnx_proto.graph(
        "g",
        [node],
        [onnx_proto.value("x", np.float32, ["n", 3, 200])],
        [onnx_proto.value("y", np.int8, [])],
        [onnx_proto.tensor("w", weights), onnx_proto.external_tensor("outside", outside)],
    )
    got = onnx.ModelProto.FromString(onnx_proto.model(graph, {"": 17, "com.microsoft": 1}, 9))

    expected_node = helper.make_node(
        "Größe", ["x", "", "w"], ["y"], name="0:w", domain="com.microsoft", **dict(sorted(attributes.items()))
    )
    got.graph.node[0].attribute.sort(key=lambda attribute: attribute.name)
    placed = onnx.TensorProto(name="outside", data_type=1, dims=[300, 2], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", "outside"), ("offset", "0"), ("length", "2400")):
        placed.external_data.add(key=key, value=value)
    expected = helper.make_model(
        helper.make_graph(
            [expected_node],
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 200])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.INT8, [])],
            [numpy_helper.from_array(weights, "w"), placed],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=9,
    )
    assert got == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_keep_type_shape_and_values(dtype):
    for array in (np.array(7, dtype), np.zeros((0, 4), dtype), np.arange(24, dtype=dtype).reshape(2, 3, 4)[:, ::-1]):
        got = onnx.TensorProto.FromString(onnx_proto.tensor("t", array))
        np.testing.assert_array_equal(numpy_helper.to_array(got), array, strict=True)


def test_other_types_are_refused():
    with pytest.raises(KeyError):
        onnx_proto.tensor("t", np.zeros(3))


def test_a_published_file_is_read_as_the_package_reads_it():
    data = vad_model().read_bytes()
    published = onnx.ModelProto.FromString(data).graph
    nodes, tensors = onnx_proto.read_graph(data)
    got = [(node.op, node.inputs, node.outputs) for node in nodes]
    assert got == [(node.op_type, list(node.input), list(node.output)) for node in published.node]
    expected = {tensor.name: numpy_helper.to_array(tensor) for tensor in published.initializer}
    assert tensors.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name], values, strict=True)


@pytest.mark.parametrize("n_bytes", [1, 40, 5_000, 1_246_164])
def test_a_file_cut_short_is_no_model(n_bytes):
    with pytest.raises(ValueError, match="byte"):
        onnx_proto.read_graph(vad_model().read_bytes()[:n_bytes])


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x3a\xff\xff\xff\xff\x7f", b"\x3b", b"\x3a\x04\x0a\x02\xff\xff"])
def test_other_bytes_are_no_model(data):
    with pytest.raises(ValueError, match="byte"):
        onnx_proto.read_graph(data)


def test_damage_is_a_value_error_or_goes_unnoticed():
    rng = np.random.default_rng(0)
    data = np.frombuffer(vad_model().read_bytes(), np.uint8)
    head = np.concatenate([data[:3_000], data[-300:]])
    for _ in range(300):
        damaged = head.copy()
        damaged[rng.integers(0, len(head), 3)] = rng.integers(0, 256, 3)
        with suppress(ValueError):
            onnx_proto.read_graph(damaged.tobytes())
        inside = damaged[rng.integers(0, 2_000) :].tobytes()
        size = len(inside)
        with suppress(ValueError):
            onnx_proto.read_graph(b"\x3a" + bytes([size & 0x7F | 0x80, size >> 7]) + inside)
