"""The command `bench`: its table and its JSON, from made-up figures, from a small model, and as its user meets it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bench_report import as_json, kernel_lines, memory_lines, profile_lines, table_lines
from app.engine.benchmark import BenchmarkJob, DeviceAbsent, DeviceBenchmark, MeasuredRun, benchmark
from app.engine.service import Failure
from app.paths import default_model, sample_recording
from gpu.cancel import CancelToken
from gpu.stage_clock import StageTime
from gpu.types import DeviceInfo, GraphProfile, KernelTime, MemoryUsage, ModelInfo, NodeProfile, RunStats, Words
from tests.support.program import Program

MB = 1_000_000
JOB = BenchmarkJob(Path("base.bin"), Path("talk.wav"), "auto", None, n_runs=3, profile=True)


def memory(used: int, peak: int) -> MemoryUsage:
    return MemoryUsage(used * MB, peak * MB, 0, 0)


def measured_run(seconds: float) -> MeasuredRun:
    """Ten seconds of sound; four tenths of the time in the encoder, half in the decoder."""
    stages = {
        "mel": StageTime(beside_s=0.25, n_items=2, used=100 * MB, peak=500 * MB),
        "encode": StageTime(0.4 * seconds, n_items=2, used=300 * MB, peak=500 * MB),
        "decode": StageTime(0.5 * seconds, n_items=50, used=400 * MB, peak=500 * MB),
    }
    return MeasuredRun(RunStats(10.0, 10.0, seconds, 2, 45, 0, memory(400, 500)), stages)


NODES = (
    NodeProfile("MatMul", "encoder.blocks.*.mlp.0.weight", 4, 0.5, 100e9, 3 * MB),
    NodeProfile("Gelu", "", 2, 0.25, 0.0, MB),
    NodeProfile("MatMul", "encoder.blocks.*.mlp.2.weight", 4, 0.125, 25e9, 5 * MB),
)
CPU = DeviceBenchmark(
    ModelInfo("ggml-base-q5_1", "base", "Q5_1", 60 * MB, True, 0.75),
    DeviceInfo("cpu", "Some CPU", Words("As requested")),
    memory(80, 90),
    memory(320, 500),
    (measured_run(3.0), measured_run(1.0), measured_run(2.0)),
    (GraphProfile("encoder", 2, 1.0, NODES),),
)
GPU = replace(CPU, device=DeviceInfo("cuda", "Some GPU", Words("As requested")), runs=(measured_run(0.5),))


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def test_a_gpu_s_kernels_and_memory() -> None:
    kernels = (KernelTime("gemm_large_q5_1", 24, 0.003, 600 * MB), KernelTime("embed_q5_1", 100, 0.001, 0))
    gpu = replace(GPU, profile=(), kernels=kernels, device_memory=MemoryUsage(150 * MB, 160 * MB, 7000 * MB, 8000 * MB))
    _, memory_line, _, head, _, *rows = kernel_lines(gpu)
    assert memory_line == "CUDA, GPU memory in MB: 150 ours, 160 at most; 7,000 free of 8,000"
    assert head.startswith("CUDA, kernels: 124 launches, 0.004 s")
    assert [cells(row) for row in rows] == [
        ["gemm_large_q5_1", "24", "3.00", "75%", "125.0", "600.0", "200"],
        ["embed_q5_1", "100", "1.00", "25%", "10.0", "0.0", "0"],
    ]
    assert not any("load" in line or "end" in line for line in memory_lines(gpu))
    [device] = as_json(JOB, [gpu], [])["devices"]
    assert device["kernels"][0]["n_bytes"] == 600 * MB
    assert device["device_memory"]["free"] == 7000 * MB
    assert list(kernel_lines(CPU)) == []


def test_a_profile_on_a_gpu_is_of_an_engine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """That which times its kernels; the runs that are measured do not."""
    kernels, opened = (KernelTime("embed_q5_1", 3, 0.5, MB),), []

    class OnGpu:
        model, device = GPU.model, GPU.device

        def __init__(self, *arguments: object, gpu: object = None) -> None:
            self._traces = arguments[4] if len(arguments) > 4 else None
            opened.append(self._traces)

        def transcribe(self, *_: object) -> Iterator[RunStats]:
            yield RunStats(10.0, 10.0, 1.0, 1, 9, 0, self.memory())

        def memory(self) -> MemoryUsage:
            return memory(150, 160)

        def profiles(self) -> list[GraphProfile]:
            return []

        def kernel_times(self) -> tuple[KernelTime, ...]:
            return kernels if self._traces else ()

        def close(self) -> None:
            pass

    monkeypatch.setattr("gpu.engine.Engine", OnGpu)
    job = replace(JOB, device="cuda", recording=sample_recording(), n_runs=2)
    *_, measured = benchmark(job, CancelToken())
    assert isinstance(measured, DeviceBenchmark)
    assert (measured.kernels, measured.device_memory) == (kernels, memory(150, 160))
    assert [traces is not None for traces in opened] == [False, True]
    *_, plain = benchmark(replace(job, profile=False), CancelToken())
    assert isinstance(plain, DeviceBenchmark)
    assert plain.kernels == ()


class TestTable:
    def test_the_run_of_median_length_is_shown_and_adds_up(self) -> None:
        rows = {label: figures for label, *figures in map(cells, table_lines(JOB, [CPU])[4:])}
        assert rows["load"] == ["0.750 s"]
        assert rows["spectrogram, meanwhile"] == ["0.250 s"]
        assert [rows[name] for name in ("encode", "decode", "the rest", "transcription")] == [
            ["0.800 s", "40%"],
            ["1.000 s", "50%"],
            ["0.200 s", "10%"],
            ["2.000 s", "100%"],
        ]
        assert rows["encode, a window"] == ["400.00 ms"]
        assert rows["decode, a token"] == ["20.00 ms"]
        assert rows["prompt, a window"] == ["-"]
        assert rows["real-time factor"] == ["0.2000"]
        assert rows["peak memory"] == ["500 MB"]

    def test_of_an_even_number_the_shorter_of_the_middle_two(self) -> None:
        runs = tuple(map(measured_run, (4.0, 1.0, 3.0, 2.0)))
        assert replace(CPU, runs=runs).median.stats.processing_s == 2.0

    def test_two_devices_stand_side_by_side_with_their_ratio(self) -> None:
        lines = table_lines(JOB, [CPU, GPU])
        assert cells(lines[4]) == ["CPU", "CUDA", "faster by"]
        [row] = [cells(line) for line in lines if line.startswith("transcription")]
        assert row == ["transcription", "2.000 s", "100%", "0.500 s", "100%", "4.00 x"]
        [row] = [cells(line) for line in lines if line.startswith("tokens")]
        assert row == ["tokens", "50", "50"]

    def test_memory_after_each_stage(self) -> None:
        rows = [cells(line) for line in memory_lines(CPU)[2:]]
        assert rows[:2] == [["start", "80", "90"], ["load", "320", "500"]]
        assert ["decode", "400", "500"] in rows

    def test_nodes_are_added_up_by_operator(self) -> None:
        _, title, header, *lines = profile_lines(CPU)
        assert "encoder: 2 runs, 1.000 s" in title
        assert cells(header)[0] == "operator"
        assert cells(lines[0]) == ["MatMul", "8", "625.0", "62%", "78125", "200.0", "5.00"]
        assert cells(lines[1]) == ["Gelu", "2", "250.0", "25%", "125000", "1.00"]
        assert cells(lines[3])[:2] == ["MatMul encoder.blocks.*.mlp.0.weight", "4"]

    def test_json_holds_every_run(self) -> None:
        content = json.loads(json.dumps(as_json(JOB, [CPU, GPU], [DeviceAbsent("other", Words("Not here."))])))
        assert content["speedup"] == 4.0
        assert content["absent"] == {"other": "Not here."}
        cpu, _ = content["devices"]
        assert [run["processing_s"] for run in cpu["runs"]] == [3.0, 1.0, 2.0]
        assert cpu["median_run"] == 2
        assert cpu["runs"][2]["stages"]["encode"]["seconds"] == pytest.approx(0.8)
        assert cpu["profile"][0]["nodes"][0]["node"] == "encoder.blocks.*.mlp.0.weight"


@pytest.mark.parametrize(
    ("model", "recording", "device", "kind"),
    [
        (default_model(), Path("gone.wav"), "auto", "AudioNotFoundError"),
        (Path("gone.bin"), sample_recording(), "cpu", "ModelNotFoundError"),
        (sample_recording(), sample_recording(), "cpu", "UnknownModelFormatError"),
        (default_model(), sample_recording(), "cuda", "DeviceUnavailableError"),
    ],
)
def test_what_is_wrong_is_said_at_once(model: Path, recording: Path, device: str, kind: str) -> None:
    [failure] = benchmark(BenchmarkJob(model, recording, device, None, n_runs=1, profile=False), CancelToken())
    assert isinstance(failure, Failure)
    assert failure.kind == kind


@pytest.mark.slow
def test_the_sample(tmp_path: Path) -> None:
    """Two runs and a profile of the shipped model, kept for the list of models."""
    program = Program(tmp_path, tmp_path)
    home = program.environment | {"XDG_DATA_HOME": str(tmp_path)}
    done = program.run("bench", "--device", "cpu", "--runs", "2", "--json", "all.json", "--profile", env=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("jfk.wav (11.0 s), ggml-base-q5_1 (base, Q5_1), run of median length of 2\n")
    [device] = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["devices"]
    median = device["runs"][device["median_run"]]
    parts = [stage["seconds"] for stage in median["stages"].values()]
    assert set(median["stages"]) == {"read", "vad", "mel", "encode", "prompt", "decode"}
    assert sum(parts) + median["rest_s"] == pytest.approx(median["processing_s"])
    assert 0 <= median["rest_s"] < 0.2 * median["processing_s"]
    assert {graph["graph"] for graph in device["profile"]} == {"encoder", "prompt", "step", "look ahead"}
    [kept] = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("last-benchmark.json")]
    assert kept["processing_s"] == median["processing_s"]


@pytest.mark.slow
def test_wrong_usage(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path)
    for words, code, said in (
        (["--model", "no-such"], 2, "error: --model: "),
        (["one.wav", "two.wav"], 2, "one FILE at a time, got 2"),
        (["--runs", "0"], 2, "at least 1"),
        (["gone.wav"], 1, "error: There is no file gone.wav. "),
    ):
        done = program.run("bench", *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
