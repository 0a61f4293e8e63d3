"""The probe of the NVIDIA driver against a driver of our own that gives every answer there is."""

from __future__ import annotations

import ctypes.util
import importlib.util
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gpu import cuda_probe
from gpu.cuda_probe import CudaState, _has_cupy, preload_nvrtc, probe_cuda, probe_driver
from tests.support.cuda.driver_stub import build_driver_stub

H100 = "NVIDIA H100,90,132,80"
P100 = "Tesla P100,60,56,16"
T4 = "Tesla T4,75,40,16"
RTX_5050 = "NVIDIA GeForce RTX 5050,120,20,8"

# Sets what the driver answers; its library's path.
Driver = Callable[..., str]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_driver_stub(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def driver(library: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    def answer(gpus: str = H100, version: int = 13000, init: int = 0) -> str:
        for name, value in (("GPUS", gpus), ("VERSION", version), ("INIT", init)):
            monkeypatch.setenv(f"STUB_{name}", str(value))
        return str(library)

    return answer


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Sets which packages there are; NVRTC as a wheel of its own, or in a toolkit."""

    def install(
        cupy: bool = True,
        nvrtc: str | None = "nvidia/cu13/lib/libnvrtc.so.13",
        toolkit: str = "",
        headers: str = "nvidia/cu13",
    ) -> None:
        wheels = ModuleSpec("nvidia", None, is_package=True)
        wheels.submodule_search_locations = [str(tmp_path / "nvidia")]
        specs = {"cupy": ModuleSpec("cupy", None) if cupy else None, "nvidia": wheels if nvrtc else None}
        monkeypatch.setattr(importlib.util, "find_spec", specs.__getitem__)
        monkeypatch.setattr(cuda_probe, "TOOLKIT", tmp_path / "usr")
        monkeypatch.delenv("CUDA_HOME", raising=False)
        monkeypatch.setenv("CUDA_PATH", str(tmp_path / toolkit) if toolkit else "")
        if nvrtc or toolkit:
            path = tmp_path / (nvrtc or f"{toolkit}/bin/x64/nvrtc64_130_0.dll")
            for file in (path, tmp_path / (toolkit or headers) / "include" / "cuda_fp16.h"):
                file.parent.mkdir(parents=True)
                file.touch()

    return install


def test_no_driver(tmp_path: Path) -> None:
    probe = probe_cuda(str(tmp_path / "libcuda.so.1"))
    assert (probe.state, probe.cause) == (CudaState.NO_DRIVER, "No NVIDIA driver was found")
    assert "install its driver, version 580 or newer" in probe.remedy


def test_a_library_that_is_none_is_no_driver(tmp_path: Path) -> None:
    library = tmp_path / "libcuda.so.1"
    library.write_bytes(b"not a library")
    assert probe_cuda(str(library)).state is CudaState.NO_DRIVER


@pytest.mark.parametrize(
    ("answer", "state", "cause", "remedy"),
    [
        ({"gpus": ""}, CudaState.NO_DEVICE, "no NVIDIA GPU", "see that it is connected"),
        ({"gpus": "", "init": 100}, CudaState.NO_DEVICE, "no NVIDIA GPU", "CUDA_VISIBLE_DEVICES"),
        ({"init": 803}, CudaState.DRIVER_MISMATCH, "waits for a restart", "Restart the computer."),
        ({"init": 999}, CudaState.DRIVER_FAILED, "does not start (CUDA error 999)", "install the NVIDIA driver anew"),
        (
            {"gpus": T4, "version": 12020},
            CudaState.DRIVER_TOO_OLD,
            "supports CUDA 12.2; CUDA 13.0 is needed (driver 580 or newer)",
            "Install a current NVIDIA driver.",
        ),
        ({"gpus": P100}, CudaState.GPU_TOO_OLD, "P100 found, whose compute capability 6.0 is too old; 7.5", "RTX 20"),
        ({"gpus": T4}, CudaState.READY, "Tesla T4 (16 GB, compute capability 7.5) found", "Nothing"),
        ({"version": 13010}, CudaState.READY, "NVIDIA H100 (80 GB, compute capability 9.0) found", "Nothing"),
    ],
)
def test_every_answer_of_a_driver(
    driver: Driver, answer: dict[str, object], state: CudaState, cause: str, remedy: str
) -> None:
    probe = probe_driver(driver(**answer))
    assert probe.state is state
    assert cause in probe.cause
    assert remedy in probe.remedy
    assert "\n" not in probe.cause
    assert probe.remedy.endswith(".")


@pytest.mark.parametrize(
    ("packages", "compiled", "state", "words"),
    [
        ({"cupy": False}, True, CudaState.NO_CUPY, "found, but the package CuPy is not installed"),
        ({"nvrtc": None}, False, CudaState.NO_NVRTC, "found, but the compiler NVRTC is not installed"),
        ({"nvrtc": None}, True, CudaState.READY, "NVIDIA H100"),
        ({"headers": "elsewhere"}, False, CudaState.NO_NVRTC, "is not installed, or not its headers"),
        ({}, False, CudaState.READY, "NVIDIA H100"),
        ({"nvrtc": "nvidia/cu13/bin/x86_64/nvrtc64_130_0.dll"}, False, CudaState.READY, "NVIDIA H100"),
        ({"nvrtc": None, "toolkit": "CUDA"}, False, CudaState.READY, "NVIDIA H100"),
    ],
)
def test_packages_are_looked_for_when_the_gpu_would_do(
    driver: Driver,
    installed: Callable[..., None],
    packages: dict[str, object],
    compiled: bool,
    state: CudaState,
    words: str,
) -> None:
    installed(**packages)
    probe = probe_cuda(driver(), compiled=compiled)
    assert probe.state is state
    assert words in probe.cause
    assert probe_cuda(driver(P100), compiled=compiled).state is CudaState.GPU_TOO_OLD


def test_several_gpus_are_listed_best_first(driver: Driver) -> None:
    probe = probe_driver(driver(";".join([P100, RTX_5050, H100, T4])))
    assert probe.state is CudaState.READY
    assert [(gpu.ordinal, gpu.name, gpu.capability, gpu.total_memory >> 30) for gpu in probe.gpus] == [
        (2, "NVIDIA H100", (9, 0), 80),
        (3, "Tesla T4", (7, 5), 16),
        (1, "NVIDIA GeForce RTX 5050", (12, 0), 8),
        (0, "Tesla P100", (6, 0), 16),
    ]
    assert probe.gpus[0].description == "NVIDIA H100 (80 GB, compute capability 9.0)"
    assert not probe.gpus[3].is_new_enough


def test_probing_a_machine_without_a_driver_takes_no_time() -> None:
    if ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda"):
        pytest.skip("this machine has an NVIDIA driver")
    times = []
    for _ in range(20):
        begun = time.process_time()
        probe_cuda()
        times.append(time.process_time() - begun)
    assert sorted(times)[10] < 0.001


def test_probing_a_machine_with_a_gpu_adds_no_time(driver: Driver, installed: Callable[..., None]) -> None:
    installed()
    library = driver()
    times = []
    for _ in range(20):
        begun = time.process_time()
        assert probe_cuda(library).state is CudaState.READY
        times.append(time.process_time() - begun)
    assert sorted(times)[10] < 0.001


def test_a_cupy_that_was_removed_counts_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays imported."""
    gone = ModuleSpec("cupy", None, origin=str(tmp_path / "cupy" / "__init__.py"))
    monkeypatch.setattr("gpu.cuda_probe.importlib.util.find_spec", lambda name: gone if name == "cupy" else None)
    assert not _has_cupy()
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy" / "__init__.py").touch()
    assert _has_cupy()


def test_the_compiler_is_loaded_for_cupy_to_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it looks into site-packages only. First what the compiler looks for by name."""
    for name in ("libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libnvrtc.alt.so.13", "libnvrtc-builtins.alt.so.13.0"):
        (tmp_path / "lib").mkdir(exist_ok=True)
        (tmp_path / "lib" / name).touch()
    loaded: list[str] = []
    monkeypatch.setattr("gpu.cuda_probe.toolkits", lambda: iter([tmp_path]))
    monkeypatch.setattr("gpu.cuda_probe.ctypes.CDLL", lambda path, mode: loaded.append(Path(path).name))
    preload_nvrtc.__wrapped__()
    assert loaded == ["libnvrtc-builtins.so.13.0", "libnvrtc.so.13"]
