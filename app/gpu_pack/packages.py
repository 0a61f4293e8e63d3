"""Which wheels the GPU engine needs on this machine: pinned, by name, length and SHA-256."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.models.errors import ModelsError
from app.models.part_file import RemoteFile
from app.paths import resources_dir
from gpu.types import Words

_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class NoGpuPackError(ModelsError):
    """There is no GPU support for this system."""


@dataclass(frozen=True)
class Package:
    """A wheel to fetch. `licence` is shown before anything is fetched."""

    name: str
    version: str
    licence: str
    file: RemoteFile


def this_platform() -> str:
    """As packages.json names them: "linux-x86_64", "windows-x86_64"; of any other system its own names."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"


def this_python() -> str:
    """The interpreter's tag in the names of wheels: "cp311"."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def needed_packages(system: str | None = None, python: str | None = None, *, compiler: bool) -> tuple[Package, ...]:
    """The wheels for a system and interpreter, by default these.

    Args:
        compiler: with NVRTC, which compiles the kernels where they do not come compiled.

    Raises:
        NoGpuPackError: there are none for it.
    """
    system, python = system or this_platform(), python or this_python()
    rows = json.loads((resources_dir() / "gpu" / "packages.json").read_text(encoding="utf-8"))["packages"]
    fitting = [
        Package(
            row["package"],
            row["version"],
            row["licence"],
            RemoteFile(row["file"], (row["url"],), row["n_bytes"], row["sha256"]),
        )
        for row in rows
        if row["platform"] in (None, system) and row["python"] in (None, python) and (compiler or not row["compiler"])
    ]
    if not any(package.name == "CuPy" for package in fitting):
        raise NoGpuPackError(
            Words(
                "There is no GPU support for {system} with Python {python}.", system=system, python=f"3.{python[3:]}"
            ),
            remedy=Words("The program works on the CPU; a GPU needs Linux or Windows and Python 3.11 to 3.13."),
        )
    return tuple(fitting)


def pack_id(packages: Sequence[Package]) -> str:
    """Short name of exactly these wheels: another release of the program may need others."""
    return hashlib.sha256("".join(sorted(package.file.sha256 for package in packages)).encode()).hexdigest()[:12]


def pack_folder(packages: Sequence[Package], home: Path) -> Path:
    """Where these wheels lie once they are unpacked."""
    return home / f"pack-{pack_id(packages)}"


def activate(folder: Path, *, for_its_compiler: bool = False) -> bool:
    """Let the program import what is in a pack, if it is there and the environment has no CuPy of its own.

    Args:
        for_its_compiler: even if it has: that one goes before, and lacks the compiler.
    """
    if not folder.is_dir() or str(folder) in sys.path:
        return False
    if importlib.util.find_spec("cupy") is not None and not for_its_compiler:
        return False
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    return True
