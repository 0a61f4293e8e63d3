"""Compile the kernels for every generation of GPUs, check them, and keep what the tests compare with.

`python -m tests.tools.compile_kernels` after a change of a kernel; needs NVIDIA's compiler (CONTRIBUTING.md), no GPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu.errors import KernelError
from gpu.kernels import names
from tests.support.cuda.nvidia import (
    MACHINES,
    RECORD,
    Resources,
    check_instructions,
    check_resources,
    compiled,
    disassembler,
    write_record,
)


def compile_and_check(job: tuple[str, str]) -> Mapping[str, Resources] | None:
    """(file, architecture) -> resources by kernel; None where something is wrong with one."""
    name, architecture = job
    cubin, found = compiled(name, architecture)
    try:
        check_resources(name, found)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"{name}.{architecture}.cubin")
            path.write_bytes(cubin)
            check_instructions(path)
    except AssertionError as error:
        print(f"{name} {architecture}: {error}", flush=True)
        return None
    print(f"{name} {architecture}: {len(found)} kernels, {len(cubin)} bytes", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if disassembler() is None:
        sys.exit("nvdisasm is not installed: see CONTRIBUTING.md")
    jobs = [(name, machine) for name in names() for machine in MACHINES]
    try:
        with ThreadPoolExecutor(options.at_once) as pool:
            results = dict(zip(jobs, pool.map(compile_and_check, jobs), strict=True))
        if None in results.values():
            sys.exit(1)
    except KernelError as error:
        sys.exit(f"{error} {error.remedy}")
    write_record({name: {machine: results[name, machine] for machine in MACHINES} for name in names()})
    print(f"wrote {RECORD}")


if __name__ == "__main__":
    main()
