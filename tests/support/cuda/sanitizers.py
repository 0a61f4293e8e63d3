"""Python with the runtime of a sanitizer in it from the start, for kernels that are built with one."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.support.cuda.emulator import why_no_emulator

ROOT = Path(__file__).parents[3]
# What throws exceptions has to be loaded before the sanitizer looks for it.
_RUNTIMES = {"address": ("libasan.so", "libubsan.so", "libstdc++.so.6"), "thread": ("libtsan.so", "libstdc++.so.6")}
_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:detect_odr_violation=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0:ignore_noninstrumented_modules=1",
}


def why_no_sanitizer(sanitizer: str) -> str | None:
    """What is missing here, in words."""
    if (missing := why_no_emulator()) is not None:
        return missing
    absent = [name for name in _RUNTIMES[sanitizer] if _library(name) is None]
    return f"g++ comes without {', '.join(absent)}" if absent else None


def run_sanitized(
    sanitizer: str, arguments: Sequence[str], *, stdin: str = "", limit_s: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run Python so that `tests.support.cuda.emulator` builds with a sanitizer; its output has what that found."""
    python, environment = sanitized(sanitizer)
    return subprocess.run(
        [*python, "-P", *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=os.environ
        | environment
        | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
        cwd=ROOT,
        timeout=limit_s,
        check=False,
    )


def sanitized(sanitizer: str) -> tuple[list[str], dict[str, str]]:
    """The command that starts Python with a sanitizer in it, and what to add to its environment."""
    preload = ":".join(str(_library(name)) for name in _RUNTIMES[sanitizer])
    # `setarch`: the thread sanitizer has fixed ideas of where memory is. `env`: for Python alone.
    unshuffled = ["setarch", "-R"] if shutil.which("setarch") else []
    command = [*unshuffled, "env", f"LD_PRELOAD={preload}", sys.executable]
    return command, _OPTIONS | {"CUEMU_SANITIZER": sanitizer, "OPENBLAS_NUM_THREADS": "1"}


def poison(address: int, n_bytes: int) -> None:
    """Nobody may touch this memory until it is freed: for processes with the address sanitizer."""
    ctypes.CDLL(None)["__asan_poison_memory_region"](ctypes.c_void_p(address), ctypes.c_size_t(n_bytes))


@cache
def _library(name: str) -> str | None:
    """Where the compiler has a library; it repeats the bare name of what it has not."""
    compiler = os.environ.get("CUEMU_CXX", "g++")
    found = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, encoding="utf-8", check=True)
    path = Path(found.stdout.strip())
    return str(path.resolve()) if path.is_absolute() else None
