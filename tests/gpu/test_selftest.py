"""The whole self-test on an emulated GPU, and without one; whisper.cpp beside it where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.gpu import SAMPLE_TEXT
from app.paths import sample_recording, vad_model
from gpu import selftest, selftest_speed
from gpu.backends.cuda_checks import ALL_KERNELS
from gpu.backends.cuda_stream_checks import stream_checks
from gpu.cancel import CancelToken
from gpu.cuda_probe import CudaGpu, CudaProbe, CudaState
from gpu.devices import GpuSupport
from gpu.errors import Cancelled
from gpu.selftest import SelfTest
from gpu.selftest_speed import BESIDE_CPU, BESIDE_WHISPER_CPP, Timing, beside_cpu, beside_whisper_cpp, in_turns
from gpu.types import Check, Words
from gpu.whisper_cpp import WhisperCpp, WhisperCppError, why_not_compared
from tests.support.cuda.emulator import compile_kernels
from tests.support.cuda.fake_cupy import fake_cupy
from tests.support.requantize import SHIPPED_MODEL
from tests.support.scripted_model import TEXT, write_scripted_model

CARD = CudaGpu(0, "Emulated", (8, 6), 28, 4 << 30)
NAMES = [
    "A recording on the CPU", "A GPU", ALL_KERNELS, "More memory than there is", "A recording on the GPU",
    "Memory after ten runs", BESIDE_CPU, BESIDE_WHISPER_CPP, "The same tokens without captured graphs",
    "Time in each kernel",
]  # fmt: skip
# Of a binding that is no binding: it ends when it is asked to hear something.
ENDS = "class Model:\n def __init__(self, *a, **k): pass\n def transcribe(self, *a, **k): raise SystemExit(7)\n"


class Emulated(GpuSupport):
    """A machine with a GPU."""

    def probe(self) -> CudaProbe:
        return CudaProbe(CudaState.READY, Words("{gpu} found", gpu=CARD.description), Words("None."), (CARD,))


class WithoutGpu(GpuSupport):
    def probe(self) -> CudaProbe:
        return CudaProbe(CudaState.NO_DRIVER, Words("No NVIDIA driver was found"), Words("Install it."))


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> GpuSupport:
    cupy, _ = fake_cupy(compile_kernels, total=4 << 30)
    for module in ("gpu.backends.cuda_device", "gpu.selftest"):
        monkeypatch.setattr(f"{module}.import_cupy", lambda: cupy)
    return Emulated()


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scripted_model(tmp_path_factory.mktemp("model") / "ggml-scripted.bin")


def run(model: Path, device: str, gpu: GpuSupport, text: str = TEXT) -> list[Check]:
    return list(SelfTest(model, vad_model(), sample_recording(), text, device, gpu).checks(CancelToken()))


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.what: check for check in checks}


@pytest.mark.slow
def test_all_of_it_on_an_emulated_gpu(emulated: GpuSupport, scripted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer runs than on a card, and few of the kernels' checks, which have tests of their own. The emulator is no GPU:
    it cannot be faster than the CPU, which is noticed."""
    monkeypatch.setattr("gpu.backends.cuda_checks.PARTS", stream_checks)
    monkeypatch.setattr(selftest, "RUNS", 2)
    monkeypatch.setattr(selftest_speed, "ROUNDS", 1)
    checks = run(scripted, "cuda", emulated)
    found = by_name(checks)
    assert [check.what for check in checks if check.what in NAMES] == NAMES
    assert [check.what for check in checks if check.outcome == "failed"] == [BESIDE_CPU]
    assert found["A recording on the GPU"].detail.startswith(f"“{TEXT}”, ")
    assert found["A recording on the GPU"].detail.endswith(" s, Emulated")
    speed = found[BESIDE_CPU]
    assert "only 0." in speed.detail
    assert speed.figures["cpu_over_gpu_ratio"] == pytest.approx(speed.figures["cpu_s"] / speed.figures["gpu_s"])
    assert found["Memory after ten runs"].figures["runs"] == 2
    times = found["Time in each kernel"].figures
    assert times["gemv_qkv_1_q5_1_launches"] > 0
    assert times["used_bytes"] > 0


def outcomes(checks: list[Check]) -> Iterator[tuple[str, str]]:
    return ((check.what, check.outcome) for check in checks)


