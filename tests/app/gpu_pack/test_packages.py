"""The list of wheels: complete, pinned, and of what is published."""

import hashlib
from pathlib import Path

import pytest

from app.gpu_pack.packages import NoGpuPackError, needed_packages, pack_id

SYSTEMS = ("linux-x86_64", "linux-aarch64", "windows-x86_64")
PYTHONS = ("cp311", "cp312", "cp313")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_each_system_has_one_wheel_of_each(system: str, python: str) -> None:
    packages = needed_packages(system, python, compiler=True)
    assert sorted(p.name for p in packages) == ["CUDA NVRTC", "CUDA runtime headers", "CuPy", "cuda-pathfinder"]
    [cupy] = [p for p in packages if p.name == "CuPy"]
    assert f"-{python}-" in cupy.file.name
    kernels_are_there = needed_packages(system, python, compiler=False)
    assert sorted(p.name for p in kernels_are_there) == ["CuPy", "cuda-pathfinder"]
    assert pack_id(packages) != pack_id(kernels_are_there)


def test_addresses_are_those_of_the_content() -> None:
    """PyPI keeps a file under the BLAKE2 hash of its content: nothing else can ever be there."""
    for system in SYSTEMS:
        for package in needed_packages(system, "cp312", compiler=True):
            [url] = package.file.urls
            *_, first, second, rest, name = url.split("/")
            assert len(first + second + rest) == hashlib.blake2b(digest_size=32).digest_size * 2
            assert name == package.file.name
            assert len(package.file.sha256) == 64
            assert package.version in name
            assert package.licence


@pytest.mark.parametrize(("system", "python"), [("darwin-aarch64", "cp311"), ("linux-x86_64", "cp310")])
def test_elsewhere_there_is_none(system: str, python: str) -> None:
    with pytest.raises(NoGpuPackError, match=r"There is no GPU support for .* with Python 3\.1"):
        needed_packages(system, python, compiler=True)


def test_the_order_does_not_matter_to_the_name(tmp_path: Path) -> None:
    packages = needed_packages("linux-x86_64", "cp311", compiler=True)
    assert pack_id(packages) == pack_id(packages[::-1])
