"""The command `gpu`: what stands between this machine's GPU and the program, and fetching what is missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app.argument_types import Subparsers
from app.commands import run_command, show_download
from app.console import Console
from app.interruption import EXIT_FAILED
from app.paths import default_model
from app.selftest_command import show_checks
from gpu.cancel import CancelToken

if TYPE_CHECKING:
    from app.gpu_pack.installation import GpuPack

_DESCRIPTION = """\
Use an NVIDIA GPU (Turing or newer: GTX 16, RTX 20 and later).

  gpu status     what is here, and what is missing
  gpu enable     fetch what the GPU engine needs, test it, and use it if it passes
  gpu remove     delete what was fetched

The packages come from PyPI and lie in the program's own folder; each is checked
against its SHA-256. Nothing is used before the self-test has passed.
"""


def add_gpu(commands: Subparsers[Any], program: str) -> None:
    """Add `gpu` to the program's commands. `program` is what the user typed."""
    parser = commands.add_parser(
        "gpu",
        usage=f"{program} gpu {{status,enable,remove}}",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("what", choices=[*_WHAT], nargs="?", default="status", help="(default: status)")
    parser.set_defaults(command=_gpu, parser=parser, takes_files=False)


def _gpu(arguments: argparse.Namespace) -> int:
    return run_command(f"gpu {arguments.what}", _WHAT[arguments.what])


def _status(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import gpu_status

    for line in gpu_status():
        console.text(line)
    return 0


def _enable(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import gpu_packages, self_test, why_no_gpu
    from app.gpu_pack.installation import GpuPack

    if (obstacle := why_no_gpu()) is not None:  # nothing that can be fetched would help
        console.error("gpu enable", *obstacle)
        return EXIT_FAILED
    pack = GpuPack(gpu_packages())
    if not pack.is_installed:
        for package in pack.packages:
            size = f"{package.file.n_bytes / 1e6:,.0f} MB"
            console.note(f"{package.name} {package.version}: {size}, {package.licence}")
    _install(pack, console, token)
    _, exit_code = show_checks(self_test(default_model(), "auto", token), console)
    return exit_code


def _remove(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import gpu_packages
    from app.gpu_pack.installation import GpuPack

    pack = GpuPack(gpu_packages())
    pack.remove()
    console.note(f"nothing of it is left in {pack.home}")
    return 0


def _install(pack: GpuPack, console: Console, token: CancelToken) -> None:
    """Raises what `GpuPack.install` raises."""
    from app.gpu_pack.installation import Installed, Unpacking
    from app.models.download import Resumed

    console.begin_download("GPU support", pack.n_bytes)
    try:
        for event in pack.install(token):
            match event:
                case Resumed(n_bytes):
                    console.downloaded(n_bytes)
                case Unpacking(name):
                    console.end_progress()
                    console.note(f"unpacking {name}")
                case Installed(folder, was_there):
                    console.end_progress()
                    console.note(f"{'is there already' if was_there else 'is there'}: {folder}")
            show_download(console, event)
    finally:
        console.end_progress()


_WHAT = {"status": _status, "enable": _enable, "remove": _remove}
