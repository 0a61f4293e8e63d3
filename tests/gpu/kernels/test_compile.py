"""What NVIDIA's compiler makes of the kernels for each generation: resources, and the instructions that are meant.

Where the compiler is missing, the record of its last run is checked, and that it was of these sources.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from gpu.errors import KernelError
from gpu.kernels import names
from gpu.kernels.nvrtc import Nvrtc
from tests.support.cuda.nvidia import (
    MACHINES,
    check_instructions,
    check_resources,
    compiled,
    digest,
    disassembler,
    recorded,
    recorded_resources,
)

ROOT = Path(__file__).parents[3]
SMALL = ("norm.cu", "conv.cu", "kv_layout.cu", "embed.cu", "attention.cu")


def check(name: str, architecture: str, folder: Path) -> None:
    try:
        compiler = Nvrtc()
    except KernelError as error:
        pytest.skip(str(error))
    cubin, found = compiled(name, architecture)
    check_resources(name, found)
    if compiler.version == recorded()["nvrtc"]:
        assert found == recorded_resources(name)[architecture], "python -m tests.tools.compile_kernels"
    if disassembler() is not None:
        path = folder / f"{name}.{architecture}.cubin"
        path.write_bytes(cubin)
        check_instructions(path)


@pytest.mark.parametrize("name", SMALL)
def test_small_files_for_one_generation(name: str, tmp_path: Path) -> None:
    check(name, "sm_86", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("architecture", MACHINES)
@pytest.mark.parametrize("name", names())
def test_everything_for_every_generation(name: str, architecture: str, tmp_path: Path) -> None:
    check(name, architecture, tmp_path)


@pytest.mark.parametrize("name", names())
def test_the_compiler_has_seen_these_sources(name: str) -> None:
    """Else: `python -m tests.tools.compile_kernels`."""
    assert recorded()["files"][name]["digest"] == digest(name)
    assert tuple(recorded()["architectures"]) == MACHINES
    for found in recorded_resources(name).values():
        check_resources(name, found)


def documented() -> list[tuple[list[str], str]]:
    """Rows of the table of kernels: their names as patterns, and the registers that they are said to take."""
    text = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| `", line)]
    return [(re.findall(r"`([\w*]+)`", row[0]), row[3].strip()) for row in rows if len(row) == 7]


def test_every_kernel_is_documented_once_with_its_registers() -> None:
    """The least and the most of all formats and generations."""
    taken: dict[str, list[int]] = {}
    for file in recorded()["files"].values():
        taken |= {kernel: row["registers"] for kernel, row in file["kernels"].items()}
    unseen = set(taken)
    for patterns, registers in documented():
        here = {kernel for kernel in taken if any(fnmatchcase(kernel, pattern) for pattern in patterns)}
        assert here <= unseen, patterns
        unseen -= here
        least, most = min(min(taken[k]) for k in here), max(max(taken[k]) for k in here)
        assert registers == (str(least) if least == most else f"{least} to {most}"), patterns
    assert not unseen
