"""The locked packages: pinned, hashed, without addresses, and what pyproject.toml asks for."""

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
