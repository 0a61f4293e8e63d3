"""Estimates against what was measured, and against each other."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.models.benchmark import Benchmark, last_benchmark, save_benchmark
from app.models.catalogue import CatalogueModel, load_catalogue
from app.models.estimate import cpu_memory, gpu_memory, real_time_factor, recommend
from app.models.overview import overview
from app.paths import benchmark_file, models_dir
from gpu.types import DeviceInfo, MemoryUsage, ModelInfo, RunStats

CATALOGUE = load_catalogue()
GB = 1_000_000_000
RUN = Benchmark("base", "Q5_1", "cpu", "some CPU", 60.0, 12.0, 2, 150, 0.0)

# Peak resident memory in MB of `transcribe` on eleven seconds; models of these shapes, on a 2-core x86-64 machine.
MEASURED = {
    "tiny-q5_1": 290, "tiny": 544, "base-q5_1": 430, "base-q8_0": 439, "base": 842, "small-q5_1": 1299, "small": 2190,
}  # fmt: skip


def model(name: str) -> CatalogueModel:
    return CATALOGUE.find(name)


@pytest.mark.parametrize(("name", "megabytes"), MEASURED.items())
def test_memory_on_the_cpu_is_what_was_measured(name: str, megabytes: int) -> None:
    assert cpu_memory(model(name)) / 1e6 == pytest.approx(megabytes, rel=0.2)


def test_the_built_in_model_s_within_five_percent() -> None:
    assert cpu_memory(model("base-q5_1")) / 1e6 == pytest.approx(MEASURED["base-q5_1"], rel=0.05)


@pytest.mark.parametrize("memory", [cpu_memory, gpu_memory])
def test_larger_models_need_more(memory) -> None:
    for names in (
        ["tiny-q5_1", "base-q5_1", "small-q5_1", "medium-q5_0", "large-v2-q5_0"],
        ["medium-q5_0", "medium-q8_0", "medium"],
        ["large-v3-turbo", "large-v3"],
    ):
        amounts = [memory(model(name)) for name in names]
        assert amounts == sorted(amounts)
        assert all(amount > model(name).n_bytes for amount, name in zip(amounts, names, strict=True))


class TestSpeed:
    def test_of_the_measured_model_is_the_measured_one(self) -> None:
        assert real_time_factor(model("base-q5_1"), RUN, CATALOGUE) == pytest.approx(0.2)

    def test_larger_models_are_slower(self) -> None:
        names = ["tiny-q5_1", "base-q5_1", "small-q5_1", "medium-q5_0", "large-v3-q5_0"]
        speeds = [real_time_factor(model(name), RUN, CATALOGUE) or 0.0 for name in names]
        assert speeds == sorted(speeds)
        assert speeds[-1] > 10 * speeds[1]
        turbo, large = (real_time_factor(model(n), RUN, CATALOGUE) for n in ("large-v3-turbo-q5_0", "large-v3-q5_0"))
        assert turbo < large

    def test_is_the_same_from_whichever_model_was_measured(self) -> None:
        small = real_time_factor(model("small-q5_1"), RUN, CATALOGUE)
        back = replace(RUN, size="small", processing_s=small * RUN.audio_s)
        assert real_time_factor(model("base-q5_1"), back, CATALOGUE) == pytest.approx(0.2)

    def test_of_an_unknown_shape_says_nothing(self) -> None:
        assert real_time_factor(model("base"), replace(RUN, size="custom"), CATALOGUE) is None
        assert real_time_factor(model("base"), replace(RUN, quantization="Q4_K"), CATALOGUE) is not None


class TestRecommendation:
    def test_fits_the_memory(self) -> None:
        slow_enough = replace(RUN, processing_s=0.1)
        names = {gb: recommend(CATALOGUE, round(gb * GB), slow_enough) for gb in (0.1, 0.45, 2, 64)}
        assert names[0.1] is None
        assert [names[gb].model.name for gb in (0.45, 2, 64)] == ["tiny-q5_1", "small-q5_1", "large-v3-q5_0"]

    def test_is_fast_enough(self) -> None:
        assert recommend(CATALOGUE, 64 * GB, replace(RUN, processing_s=12.0)).model.name == "small-q5_1"
        hopeless = recommend(CATALOGUE, 64 * GB, replace(RUN, processing_s=300.0))
        speeds = {
            m.name: real_time_factor(m, replace(RUN, processing_s=300.0), CATALOGUE)
            for m in CATALOGUE.models
            if not m.english_only and m.quantization != "F16"
        }
        assert hopeless.model.name == min(speeds, key=speeds.get)
        assert hopeless.reason.startswith("No model for many languages is fast enough here; this is the fastest, with ")

    def test_is_careful_while_nothing_is_measured(self) -> None:
        best = recommend(CATALOGUE, 64 * GB, None)
        assert best.model.name == "base-q5_1"
        assert "Larger models are considered once a recording " in best.reason


class TestBenchmark:
    MODEL = ModelInfo("ggml-base-q5_1", "base", "Q5_1", 59_707_625, True, 1.0)
    CPU = DeviceInfo("cpu", "some CPU", "as requested")
    STATS = RunStats(60.0, 60.0, 12.0, 2, 150, 0, MemoryUsage(1, 1, 1, 1))

    def test_a_run_is_kept(self) -> None:
        assert last_benchmark() is None
        save_benchmark(self.MODEL, self.CPU, self.STATS)
        assert replace(last_benchmark(), measured_at=0.0) == RUN
        assert [path.name for path in benchmark_file().parent.iterdir()] == [benchmark_file().name]

    def test_a_short_one_is_not(self) -> None:
        save_benchmark(self.MODEL, self.CPU, replace(self.STATS, audio_s=9.9))
        save_benchmark(self.MODEL, self.CPU, replace(self.STATS, n_windows=0))
        assert last_benchmark() is None

    def test_where_it_cannot_be_kept_the_run_goes_on(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        save_benchmark(self.MODEL, self.CPU, self.STATS, tmp_path / "file" / "x.json")

    @pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"size": 1}'])
    def test_what_cannot_be_understood_counts_as_none(self, text: str) -> None:
        benchmark_file().parent.mkdir(parents=True)
        benchmark_file().write_text(text)
        assert last_benchmark() is None


class TestOverview:
    def test_states(self) -> None:
        models_dir().mkdir(parents=True)
        (models_dir() / "ggml-tiny-q5_1.bin.part").write_bytes(bytes(1000))
        (models_dir() / "ggml-tiny-q8_0.bin").write_bytes(bytes(2000))
        rows = {row.model.name: (row.state, row.n_bytes_there) for row in overview().listed}
        assert rows["tiny-q5_1"] == ("begun", 1000)
        assert rows["tiny-q8_0"] == ("downloaded", 2000)
        assert rows["base-q5_1"] == ("built in", 59_707_625)
        assert rows["tiny"] == ("available", 0)

    def test_speed_is_there_once_it_was_measured(self) -> None:
        assert all(row.real_time_factor is None for row in overview().listed)
        save_benchmark(TestBenchmark.MODEL, TestBenchmark.CPU, TestBenchmark.STATS)
        assert all(row.real_time_factor for row in overview().listed)
