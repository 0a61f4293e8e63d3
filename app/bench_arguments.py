"""The command `bench`: what may be typed behind it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.argument_types import Subparsers, whole_number
from app.model_options import add_model_options, chosen_model
from app.paths import sample_recording

_DESCRIPTION = """\
Transcribe a recording several times and show what each stage takes, on every
device there is. `models list` judges the speed of other models by it.

  bench                                        the recording that comes along
  bench lecture.mp3 --model small-q5_1 --runs 5 --json figures.json
"""

_NOTES = """\
`meanwhile` is time on another thread, beside the stages that follow. A stage's
share is of the transcription; loading is aside. A GPU goes on by itself: what it
takes to encode shows where its results are waited for, mostly in `decode`.
`--profile` on a GPU: each kernel between two events, launched alone instead of in
a graph. MB are of the arrays it is given, the most it can move.

exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C
"""


def add_bench(commands: Subparsers[Any], program: str) -> None:
    """Add `bench` to the program's commands. `program` is what the user typed."""
    parser = commands.add_parser(
        "bench",
        usage=f"{program} bench [options] [FILE]",
        description=_DESCRIPTION,
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=_bench, parser=parser)
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="a recording (default: eleven seconds)")
    parser.add_argument(
        "--runs", type=whole_number(1), default=3, metavar="N", help="on each device; the median counts (default: 3)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE, as one JSON object")
    parser.add_argument(
        "--profile", action="store_true", help="one more run: time and memory of each operator, or each kernel of a GPU"
    )
    add_model_options(parser)


def _bench(arguments: argparse.Namespace) -> int:
    from app.bench_command import bench
    from app.engine.benchmark import BenchmarkJob

    if len(arguments.files) > 1:
        arguments.parser.error(f"one FILE at a time, got {len(arguments.files)}")
    model = chosen_model(arguments)
    if model is None:
        return 2
    [recording] = arguments.files or [sample_recording()]
    job = BenchmarkJob(
        model, recording, arguments.device, arguments.threads or None, arguments.runs, profile=arguments.profile
    )
    return bench(job, arguments.json)
