"""Do the kernels' tests notice a wrong operator, bound or barrier? `python -m tests.tools.mutate_kernels [--count 120]`

Works in a copy of the repository: one line of a .cu or .cuh file is changed at a time, and the tests of the kernels
that are made of it must fail: with the usual order of threads, with another, or under a sanitizer of addresses or
threads. What does not compile does not count.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gpu.kernels import FOLDER, names, source
from tests.support.cuda.sanitizers import sanitized, why_no_sanitizer

ROOT = Path(__file__).parents[2]
KERNEL_TESTS = Path("tests/gpu/kernels")
# How the tests are run, in turn: with an order of threads, or under a sanitizer.
ORDERS, SANITIZERS = ("forward", "reverse", "random"), ("address", "thread")
SURVIVED, KILLED, STILLBORN = "survived", "killed", "does not compile"

# Pattern -> what takes the place of each match. Spaces around operators: so it leaves types and templates alone.
OPERATORS = {
    " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ",
    r" \+ ": " - ", " - ": " + ", r" \* ": " + ", " / ": " * ", " % ": " / ", r" \+= ": " = ", r" \*= ": " = ",
    " && ": " || ", r" \|\| ": " && ", " & ": " | ", r" \| ": " & ", r" \^ ": " + ", " >> ": " << ", " << ": " >> ",
    r"\bmin\(": "max(", r"\bmax\(": "min(", r"\bfmaxf\(": "fminf(", r"\bfminf\(": "fmaxf(",
    r"__syncthreads\(\);": ";", r"__syncwarp\(\);": ";", r"\bcontinue;": ";", r"\breturn;": ";", r"\bbreak;": ";",
    r"\btrue\b": "false", r"\bfalse\b": "true", r"(?<![\w.])0(?![\w.])": "1", r"(?<![\w.])1(?![\w.])": "2",
}  # fmt: skip
# What a change of would change nothing that runs here, or say nothing about the kernels.
_NOT_CODE = re.compile(
    r"^\s*(//|#include|#pragma|#if|#else|#endif|template|typedef|static_assert|using )|__launch_bounds__"
)
_OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-m", "not long", "--tb=line", "--hypothesis-profile=first_failure")
_HEADERS_OF_THE_COMPILER = {"device.cuh"}  # the emulator has its own idea of most of it

# A file of kernels -> its tests; headers have those of all files they are part of.
TESTS = {
    "attention.cu": ("test_attention.py",),
    "beams.cu": ("test_beams.py",),
    "conv.cu": ("test_conv.py",),
    "decode_attention.cu": ("test_decode_attention.py",),
    "dequantize.cu": ("test_dequantize.py",),
    "embed.cu": ("test_embed.py",),
    "gemm.cu": ("test_gemm.py",),
    "gemv.cu": ("test_gemv.py",),
    "gemv_qkv.cu": ("test_gemv_qkv.py",),
    "kv_layout.cu": ("test_attention.py", "test_decode_attention.py"),
    "mel.cu": ("test_mel.py",),
    "norm.cu": ("test_norm.py",),
    "sampling.cu": ("test_sampling.py", "test_draws.py", "test_beams.py"),
    "word_times.cu": ("test_decode_attention.py",),
}


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int  # from 1
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before.strip()}  ->  {self.after.strip()}"


def mutants() -> Iterator[Mutant]:
    """All there are, in the order of files and lines."""
    for path in sorted(FOLDER.glob("*.cu*")):
        if path.name in _HEADERS_OF_THE_COMPILER:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if _NOT_CODE.search(line):
                continue
            code, comment, rest = line.partition("//")
            for pattern, instead in OPERATORS.items():
                for match in re.finditer(pattern, code):
                    changed = code[: match.start()] + instead + code[match.end() :]
                    yield Mutant(path.name, number, line, changed + comment + rest)


def sample(count: int, seed: int, files: list[str]) -> list[Mutant]:
    """Some, in an order that is the same every time."""
    candidates = [mutant for mutant in mutants() if not files or mutant.file in files]
    random.Random(seed).shuffle(candidates)
    return candidates[:count]


def tests_of(file: str) -> list[str]:
    """Of all kernels that a file is part of."""
    users = [name for name in names() if f'#line 1 "{file}"' in source(name)]
    return sorted({test for user in users for test in TESTS[user] if (ROOT / KERNEL_TESTS / test).exists()})


class Copy:
    """A copy of what the tests need, whose kernels may be changed; with its own cache of builds."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        for part in ("gpu", "app"):
            shutil.copytree(ROOT / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "tests", self.root / "tests", ignore=shutil.ignore_patterns("__pycache__", "data"))
        shutil.copy(ROOT / "pyproject.toml", self.root)
        (self.root / "resources").symlink_to(ROOT / "resources")
        (self.root / "tests" / "data").symlink_to(ROOT / "tests" / "data")
        self._cache = folder.parent / "cache"  # of all copies: builds are told apart by what they are made of
        self._sound: set[tuple[str, str]] = set()  # files whose tests pass as they are, and how they were run

    def try_out(self, mutant: Mutant, limit_s: float) -> str:
        for how in (*ORDERS, *filter(lambda name: why_no_sanitizer(name) is None, SANITIZERS)):
            if how not in ORDERS[1:]:
                self.check(mutant.file, how, limit_s)
            if (outcome := self._changed(mutant, how, limit_s)) != SURVIVED:
                return outcome
        return SURVIVED

    def check(self, file: str, how: str, limit_s: float) -> None:
        """Raises `RuntimeError` where the tests of a file fail without a change."""
        if (file, how) not in self._sound and self.run(file, how, 10 * limit_s) != SURVIVED:
            raise RuntimeError(f"the tests of {file} fail as it is ({how})")
        self._sound.add((file, how))

    def _changed(self, mutant: Mutant, how: str, limit_s: float) -> str:
        path = self.root / "gpu" / "kernels" / mutant.file
        original = path.read_text(encoding="utf-8")
        lines = original.split("\n")
        assert lines[mutant.line - 1] == mutant.before
        lines[mutant.line - 1] = mutant.after
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            return self.run(mutant.file, how, limit_s)
        finally:
            path.write_text(original, encoding="utf-8")

    def run(self, file: str, how: str, limit_s: float) -> str:
        """What becomes of the tests of a file; those that do not end in time have noticed too.

        The limit is of the processor's time: the machine may have other work.
        """
        python, environment = [sys.executable], {"CUEMU_ORDER": how}
        if how in SANITIZERS:
            python, environment = sanitized(how)
            limit_s *= 10
        environment |= {
            "CUEMU_CACHE": str(self._cache), "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        seconds = int(limit_s)
        with subprocess.Popen(
            [*python, "-m", "pytest", *_OPTIONS, *(str(KERNEL_TESTS / test) for test in tests_of(file))],
            cwd=self.root, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
        ) as process:  # fmt: skip
            try:
                output, _ = process.communicate(timeout=20 * limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with the compiler it started
                return KILLED
        if "does not build the kernels" in output:
            return STILLBORN
        # Less than 0: the mutant ended the process, by a fault or the limit. Sanitizers have numbers of their own.
        failed = process.returncode < 0 or how in SANITIZERS or re.search(r"\d (failed|error)", output)
        if process.returncode and not failed:
            raise RuntimeError(f"the tests of {file} cannot be run:\n{output[-2000:]}")
        return KILLED if process.returncode else SURVIVED


def report(results: dict[Mutant, str]) -> str:
    """A table by file, and the survivors."""
    by_file = Counter((mutant.file, outcome) for mutant, outcome in results.items())
    lines = ["| file | killed | survived | did not compile |", "| --- | --- | --- | --- |"]
    for file in sorted({mutant.file for mutant in results}):
        killed, survived, stillborn = (by_file[file, outcome] for outcome in (KILLED, SURVIVED, STILLBORN))
        lines.append(f"| {file} | {killed} | {survived} | {stillborn} |")
    survivors = [str(mutant) for mutant, outcome in results.items() if outcome == SURVIVED]
    killed, total = score(results)
    return "\n".join([*lines, "", *survivors, "", f"{killed} of {total} killed"])


def score(results: dict[Mutant, str]) -> tuple[int, int]:
    """Killed, and all that compile."""
    outcomes = Counter(results.values())
    return outcomes[KILLED], outcomes[KILLED] + outcomes[SURVIVED]


def run(count: int, seed: int, files: list[str], limit_s: float = 150, at_once: int = 1) -> dict[Mutant, str]:
    """Try out so many mutants that compile.

    Args:
        at_once: each in a copy of its own.

    Raises:
        RuntimeError: the tests fail without a change, or do not run.
    """
    results: dict[Mutant, str] = {}
    candidates = iter(sample(10 * count, seed, files))
    lock = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="mutants") as folder, ThreadPoolExecutor(at_once) as pool:

        def work(number: int) -> None:
            copy = Copy(Path(folder, str(number)))
            while True:
                with lock:
                    mutant = next(candidates, None)
                    if mutant is None or score(results)[1] >= count:
                        return
                outcome = copy.try_out(mutant, limit_s)
                with lock:
                    results[mutant] = outcome
                    print(f"{outcome}: {mutant}", file=sys.stderr, flush=True)

        for _ in pool.map(work, range(at_once)):
            pass
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120, help="mutants that compile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="mutants tried out at once")
    parser.add_argument("files", nargs="*", help='only these, "norm.cu"')
    options = parser.parse_args()
    print(report(run(options.count, options.seed, options.files, at_once=options.at_once)))


if __name__ == "__main__":
    main()
