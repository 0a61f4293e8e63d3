"""The command `selftest`: does this machine compute what it should? A table, and JSON for a report."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.argument_types import Subparsers
from app.commands import run_command
from app.console import Console, unwritable
from app.interruption import EXIT_FAILED, EXIT_USAGE
from app.model_options import add_model_options, chosen_model
from app.selftest_report import write_report
from gpu.cancel import CancelToken
from gpu.types import Check

if TYPE_CHECKING:
    from app.engine.service import Failure

_DESCRIPTION = """\
Check that this machine computes what it should: a recording on the CPU, and on
an NVIDIA GPU every kernel against the golden standard, a recording, running out
of memory, ten runs, and the speed beside the CPU and, where it is installed,
whisper.cpp (pip install pywhispercpp). What cannot be checked here is skipped,
and says why. A GPU that passes is used from then on.

  selftest                                     whatever is there
  selftest --device cuda:1 --json report.json  one GPU, with a file to send
"""

_WIDTH = 50  # of what is checked; nothing is longer than this, with a space behind it

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
        return EXIT_USAGE

    def run(console: Console, token: CancelToken) -> int:
        from app.engine.gpu import self_test

        checks, exit_code = show_checks(self_test(model, arguments.device, token, arguments.threads or None), console)
        counts = {o: sum(check.outcome == o for check in checks) for o in ("passed", "failed", "skipped")}
        console.text(", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
        if arguments.json is not None:
            try:
                write_report(arguments.json, model, checks)
            except OSError as e:
                console.error(str(arguments.json), *unwritable(e))
                return EXIT_FAILED
        return exit_code

    return run_command("selftest", run)


def show_checks(messages: Iterable[Check | Failure], console: Console) -> tuple[list[Check], int]:
    """Show a self-test as it goes; its checks, and the exit code."""
    checks, exit_code = [], 0
    for message in messages:
        if isinstance(message, Check):
            checks.append(message)
            console.text(f"{message.outcome:8}{message.what:{_WIDTH}}{message.detail}")
            exit_code = EXIT_FAILED if message.outcome == "failed" else exit_code
        else:
            console.error(str(message.path), message.message, message.remedy)
            exit_code = EXIT_FAILED
    return checks, exit_code
