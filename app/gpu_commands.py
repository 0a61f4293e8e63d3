"""The command `gpu`: what stands between this machine's GPU and the program, and fetching what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from app.argument_types import Subparsers
from app.console import Console
from app.interruption import EXIT_FAILED
from app.model_catalogue_commands import run_command
from app.paths import default_model
from gpu.cancel import CancelToken
from gpu.types import Check

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
    parser.add_argument(
        "what", choices=("status", "enable", "remove"), nargs="?", default="status", help="(default: status)"
    )
    parser.set_defaults(command=_gpu, parser=parser, takes_files=False)


def _gpu(arguments: argparse.Namespace) -> int:
    return run_command(
        f"gpu {arguments.what}", {"status": _status, "enable": _enable, "remove": _remove}[arguments.what]
    )


def _status(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import gpu_status

    for line in gpu_status():
        console.text(line)
    return 0


def _enable(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import why_no_gpu
    from app.gpu_pack.installation import GpuPack

    if (obstacle := why_no_gpu()) is not None:  # nothing that can be fetched would help
        console.error("gpu enable", *obstacle)
        return EXIT_FAILED
    pack = GpuPack()
    if not pack.is_installed:
        for package in pack.packages:
            size = f"{package.file.n_bytes / 1e6:,.0f} MB"
            console.note(f"{package.name} {package.version}: {size}, {package.licence}")
    _Installing(pack.n_bytes, console).show(pack.install(token))
    return _test(console, token)


def _test(console: Console, token: CancelToken) -> int:
    from app.engine.gpu import self_test

    exit_code = 0
    for message in self_test(default_model(), "auto", token):
        if isinstance(message, Check):
            console.text(f"{message.outcome:8}{message.what}: {message.detail}")
            exit_code = EXIT_FAILED if message.outcome == "failed" else exit_code
        else:
            console.error(str(message.path), message.message, message.remedy)
            exit_code = EXIT_FAILED
    return exit_code


def _remove(console: Console, token: CancelToken) -> int:
    from app.gpu_pack.installation import GpuPack

    pack = GpuPack()
    pack.remove()
    console.note(f"nothing of it is left in {pack.home}")
    return 0


class _Installing:
    """Shows what an installation does."""

    def __init__(self, n_bytes: int, console: Console) -> None:
        self._n_bytes, self._console = n_bytes, console

    def show(self, events: Iterator[object]) -> None:
        """Raises what `GpuPack.install` raises."""
        from app.gpu_pack.installation import Installed, Unpacking
        from app.models.download import NextMirror, Progress, Resumed, Waiting

        self._console.begin_download("GPU support", self._n_bytes)
        try:
            for event in events:
                match event:
                    case Resumed(n_bytes) | Progress(n_bytes, _):
                        self._console.downloaded(n_bytes)
                    case Waiting(cause, seconds):
                        self._console.warning("", f"{cause.rstrip('.')}; trying again in {seconds:.0f} s")
                    case NextMirror(cause, url):
                        self._console.warning("", f"{cause.rstrip('.')}; going on with {url}")
                    case Unpacking(name):
                        self._console.end_progress()
                        self._console.note(f"unpacking {name}")
                    case Installed(folder, was_there):
                        self._console.end_progress()
                        self._console.note(f"{'is there already' if was_there else 'is there'}: {folder}")
        finally:
            self._console.end_progress()


_WHAT = {"status": _status, "enable": _enable, "remove": _remove}
