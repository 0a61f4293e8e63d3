"""Builds `stub_driver.c`: the driver's library for a machine without one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("stub_driver.c")


def build_driver_stub(folder: Path) -> Path:
    """The library, as Linux calls it, so that `folder` may be where the system looks for it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build a stand-in for the NVIDIA driver")
    library = folder / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library
