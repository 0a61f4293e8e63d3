"""CuPy's own wheel, without a GPU: every call that the device layer makes exists as it is made, and errors are mapped.

The stand-in of the other tests is strict, but it is ours; this is what ties it to the real thing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpu.backends.cuda_device import import_cupy
from gpu.cuda_probe import nvrtc_libraries
from gpu.errors import DeviceUnavailableError
from tests.support.cuda.driver_stub import build_driver_stub
from tests.support.cuda.fake_cupy import fake_cupy

ROOT = Path(__file__).parents[3]

needs_cupy = pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy (extra gpu) is not installed")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="sets the path of the driver as Linux does")


def answers(folder: Path, *which: str, status: int) -> dict[str, tuple[str, str]]:
    """What the calls raise with a driver in `folder` that starts with `status`; an empty folder: with none."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(folder), "STUB_INIT": str(status)}
    command = [sys.executable, "-m", "tests.support.cuda.real_cupy", *which]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    return {name: (error, text) for name, (error, text) in json.loads(answer).items()}


@needs_cupy
@needs_linux
def test_every_call_gets_as_far_as_the_driver(tmp_path: Path) -> None:
    build_driver_stub(tmp_path)
    got = answers(tmp_path, status=803)
    assert got.pop("event done") == ("", "")  # no answer is no error there
    assert "CUDA_ERROR_NOT_FOUND" in got.pop("function")[1]
    kernel, bad_kernel = got.pop("kernel"), got.pop("bad kernel")
    if any(nvrtc_libraries()):
        assert kernel == ("", "")
        assert bad_kernel[0] == "KernelError"
        assert bad_kernel[1].startswith("bad.cu cannot be compiled: bad.cu(1): error: ")
    else:
        assert kernel == bad_kernel
        assert "NVRTC was not found" in kernel[1]
    assert "CUDA_ERROR" in got.pop("shared")[1]  # in the driver's words, the others in the runtime's
    assert len(got) == 26
    for name, (error, text) in got.items():
        assert error == "DeviceUnavailableError", (name, error, text)
        assert text.startswith("The NVIDIA driver was updated and waits for a restart (cudaErrorSystemDriverMismatch")


@needs_cupy
@needs_linux
@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (0, "DeviceUnavailableError", "There is no NVIDIA driver, or one that is too old"),
        (100, "DeviceUnavailableError", "There is no NVIDIA GPU (cudaErrorNoDevice"),
        (999, "DeviceFailedError", "The GPU stopped working (cudaErrorUnknown"),
        (2, "DeviceMemoryError", "The GPU's memory is full (cudaErrorMemoryAllocation"),
    ],
)
def test_what_the_driver_says_becomes_our_error(tmp_path: Path, status: int, error: str, text: str) -> None:
    if status:
        build_driver_stub(tmp_path)
    got = answers(tmp_path, "device", status=status)
    assert got["device"][0] == error
    assert text in got["device"][1]


@needs_cupy
def test_the_stand_in_has_no_name_that_cupy_lacks() -> None:
    def compare(stand_in: SimpleNamespace, real: object, path: str) -> None:
        for name, value in vars(stand_in).items():
            assert hasattr(real, name), f"{path}.{name}"
            if isinstance(value, SimpleNamespace):
                compare(value, getattr(real, name), f"{path}.{name}")
            elif isinstance(value, int):
                assert getattr(real, name) == value, f"{path}.{name}"

    compare(fake_cupy(None)[0], import_cupy(), "cupy")


def test_a_cupy_that_cannot_be_loaded_is_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceUnavailableError, match="CuPy cannot be loaded: import of cupy halted"):
        import_cupy()
