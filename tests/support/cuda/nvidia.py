"""What NVIDIA's compiler makes of the kernels, and the record that stands in for it where it is not installed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gpu.cuda_probe import toolkits
from gpu.kernels import OPTIONS, source
from gpu.kernels.build import ARCHITECTURES
from gpu.kernels.nvrtc import Nvrtc

MACHINES = tuple(name for name in ARCHITECTURES if name.startswith("sm_"))
RECORD = Path(__file__).parents[2] / "gpu" / "kernels" / "compiled.json"
MAX_REGISTERS = {"attention.cu": 168, "gemm.cu": 168}  # three blocks of 128 threads; the others: MANY_WARPS
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
    r"gemv_(qkv_)?\d+_q\w+": ("IDP.4A",),
}


@dataclass(frozen=True)
class Resources:
    """What a thread of a kernel takes in registers, and a block in static shared memory."""

    registers: int
    shared: int  # bytes
    spilled: int = 0  # bytes


def compiled(name: str, architecture: str) -> tuple[bytes, Mapping[str, Resources]]:
    """Machine code of a file, and the resources of its kernels. Raises `KernelError` without the compiler."""
    cubin, log = Nvrtc().compile(name, source(name), [*OPTIONS, "--ptxas-options=-v"], architecture)
    found = {match["name"]: _resources(match) for match in _REPORT.finditer(log)}
    assert found, log[:2000]
    return cubin, found


def _resources(match: re.Match[str]) -> Resources:
    shared = re.search(r"(\d+) bytes smem", match["rest"])
    return Resources(
        int(match["registers"]), int(shared[1]) if shared else 0, int(match["stores"]) + int(match["loads"])
    )


def check_resources(name: str, found: Mapping[str, Resources]) -> None:
    """No spills, and as many threads at once as each kernel is made for."""
    for kernel, used in found.items():
        assert used.spilled == 0, (kernel, used)
        assert used.registers <= MAX_REGISTERS.get(name, MANY_WARPS), (kernel, used)
        assert used.shared <= MAX_STATIC_SHARED, (kernel, used)


@cache
def disassembler() -> str | None:
    """Of the wheel nvidia-cuda-nvdisasm, or of an installed CUDA."""
    found = next((path for root in toolkits() for path in root.glob("bin/nvdisasm*")), None)
    return str(found) if found else shutil.which("nvdisasm")


def check_instructions(cubin: Path) -> None:
    """What is meant to be there is."""
    for kernel, text in _instructions(cubin).items():
        for pattern, wanted in INSTRUCTIONS.items():
            if re.fullmatch(pattern, kernel):
                missing = [instruction for instruction in wanted if instruction not in text]
                assert not missing, (kernel, cubin.name, missing)


def _instructions(cubin: Path) -> dict[str, str]:
    """Machine code as text, by kernel."""
    text = subprocess.run(
        [str(disassembler()), "-c", str(cubin)], capture_output=True, encoding="utf-8", check=True
    ).stdout
    parts = re.split(r"^\.text\.(\w+):", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def digest(name: str) -> str:
    """Of what the compiler sees of a file: comments and white space aside."""
    code = re.sub(r"//[^\n]*|^#line[^\n]*", "", source(name), flags=re.MULTILINE)
    return hashlib.sha256(" ".join([*OPTIONS, *code.split()]).encode()).hexdigest()[:16]


def recorded() -> dict[str, Any]:
    """See `write_record`."""
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def recorded_resources(name: str) -> dict[str, dict[str, Resources]]:
    """Architecture -> kernel of a file -> what it takes."""
    record = recorded()
    kernels = record["files"][name]["kernels"]
    return {
        machine: {kernel: Resources(row["registers"][i], row["shared"]) for kernel, row in kernels.items()}
        for i, machine in enumerate(record["architectures"])
    }


def write_record(found: Mapping[str, Mapping[str, Mapping[str, Resources]]]) -> None:
    """Keep what was compiled: file -> architecture -> kernel -> resources. One kernel a line."""
    files = {}
    for name, machines in found.items():
        shared = {kernel: max(machines[m][kernel].shared for m in MACHINES) for kernel in sorted(machines[MACHINES[0]])}
        kernels = {
            kernel: {"registers": [machines[m][kernel].registers for m in MACHINES], "shared": shared[kernel]}
            for kernel in shared
        }
        files[name] = {"digest": digest(name), "kernels": kernels}
    record = {"nvrtc": Nvrtc().version, "architectures": MACHINES, "files": files}
    text = json.dumps(record, indent=1)
    text = re.sub(r"\[\s+([^\]]*?)\s+\]", lambda match: "[" + re.sub(r"\s+", " ", match[1]) + "]", text)
    text = re.sub(r'\{\s+("registers"[^}]*?)\s+\}', lambda match: "{" + re.sub(r"\s+", " ", match[1]) + "}", text)
    RECORD.write_text(text + "\n", encoding="utf-8")
