"""Compiles the kernels for every generation of GPUs: `python -m gpu.kernels.build FOLDER`. Needs NVRTC, but no GPU.

What it makes comes with the program (`resources/cubins`), so that the user's machine needs no compiler.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu.errors import KernelError
from gpu.kernels import MANIFEST, OPTIONS, names, source, source_hash
from gpu.kernels.nvrtc import Nvrtc

# Turing, Ampere (A100 and the others), Ada, Hopper, Blackwell (B200 and the others); and PTX for what comes.
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120", "compute_120")


def build(folder: Path, workers: int | None = None) -> None:
    """Compile everything into `folder`, which is there whole or not at all.

    Raises:
        KernelError: there is no compiler, or a kernel does not compile.
    """
    nvrtc = Nvrtc()
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)

    def compile(job: tuple[str, str]) -> None:
        architecture, name = job
        suffix = ".ptx" if architecture.startswith("compute") else ".cubin"
        image, _ = nvrtc.compile(name, source(name), OPTIONS, architecture)
        target = (draft / architecture / name).with_suffix(suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image)

    jobs = [(architecture, name) for architecture in ARCHITECTURES for name in names()]
    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(compile, jobs))
        manifest = {"sources": source_hash(), "nvrtc": nvrtc.version, "architectures": ARCHITECTURES}
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gpu.kernels.build", description=__doc__)
    parser.add_argument("folder", type=Path, help="resources/cubins, where the program looks for them")
    folder = parser.parse_args().folder
    try:
        build(folder)
    except KernelError as error:
        sys.exit(f"{error} {error.remedy}")
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {len(names())} files for {len(ARCHITECTURES)} generations, {n_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
