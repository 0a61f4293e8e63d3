"""The self-test's checks of the kernels: they compare every kernel, all pass on kernels that are right, and none on
those that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpu.backends import cuda_checks, cuda_choice_checks, cuda_stream_checks
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_check_bench import Bench, Part, on_fresh_memory
from gpu.backends.cuda_checks import ALL_KERNELS, PARTS, eight_bits, kernel_checks
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.reference_model import LayerNorm
from gpu.kernels import names
from gpu.model_file.quants import FORMATS
from gpu.types import Words
from tests.gpu.kernels.test_draws import KNOWN_ANSWERS, words
from tests.support.cuda.devices import emulated_device
from tests.support.cuda.fake_streams import MissingWaitError
from tests.support.cuda.matrices import q8_1
from tests.support.cuda.nvidia import recorded

N_FORMATS = len(FORMATS)
ALL = {kernel for file in recorded()["files"].values() for kernel in file["kernels"]}


@pytest.fixture(scope="module")
def cuda() -> CudaDevice:
    return emulated_device(*names())


def on_bench(cuda: CudaDevice) -> Bench:
    return Bench(cuda, np.random.default_rng(1), Arena(cuda, 1 << 20))


@pytest.mark.slow
def test_every_kernel_is_compared_and_right_ones_pass(cuda: CudaDevice) -> None:
    """All there are in gpu/kernels, in every format: there is no exception."""
    checks = list(kernel_checks(cuda))
    assert [check for check in checks if check.outcome != "passed"] == []
    assert {kernel for check in checks for kernel in check.kernels} == ALL
    assert all(check.kernels for check in checks[:-1])
    assert len({check.what for check in checks}) == len(checks)
    last = checks[-1]
    assert (last.what, last.detail) == (ALL_KERNELS, f"{len(ALL)} kernels in {len(checks) - 1} comparisons")
    assert cuda.memory().used == 0


class Skipping:
    """In the place of a device's `launch`: one kernel does nothing."""

    def __init__(self, cuda: CudaDevice, kernel: str) -> None:
        self._launch, self._kernel = cuda.launch, kernel

    def __call__(self, name: str, *arguments: Any, **options: Any) -> None:
        if name != self._kernel:
            self._launch(name, *arguments, **options)


def check_that_nothing_is_noticed_by_nobody(cuda: CudaDevice, part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever kernel of these comparisons does nothing, one fails."""
    kernels = {kernel for check in on_fresh_memory(cuda, part) for kernel in check.kernels}
    assert kernels
    for kernel in sorted(kernels):
        with monkeypatch.context() as patch:
            patch.setattr(cuda, "launch", Skipping(cuda, kernel))
            checks = list(on_fresh_memory(cuda, part))
        assert any(check.outcome == "failed" for check in checks), kernel


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("part", PARTS[N_FORMATS:], ids=range(N_FORMATS, len(PARTS)))
def test_a_kernel_that_does_nothing_is_noticed(cuda: CudaDevice, part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_nothing_is_noticed_by_nobody(cuda, part, monkeypatch)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("part", PARTS[:N_FORMATS], ids=[kind.name for kind in FORMATS.values()])
def test_a_product_that_does_nothing_is_noticed(cuda: CudaDevice, part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_nothing_is_noticed_by_nobody(cuda, part, monkeypatch)


@pytest.mark.parametrize("wrong", [np.nan, 1.0, 0.0])
def test_wrong_results_fail(cuda: CudaDevice, wrong: float) -> None:
    """Untouched, off by a little, left out."""
    bench = on_bench(cuda)
    expected = bench.normal(40)
    out = expected + np.float32(0.1) if wrong == 1.0 else np.full(40, wrong, np.float32)
    results = {"right": (expected, expected), "wrong": (out, expected)}
    for check in (bench.close_to(Words("It"), 1e-3, results), bench.equal(Words("It"), results)):
        assert check.outcome == "failed"
        assert check.figures["right_difference"] == 0
        assert not check.figures["wrong_difference"] <= 1e-3


def test_one_wrong_kernel_fails_the_whole(cuda: CudaDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu.backends.cuda_checks.PARTS", cuda_stream_checks.stream_checks)
    assert [check.outcome for check in kernel_checks(cuda)] == ["passed"] * 3
    monkeypatch.setattr(cuda, "launch", Skipping(cuda, "layer_norm_f32"))
    with np.errstate(invalid="ignore"):
        assert [check.outcome for check in kernel_checks(cuda)] == ["failed"] * 3


def test_work_that_waits_for_nothing_fails(cuda: CudaDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaDevice, "wait", lambda self, event: None)
    _, streams = cuda_stream_checks.stream_checks
    with pytest.raises(MissingWaitError):
        list(streams(on_bench(cuda)))


def test_inputs_are_rounded_as_the_kernels_tests_round_them() -> None:
    """Written twice: what is off by one step was at a half."""
    x = np.random.default_rng(2).standard_normal((5, 96)).astype(np.float32)
    assert np.abs(eight_bits(x) - q8_1(x.astype(np.float64))).max() < 1e-6


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_random_numbers_are_those_published(counter: str, key: str, expected: str) -> None:
    got = cuda_choice_checks.philox(words(counter)[np.newaxis], *map(int, words(key)))
    assert got[0].tolist() == words(expected).tolist()


def test_draws_are_clear(cuda: CudaDevice) -> None:
    """A GPU's logarithms differ in the last bits: no draw may hang on them."""
    bench = Bench(cuda, np.random.default_rng(7), Arena(cuda, 8 << 20))
    case = cuda_choice_checks._Case.random(bench, temperature=0.8, **cuda_choice_checks.SEEDS)
    for row, state in zip(case.ruled, case.records, strict=True):
        drawn = row / np.float32(0.8) + cuda_choice_checks.gumbel_noise(cuda_choice_checks.RULES, state)
        second, best = np.partition(drawn, -2)[-2:]
        assert best - second > 1e-3


def test_rows_are_clear_of_halves(cuda: CudaDevice) -> None:
    """Else a right GPU would fail where its norm's last bit rounds an input to the other side."""
    bench, norm = on_bench(cuda), LayerNorm(np.ones(256, np.float32), np.zeros(256, np.float32))
    rows = norm(cuda_checks._clear_rows(bench, 5, 256, norm))
    nudged = rows * np.float32(1 + 1e-6)
    assert np.abs(eight_bits(nudged) - eight_bits(rows)).max() < 1e-5
