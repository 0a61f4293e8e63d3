"""Runs the CUDA kernels on the CPU: unmodified sources, built for the host, one fiber a CUDA thread.

`compile_kernels` has the signature of a compiler for `fake_cupy`. Builds are kept, by the hash of everything they are
made of, in a folder outside the repository.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

HERE = Path(__file__).parent
_RUNTIME = HERE / "cuemu_runtime.cpp"
_KERNEL = re.compile(r"__attribute__\(\(used\)\)\s+void\s+(\w+)\s*\(")
_COMMON = ["-std=c++20", "-fPIC", "-DCUEMU", "-Wno-unknown-pragmas", f"-I{HERE}", "-mtls-dialect=gnu2"]
# How kernels are built. Contraction to fused multiply-add is what the CUDA compiler does too.
_FLAVOURS = {
    "": ["-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"],
    "address": ["-O1", "-g", "-mf16c", "-DCUEMU_ONE_THREAD", "-DCUEMU_ASAN", "-fno-omit-frame-pointer"],
    "thread": ["-O1", "-g", "-mf16c", "-DCUEMU_ONE_THREAD", "-DCUEMU_TSAN", "-fno-omit-frame-pointer"],
}
_SANITIZERS = {
    "": [],
    "address": ["-fsanitize=address,undefined", "-fno-sanitize=vptr"],
    "thread": ["-fsanitize=thread"],
}
_LIMITS = {"threads": 1024, "z": 64, "grid": 65535, "shared": 48 << 10}
_SCALARS = {"f": np.float32, "i": np.int32}


class EmulationError(RuntimeError):
    """The kernel did what CUDA forbids or leaves undefined, or was launched as it must not be."""


class Order(IntEnum):
    """In which order threads that could run do so; REVERSE is also that of the blocks."""

    FORWARD = 0
    REVERSE = 1
    LAST_FIRST = 2
    RANDOM = 3


@dataclass
class Emulator:
    """How kernels run from now on.

    Attributes:
        sanitizer: what they are built with: "", "address" or "thread" (the process must be started for it).
        threads: of the host; sanitizers see one only.
    """

    order: Order = field(default_factory=lambda: Order[os.environ.get("CUEMU_ORDER", "forward").upper()])
    seed: int = 1
    sanitizer: str = field(default_factory=lambda: os.environ.get("CUEMU_SANITIZER", ""))
    threads: int = os.cpu_count() or 1


EMULATOR = Emulator()


def why_no_emulator() -> str | None:
    """What is missing here, in words."""
    if platform.machine() not in ("x86_64", "AMD64") or platform.system() != "Linux":
        return "the emulator switches fibers in x86-64 assembly, for Linux"
    if _compiler() is None:
        return "the emulator needs g++"
    return None


def compile_kernels(name: str, source: str, options: Sequence[str] = ()) -> Mapping[str, EmulatedKernel]:
    """Kernels of a source text by name; `options` beginning with -D are taken over."""
    if (missing := why_no_emulator()) is not None:
        pytest.skip(missing)
    defines = tuple(option for option in options if option.startswith("-D"))
    return _load(_build(name, source, defines, EMULATOR.sanitizer))


class EmulatedKernel:
    """One kernel. Call it as `fake_cupy` does: grid, block, arguments, bytes of dynamic shared memory."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self._library, self.name = library, name
        self._entry = getattr(library, f"cuemu_kernel_{name}")
        signature = getattr(library, f"cuemu_signature_{name}")
        signature.restype = ctypes.c_char_p
        self._signature: str = signature().decode()
        if "?" in self._signature:
            raise EmulationError(f"{name}: parameters must be pointers, int or float: {self._signature}")

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: Sequence[Any], shared: int = 0
    ) -> None:
        grid, block = ((*sizes, 1, 1)[:3] for sizes in (grid, block))
        self._check_geometry(grid, block)
        cells = self._cells(arguments)
        pointers = (ctypes.c_void_p * len(cells))(*map(ctypes.addressof, cells))
        error = ctypes.create_string_buffer(512)
        failed = self._library.cuemu_launch(
            self._entry,
            pointers,
            (ctypes.c_uint * 3)(*grid),
            (ctypes.c_uint * 3)(*block),
            ctypes.c_size_t(shared),
            int(EMULATOR.order),
            EMULATOR.seed,
            1 if EMULATOR.sanitizer else EMULATOR.threads,
            error,
            ctypes.c_size_t(len(error)),
        )
        if failed:
            raise EmulationError(f"{self.name}: {error.value.decode()}")

    def writes(self, i: int) -> bool:
        """Whether it may write to its argument: a pointer, and not to constants."""
        return self._signature[i] == "P"

    def _check_geometry(self, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
        if min(block) < 1 or np.prod(block) > _LIMITS["threads"] or block[2] > _LIMITS["z"]:
            raise EmulationError(f"{self.name}: no GPU has blocks of {block} threads")
        if min(grid) < 1 or grid[0] >= 1 << 31 or max(grid[1:]) > _LIMITS["grid"]:
            raise EmulationError(f"{self.name}: no GPU has grids of {grid} blocks")

    def _cells(self, arguments: Sequence[Any]) -> list[Any]:
        if len(arguments) != len(self._signature):
            raise EmulationError(f"{self.name} takes {len(self._signature)} arguments, got {len(arguments)}")
        return [self._cell(i, *pair) for i, pair in enumerate(zip(arguments, self._signature, strict=True))]

    def _cell(self, i: int, argument: Any, letter: str) -> Any:
        if letter in "PR":  # R: of constants
            if argument is None:
                return ctypes.c_void_p(None)
            if not isinstance(argument, np.ndarray) or not argument.flags.c_contiguous:
                raise EmulationError(f"{self.name}, argument {i}: a contiguous array is needed, got {type(argument)}")
            return ctypes.c_void_p(argument.ctypes.data)
        wanted = _SCALARS[letter]
        if type(argument) is not wanted:  # CuPy would pass eight bytes without a word
            raise EmulationError(f"{self.name}, argument {i}: {wanted.__name__} is needed, got {type(argument)}")
        return np.ctypeslib.as_ctypes_type(wanted)(argument)


@cache
def _compiler() -> str | None:
    return shutil.which(os.environ.get("CUEMU_CXX", "g++"))


@cache
def _load(library: Path) -> Mapping[str, EmulatedKernel]:
    loaded = ctypes.CDLL(str(library))
    names = library.with_suffix(".names").read_text(encoding="utf-8").split()
    return {name: EmulatedKernel(loaded, name) for name in names}


@cache
def _build(name: str, source: str, defines: tuple[str, ...], sanitizer: str) -> Path:
    """The library; two processes that build it at once do it twice, and the first wins."""
    compiler = _compiler()
    assert compiler is not None
    flags = [*_COMMON, *defines, *_FLAVOURS[sanitizer]]
    parts = [compiler, *flags, _cpu()]
    parts += [path.read_text(encoding="utf-8") for path in (*sorted(HERE.glob("cuemu*.h")), _RUNTIME)]
    folder = Path(os.environ.get("CUEMU_CACHE") or user_cache_path("whisperdesktop-ng-tests", appauthor=False))
    runtime = folder / f"runtime-{_digest(parts)}.o"
    library = (
        folder / f"{Path(name).stem}-{sanitizer or 'fast'}-{_digest([source, *_SANITIZERS[sanitizer], *parts])}.so"
    )
    if library.exists():
        return library
    draft = folder / f"{library.stem}.{os.getpid()}"
    draft.mkdir(parents=True)
    try:
        if not runtime.exists():
            _run([compiler, *flags, "-c", _RUNTIME, "-o", draft / "runtime.o"])
            (draft / "runtime.o").replace(runtime)
        _compile([compiler, *flags], _SANITIZERS[sanitizer], source, draft)
        _run([compiler, *flags, *_SANITIZERS[sanitizer], "-shared", draft / "kernels.o", runtime, "-o", draft / "k.so"])
        (draft / "kernels.names").replace(library.with_suffix(".names"))
        (draft / "k.so").replace(library)
    finally:
        shutil.rmtree(draft)
    return library


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _compile(compiler: Sequence[str], sanitizers: Sequence[str], source: str, folder: Path) -> None:
    text = folder / "kernels.cpp"
    text.write_text(source, encoding="utf-8")
    names = _KERNEL.findall(_run([*compiler, "-E", "-P", text]))
    text.write_text(source + "\n" + "".join(f"CUEMU_KERNEL({kernel})\n" for kernel in names), encoding="utf-8")
    (folder / "kernels.names").write_text("\n".join(names), encoding="utf-8")
    _run([*compiler, *sanitizers, "-c", text, "-o", folder / "kernels.o"])


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise EmulationError(f"{Path(command[0]).name} does not build the kernels:\n{done.stderr[-4000:]}")
    return done.stdout


def _cpu() -> str:
    """What -march=native stands for: a cache may be shared by machines."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith("flags")), "")
