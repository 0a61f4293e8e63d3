"""The locked packages: pinned, hashed, without addresses, and what pyproject.toml asks for."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {"app": None, "test": "test", "build": "build", "gpu": "gpu"}


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Package -> its pinned requirement and its hashes."""
    text = (ROOT / "resources" / "locks" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    packages = {}
    for line in text.splitlines():
        requirement, *hashes = line.split("--hash=")
        parsed = Requirement(requirement)
        assert parsed.name not in packages, "one version for every platform and Python"
        packages[canonicalize_name(parsed.name)] = (parsed, [text.strip() for text in hashes])
    return packages


@pytest.mark.parametrize("name", EXTRAS)
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    for requirement, hashes in locked(name).values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier))
        assert hashes
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", text) for text in hashes)


@pytest.mark.parametrize("name", EXTRAS)
def test_no_address_and_no_path(name: str) -> None:
    text = (ROOT / "resources" / "locks" / f"{name}.txt").read_text("utf-8")
    assert not re.search(r"://|[\w.]/|--(index|extra-index|find-links)| @ |\.(com|org|io)\b", text)


@pytest.mark.parametrize(("name", "extra"), EXTRAS.items())
def test_the_lock_gives_what_pyproject_asks_for(name: str, extra: str | None) -> None:
    asked = PROJECT["dependencies"] + (PROJECT["optional-dependencies"][extra] if extra else [])
    packages = locked(name)
    for requirement in map(Requirement, asked):
        pinned, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(next(iter(pinned.specifier)).version)


@pytest.mark.parametrize("name", ["test", "build", "gpu"])
def test_all_locks_agree_with_the_application_s(name: str) -> None:
    packages = locked(name)
    assert all(str(packages[package][0]) == str(requirement) for package, (requirement, _) in locked("app").items())


def test_pyside_is_the_release_that_counts_references_right() -> None:
    assert str(locked("app")["pyside6-essentials"][0].specifier) == "==6.11.3"


def test_kernels_are_compiled_by_what_compiles_them_at_the_user_s() -> None:
    packages = json.loads((ROOT / "resources" / "gpu" / "packages.json").read_text("utf-8"))["packages"]
    fetched = {row["package"]: row["version"] for row in packages if row["compiler"]}
    asked = {Requirement(text).name: text for text in PROJECT["optional-dependencies"]["kernels"]}
    assert asked["nvidia-cuda-nvrtc"] == f"nvidia-cuda-nvrtc=={fetched['CUDA NVRTC']}"
    assert asked["nvidia-cuda-runtime"] == f"nvidia-cuda-runtime=={fetched['CUDA runtime headers']}"
    assert f"pip install {' '.join(asked.values())}\n" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    hint = f"pip install {asked['nvidia-cuda-nvrtc']} {asked['nvidia-cuda-runtime']}"
    assert hint in (ROOT / "gpu" / "kernels" / "nvrtc.py").read_text("utf-8")
    record = json.loads((ROOT / "tests" / "gpu" / "kernels" / "compiled.json").read_text("utf-8"))
    assert fetched["CUDA NVRTC"].startswith(record["nvrtc"])
