"""The self-test's checks of the kernels: all pass on kernels that are right, and none on those that are wrong."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gpu.backends import cuda_checks
from gpu.backends.cuda_checks import kernel_checks
from gpu.backends.cuda_device import CudaDevice
from gpu.model_file.quants import FORMATS
from gpu.types import Check, Words
from tests.support.cuda.devices import emulated_device
from tests.support.cuda.fake_streams import MissingWaitError


@pytest.fixture(scope="module")
def cuda() -> CudaDevice:
    return emulated_device("dequantize.cu", "gemm.cu", "gemv.cu", "norm.cu", "attention.cu", "mel.cu")


@pytest.mark.slow
def test_right_kernels_pass(cuda: CudaDevice) -> None:
    checks = list(kernel_checks(cuda))
    assert [check for check in checks if check.outcome != "passed"] == []
    for name in (kind.name for kind in FORMATS.values() if kind.name != "F32"):
        assert sum(check.what.startswith(f"{name}:") for check in checks) == (2 if name in ("Q2_K", "Q3_K") else 4)
    assert cuda.memory().used == 0


@pytest.mark.parametrize("wrong", [np.nan, 1.0, 0.0])
def test_wrong_results_fail(cuda: CudaDevice, wrong: float) -> None:
    """Untouched, off by a little, left out."""
    bench = cuda_checks._Bench(cuda, np.random.default_rng(1), cuda_checks.Arena(cuda, 1 << 20))
    expected = bench.normal(40)
    out = bench.put(expected + np.float32(0.1) if wrong == 1.0 else np.full(40, wrong, np.float32))
    check = cuda_checks._compared(Words("It"), bench, out, expected, 1e-3)
    assert check.outcome == "failed"


@pytest.mark.parametrize("check", [cuda_checks._graph, cuda_checks._streams])
def test_graphs_and_streams(check: Callable[[object], Iterator[Check]]) -> None:
    cuda = emulated_device("norm.cu")
    bench = cuda_checks._Bench(cuda, np.random.default_rng(1), cuda_checks.Arena(cuda, 1 << 20))
    assert [found.outcome for found in check(bench)] == ["passed"]


def test_work_that_waits_for_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = emulated_device("norm.cu")
    bench = cuda_checks._Bench(cuda, np.random.default_rng(1), cuda_checks.Arena(cuda, 1 << 20))
    monkeypatch.setattr(CudaDevice, "wait", lambda self, event: None)
    with pytest.raises(MissingWaitError):
        list(cuda_checks._streams(bench))
