"""What NVIDIA's compiler makes of the kernels for each generation: resources, and the instructions that are meant."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from gpu.cuda_probe import toolkits
from gpu.errors import KernelError
from gpu.kernels import OPTIONS, names, source
from gpu.kernels.build import ARCHITECTURES
from gpu.kernels.nvrtc import Nvrtc

MACHINES = tuple(name for name in ARCHITECTURES if name.startswith("sm_"))
SMALL = ("norm.cu", "conv.cu", "kv_layout.cu", "embed.cu", "attention.cu")
MAX_REGISTERS = {"attention.cu": 168, "gemm.cu": 200}  # the others: MANY_WARPS
MANY_WARPS = 128  # registers a thread that leave room for 16 warps
MAX_STATIC_SHARED = 48 << 10  # bytes; more would have to be asked for at each launch
_REPORT = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.DOTALL,
)
# Kernels by pattern -> what must be among their instructions: tensor cores, products of four bytes, wide loads.
INSTRUCTIONS = {
    r"gemm_\w+": ("HMMA", "LDG.E.128"),
    r"flash_attention": ("HMMA", "LDSM", "LDG.E.128"),
    r"gemv_\d+_q\w+": ("IDP.4A",),
}


@dataclass(frozen=True)
class Resources:
    registers: int
    shared: int  # static, bytes
    spilled: int  # bytes


def compiled(name: str, architecture: str) -> tuple[bytes, Mapping[str, Resources]]:
    try:
        nvrtc = Nvrtc()
    except KernelError as error:
        pytest.skip(str(error))
    cubin, log = nvrtc.compile(name, source(name), [*OPTIONS, "--ptxas-options=-v"], architecture)
    found = {match["name"]: resources(match) for match in _REPORT.finditer(log)}
    assert found, log[:2000]
    return cubin, found


def resources(match: re.Match[str]) -> Resources:
    shared = re.search(r"(\d+) bytes smem", match["rest"])
    return Resources(
        int(match["registers"]), int(shared[1]) if shared else 0, int(match["stores"]) + int(match["loads"])
    )


@cache
def disassembler() -> str | None:
    """Of the wheel nvidia-cuda-nvdisasm, or of an installed CUDA."""
    found = next((path for root in toolkits() for path in root.glob("bin/nvdisasm*")), None)
    return str(found) if found else shutil.which("nvdisasm")


def instructions(cubin: Path) -> dict[str, str]:
    """Machine code as text, by kernel."""
    text = subprocess.run(
        [str(disassembler()), "-c", str(cubin)], capture_output=True, encoding="utf-8", check=True
    ).stdout
    parts = re.split(r"^\.text\.(\w+):", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def check(name: str, architecture: str, folder: Path) -> None:
    cubin, found = compiled(name, architecture)
    for kernel, used in found.items():
        assert used.spilled == 0, (kernel, used)
        assert used.registers <= MAX_REGISTERS.get(name, MANY_WARPS), (kernel, used)
        assert used.shared <= MAX_STATIC_SHARED, (kernel, used)
    if disassembler() is None:
        return
    path = folder / f"{name}.{architecture}.cubin"
    path.write_bytes(cubin)
    for kernel, text in instructions(path).items():
        for pattern, wanted in INSTRUCTIONS.items():
            if re.fullmatch(pattern, kernel):
                missing = [instruction for instruction in wanted if instruction not in text]
                assert not missing, (kernel, architecture, missing)


@pytest.mark.parametrize("name", SMALL)
def test_small_files_for_one_generation(name: str, tmp_path: Path) -> None:
    check(name, "sm_86", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("architecture", MACHINES)
@pytest.mark.parametrize("name", names())
def test_everything_for_every_generation(name: str, architecture: str, tmp_path: Path) -> None:
    check(name, architecture, tmp_path)
