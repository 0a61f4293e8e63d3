"""The command `selftest`: does this machine compute what it should? A table, and JSON for a report."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from app.argument_types import Subparsers
from app.console import Console, unwritable
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, SIGPIPE, cancelling_on_signals, on_a_thread
from app.log import start_logging
from app.model_options import add_model_options, chosen_model
from app.selftest_report import write_report
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from gpu.types import Check

_DESCRIPTION = """\
Check that this machine computes what it should: a recording on the CPU, and on
an NVIDIA GPU every kernel against the golden standard, a recording, running out
of memory, ten runs and the speed. What cannot be checked here is skipped, and
says why. A GPU that passes is used from then on.

  selftest                                     whatever is there
  selftest --device cuda:1 --json report.json  one GPU, with a file to send
"""

_NOTES = """\
exit codes: 0 nothing failed, 1 something failed, 2 wrong usage, 130 stopped
"""


def add_selftest(commands: Subparsers[Any], program: str) -> None:
    """Add `selftest` to the program's commands. `program` is what the user typed."""
    parser = commands.add_parser(
        "selftest",
        usage=f"{program} selftest [options]",
        description=_DESCRIPTION,
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=_selftest, parser=parser, takes_files=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE, as one JSON object")
    add_model_options(parser)


def _selftest(arguments: argparse.Namespace) -> int:
    model = chosen_model(arguments)
    if model is None:
        return 2
    start_logging()
    cancel, console = CancelToken(), Console(quiet=False)
    with cancelling_on_signals(cancel) as received:
        try:
            exit_code = _run(model, arguments.device, arguments.json, console, cancel)
        except BrokenPipeError:
            exit_code = EXIT_SIGNAL + SIGPIPE
        except Cancelled:
            exit_code = EXIT_FAILED
    return EXIT_SIGNAL + received[0] if received else exit_code


def _run(model: Path, device: str, json_path: Path | None, console: Console, cancel: CancelToken) -> int:
    from app.engine.gpu import self_test

    checks: list[Check] = []
    failed = False
    with closing(on_a_thread(self_test(model, device, cancel))) as messages:
        try:
            for message in messages:
                if isinstance(message, Check):
                    checks.append(message)
                    console.text(f"{message.outcome:8}{message.what}: {message.detail}")
                else:
                    failed = True
                    console.error(str(message.path), message.message, message.remedy)
        finally:
            cancel.cancel()  # the thread must not go on alone
    counts = {o: sum(check.outcome == o for check in checks) for o in ("passed", "failed", "skipped")}
    console.text(", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    if json_path is not None:
        try:
            write_report(json_path, model, checks)
        except OSError as e:
            console.error(str(json_path), *unwritable(e))
            return EXIT_FAILED
    return EXIT_FAILED if failed or counts["failed"] else 0
