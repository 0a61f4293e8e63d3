"""The reference checker: it agrees with NumPy about numbers, with a backend about a good file, and finds a bad one."""

import numpy as np
import pytest

from gpu import model_check
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, ModelNotFoundError
from gpu.model_check import TOLERANCE, check_model, is_good, onnx_weights
from gpu.model_file import Tensor, open_model
from gpu.model_file.quants import FORMATS, QuantizedFormat
from tests.support.requantize import K_FORMATS, SHIPPED_MODEL, encode
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

pytestmark = pytest.mark.slow

QUANTIZED = [kind for kind in FORMATS.values() if issubclass(kind, QuantizedFormat)]


@pytest.fixture(scope="module")
def model():
    return synthetic_model(synthetic_dimensions(64, 1))


@pytest.fixture
def report_of(tmp_path, model):
    """`report_of(encoded)`: the reports of a file of these tensors, by name."""

    def check(format_name="Q5_1", **changes):
        from tests.support.ggml_writer import write_ggml

        encoded = model.encoded(format_name) | changes
        path = write_ggml(tmp_path / "model.bin", model.dims, encoded, model.vocabulary, model.mel_filters)
        return {report.name: report for report in check_model(path, CancelToken())}

    return check


def test_statistics_are_numpy_s(report_of, model, tmp_path):
    reports = report_of()
    with open_model(tmp_path / "model.bin") as file:
        assert list(reports) == list(file.tensors)
        for name, tensor in file.tensors.items():
            weights, report = tensor.dequantize(), reports[name]
            assert (report.type, report.shape) == (tensor.type.name, tensor.shape)
            assert (report.min, report.max) == (weights.min(), weights.max())
            assert report.mean == pytest.approx(weights.mean(dtype=np.float64), abs=1e-12)
            assert report.std == pytest.approx(weights.std(dtype=np.float64), rel=1e-9)
            assert (report.n_nan, report.n_inf) == (0, 0)
            assert report.n_tensors == len(reports)
            assert is_good(report)
            assert list(report.errors) == (["onnx"] if issubclass(tensor.type, QuantizedFormat) else [])


@pytest.mark.parametrize("kind", QUANTIZED, ids=lambda kind: kind.name)
def test_every_type_through_the_backend(kind):
    weights = np.random.default_rng(0).standard_normal((40, 512)).astype(np.float32)
    if kind.name in K_FORMATS:
        weights = weights * 0.1  # as large as a model's: scales of sub-blocks are rounded in float32
    tensor = Tensor("w", kind, weights.shape, encode(weights, kind.name))
    golden = tensor.dequantize()
    got = onnx_weights(tensor)
    assert got.shape == golden.shape
    assert np.abs(got - golden).max() <= TOLERANCE * max(1, np.abs(golden).max())


def test_weights_that_are_no_numbers(report_of, model):
    name = "decoder.blocks.0.mlp.0.weight"
    stored_as, raw, shape = model.encoded("Q5_1")[name]
    raw = raw.copy()
    raw[0:2] = np.array([np.nan], "<f2").view(np.uint8)  # the first block's scale
    ln = "encoder.ln_post.weight"
    infinite = np.ones(64, "<f4")
    infinite[3] = np.inf
    reports = report_of(**{name: (stored_as, raw, shape), ln: ("F32", infinite.view(np.uint8), (64,))})
    assert reports[name].n_nan == 32
    assert reports[ln].n_inf == 1
    assert reports[ln].max == 1
    assert [name for name, report in reports.items() if not is_good(report)] == sorted([ln, name], reverse=True)


def test_a_tensor_without_numbers(report_of):
    name = "encoder.ln_post.bias"
    report = report_of(**{name: ("F32", np.full(64, np.nan, "<f4").view(np.uint8), (64,))})[name]
    assert report.n_nan == 64
    assert np.isnan([report.min, report.max, report.mean, report.std]).all()
    assert not is_good(report)


@pytest.mark.parametrize("off", [2e-6, np.nan])
def test_a_backend_that_is_off(report_of, monkeypatch, off):
    def wrong(tensor):
        weights = onnx_weights(tensor).copy()
        weights[-1, -1] += off
        return weights

    monkeypatch.setitem(model_check._BACKENDS, "onnx", wrong)
    bad = [report for report in report_of().values() if not is_good(report)]
    assert len(bad) == 1 + 4 + 2 + 8 + 2  # every quantized matrix of one layer each, and the token embedding
    assert all(report.errors["onnx"] > TOLERANCE for report in bad)


def test_cancel_and_no_file(tmp_path):
    cancel = CancelToken()
    reports = check_model(SHIPPED_MODEL, cancel)
    next(reports)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(reports)
    with pytest.raises(ModelNotFoundError):
        next(check_model(tmp_path / "none.bin", CancelToken()))


@pytest.mark.slow
def test_the_shipped_model_is_read_as_it_is_stored():
    reports = list(check_model(SHIPPED_MODEL, CancelToken()))
    assert len(reports) == 245
    assert all(map(is_good, reports))
    assert sum(len(report.errors) for report in reports) == 97