@pytest.mark.parametrize(
    ("device", "reason", "outcome"),
    [("auto", "there is no GPU to use", "skipped"), ("cuda", "there is no GPU to use", "failed"),
     ("cpu", "only the CPU was asked for", "")],
)  # fmt: skip
def test_without_a_gpu_everything_that_is_left_out_is_named(
    scripted: Path, device: str, reason: str, outcome: str
) -> None:
    checks = run(scripted, device, WithoutGpu())
    expected = dict.fromkeys(NAMES, "skipped") | {NAMES[0]: "passed", NAMES[1]: outcome}
    assert dict(outcomes(checks)) == {name: outcome for name, outcome in expected.items() if outcome}
    assert {check.detail for check in checks if check.what not in NAMES[:2]} == {reason}


def test_in_turns_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    def runner(name: str, seconds: list[float]) -> selftest_speed.Run:
        def one() -> tuple[float, bool]:
            order.append(name)
            return seconds.pop(0), True

        return one

    monkeypatch.setattr(selftest_speed, "ROUNDS", 3)
    timings = in_turns({"gpu": runner("gpu", [9, 1, 3, 2]), "cpu": runner("cpu", [9, 4, 5, 12])})
    assert order == ["gpu", "cpu"] * 4
    assert (timings["gpu"].median, timings["cpu"].median) == (2, 5)
    check = beside_cpu(timings["gpu"], timings["cpu"])
    assert (check.outcome, check.figures["cpu_over_gpu_ratio"]) == ("passed", 2.5)
    assert check.detail == "2.5 times as fast: 2.00 s, the CPU 5.00 s (at least 2.4 hoped for)"
    assert (check.figures["cpu_min_s"], check.figures["cpu_max_s"]) == (4, 12)


@pytest.mark.parametrize(
    ("gpu_s", "is_right", "outcome"), [(3.0, True, "passed"), (5.1, True, "failed"), (1.0, False, "failed")]
)
def test_a_gpu_has_to_be_faster_and_right(gpu_s: float, is_right: bool, outcome: str) -> None:
    """What fell back to the CPU on the way is not right either: its time would be another's."""
    gpu, cpu = Timing((gpu_s,), is_right), Timing((5.0,), True)
    assert beside_cpu(gpu, cpu).outcome == outcome
    check = beside_whisper_cpp(gpu, Timing((6.0,), False), "pywhispercpp 1.5.1")
    assert check.outcome == ("passed" if is_right else "failed")
    assert check.figures["whisper_cpp_over_gpu_ratio"] == pytest.approx(6 / gpu_s)


def test_whisper_cpp_is_not_needed(scripted: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert why_not_compared(scripted) == "whisper.cpp is not installed: not compared"


def test_whisper_cpp_reads_ggml_only(tmp_path: Path) -> None:
    pytest.importorskip("pywhispercpp")
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    assert why_not_compared(model) == "whisper.cpp reads only ggml's .bin files: not compared"
    assert why_not_compared(SHIPPED_MODEL) is None


@pytest.mark.slow
def test_whisper_cpp_hears_the_sample() -> None:
    pytest.importorskip("pywhispercpp")
    with WhisperCpp(SHIPPED_MODEL, 2, CancelToken()) as peer:
        seconds, text = peer.transcribe(sample_recording(), "en")
    assert seconds > 0
    assert peer.version.startswith("pywhispercpp ")
    assert selftest._words(text) == selftest._words(SAMPLE_TEXT)


@pytest.mark.parametrize(
    ("binding", "complaint"),
    [(ENDS + " system_info = staticmethod(str)\n", r"whisper.cpp ended by itself \(exit code 7\)"),
     ("class Model: pass\n", "whisper.cpp: type object 'Model' has no attribute 'system_info'")],
)  # fmt: skip
def test_a_whisper_cpp_that_ends_or_refuses(
    binding: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is skipped, and says why: it says nothing of the GPU."""
    package = tmp_path / "pywhispercpp"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.py").write_text(binding)
    metadata = tmp_path / "pywhispercpp-9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pywhispercpp\nVersion: 9\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WhisperCppError, match=complaint):
        WhisperCpp(SHIPPED_MODEL, 1, CancelToken()).transcribe(sample_recording(), "en")


def test_whisper_cpp_is_stopped() -> None:
    pytest.importorskip("pywhispercpp")
    token = CancelToken()
    with WhisperCpp(SHIPPED_MODEL, 1, token) as peer:
        token.cancel()
        with pytest.raises(Cancelled):
            peer.transcribe(sample_recording(), "en")
