"""The CUDA kernels: their sources, and the machine code made of them where it comes with the program."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
OPTIONS = ("-std=c++17",)
_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"\n', re.MULTILINE)

ComputeCapability = tuple[int, int]
Compile = Callable[[str, str, Sequence[str]], bytes]  # name, source and options to a cubin


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


class KernelSources:
    """See `gpu.backends.cuda_device.Kernels`: the kernels compiled when the program begins to use a GPU."""

    def images(self, capability: ComputeCapability, compile: Compile) -> Iterator[bytes]:
        for name in names():
            yield compile(name, source(name), OPTIONS)
