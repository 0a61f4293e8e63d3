"""The CUDA kernels: their sources, and the machine code made of them where it comes with the program."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from gpu.errors import KernelError
from gpu.kernels.image_cache import ImageCache
from gpu.types import Words

FOLDER = Path(__file__).parent
OPTIONS = ("-std=c++17",)
MANIFEST = "manifest.json"
_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"\n', re.MULTILINE)

ComputeCapability = tuple[int, int]


class Compiler(Protocol):
    """What makes machine code for the GPU that is here."""

    @property
    def version(self) -> str:
        """Of NVRTC: another one may make something else. Raises `KernelError`: there is none."""
        ...

    def __call__(self, name: str, source: str, options: Sequence[str]) -> bytes:
        """A cubin. Raises `KernelError`."""
        ...


def names() -> list[str]:
    """Files of kernels, each a module of its own: "gemm.cu"."""
    return sorted(path.name for path in FOLDER.glob("*.cu"))


@cache
def source(name: str) -> str:
    """A file of kernels with our headers in their places, so that it can be compiled from memory."""
    seen: set[str] = set()

    def inlined(file: str) -> str:
        if file in seen:
            return ""
        seen.add(file)
        text = (FOLDER / file).read_text(encoding="utf-8").replace("#pragma once\n", "")
        lines_before = 0
        parts = [f'#line 1 "{file}"\n']
        end = 0
        for match in _INCLUDE.finditer(text):
            lines_before += text.count("\n", end, match.end())
            parts += [text[end : match.start()], inlined(match[1]), f'#line {lines_before + 1} "{file}"\n']
            end = match.end()
        return "".join([*parts, text[end:]])

    return inlined(name)


def source_hash() -> str:
    """Of all sources: what was compiled from others is not used."""
    digest = hashlib.sha256(" ".join(OPTIONS).encode())
    for name in names():
        digest.update(source(name).encode())
    return digest.hexdigest()


class KernelImages:
    """See `gpu.backends.cuda_device.Kernels`: the kernels compiled beforehand, or else when a GPU is first used.

    Args:
        cubins: the folder that `gpu.kernels.build` made, if there is one and it `is_current`.
        cache: the folder to keep what was compiled here in, if it is to be kept.
    """

    def __init__(self, cubins: Path | None = None, cache: Path | None = None) -> None:
        self._cubins = cubins
        self._cache = None if cache is None else ImageCache(cache)

    def images(self, capability: ComputeCapability, compile: Compiler) -> Iterator[bytes]:
        if (folder := self._compiled(capability)) is not None:
            yield from (path.read_bytes() for path in sorted(folder.iterdir()))
            return
        if not names():
            major, minor = capability
            raise KernelError(
                Words("The GPU engine has no kernels for compute capability {got}.", got=f"{major}.{minor}"),
                remedy=Words("Choose the device cpu, or another GPU."),
            )
        for name in names():
            yield self._image(name, capability, compile)

    def _image(self, name: str, capability: ComputeCapability, compile: Compiler) -> bytes:
        text = source(name)
        if self._cache is None:
            return compile(name, text, OPTIONS)
        stem = "{}-sm_{}{}".format(name.partition(".")[0], *capability)
        key = "\0".join([stem, compile.version, *OPTIONS, text])
        if (image := self._cache.load(stem, key)) is None:
            image = compile(name, text, OPTIONS)
            self._cache.save(stem, key, image)
        return image

    def _compiled(self, capability: ComputeCapability) -> Path | None:
        """The folder of machine code for a GPU; of PTX, which its driver compiles, where it is newer than all."""
        if self._cubins is None:
            return None
        major, minor = capability
        runs_here = [(found.minor, found.folder) for found in compiled_for(self._cubins) if found.runs_on(major, minor)]
        return max(runs_here)[1] if runs_here else None


@dataclass(frozen=True)
class Compiled:
    """A folder of compiled kernels: "sm_86" holds machine code, "compute_120" PTX."""

    folder: Path
    major: int
    minor: int

    def runs_on(self, major: int, minor: int) -> bool:
        """Machine code runs on its own generation, from its own member on; PTX on everything newer."""
        if self.folder.name.startswith("compute"):
            return (major, minor) > (self.major, self.minor) and major > self.major
        return major == self.major and minor >= self.minor


def compiled_for(cubins: Path) -> list[Compiled]:
    """All folders of compiled kernels."""
    found = []
    for folder in cubins.iterdir():
        if match := re.fullmatch(r"(?:sm|compute)_(\d+)(\d)", folder.name):
            found.append(Compiled(folder, int(match[1]), int(match[2])))
    return found


def is_current(cubins: Path) -> bool:
    """Whether what lies there was made of these sources, or there are none to make it of."""
    try:
        made_of = json.loads((cubins / MANIFEST).read_text(encoding="utf-8"))["sources"]
    except (OSError, ValueError, KeyError):
        return False
    return not names() or made_of == source_hash()
