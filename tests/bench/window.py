"""The window itself: how soon it can be used, what it holds while it does nothing, and how long it is ever held up.

    python -m tests.bench.window [--runs N] [--save]

A process of its own for each run, on a screen of its own (Xvfb) where there is one, else drawn nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

from tests.bench import report
from tests.support.screen import missing_programs, start_screen
from tests.support.speech import ENGLISH, make_reading

SECTION = "window"
MOST_START_S = 1.5
MOST_IDLE_MB = 250
MOST_TURN_S = 0.05
IDLE_S = 2.0
METHOD = """## The window

`python -m tests.bench.window --runs {n_runs} --save`. Medians of {n_runs} runs, files in the system's cache. Start:
from the start of the process until the window is drawn and its loop has nothing to do. Idle: resident memory
{idle:g} s later, before a model is loaded and after. Held up: the longest time between two turns of the window's
loop during a run over {minutes:.0f} minutes of speech, while the window changes its size; CPU time of the window's
thread, and time on the wall, which holds what the engine's threads take of the cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--save", action="store_true", help="put the table into docs/benchmarks.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        reading = Path(scratch) / "reading.wav"
        minutes = make_reading(reading, 2 * ENGLISH) / 60
        with nullcontext() if missing_programs() else start_screen() as screen:
            environment = (
                dict(screen.environment) if screen is not None else os.environ | {"QT_QPA_PLATFORM": "offscreen"}
            )
            runs = [_run(environment, Path(scratch) / str(n), reading) for n in range(args.runs)]
    middle = {name: median(run[name] for run in runs) for name in runs[0]}
    text = METHOD.format(n_runs=args.runs, idle=IDLE_S, minutes=minutes) + "\n\n" + table(middle)
    print(text)
    if args.save:
        report.write_section(SECTION, text)
    problems = missed(middle)
    print(f"Missed: {'; '.join(problems) or 'none'}")
    sys.exit(bool(problems))


def _run(environment: dict[str, str], home: Path, reading: Path) -> dict[str, float]:
    """Two processes, with homes of their own: one whose engine is never started, and one that transcribes."""
    result: dict[str, float] = {}
    for mode in ("idle", "run"):
        names = ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
        homes = {name: str(home / mode / name) for name in names}
        command = [sys.executable, "-m", "tests.bench.window_worker", mode, repr(time.time()), str(reading)]
        done = subprocess.run(
            command, env=environment | homes, stdout=subprocess.PIPE, text=True, check=True, timeout=900
        )
        result |= json.loads(done.stdout.splitlines()[-1])
    return result


def table(middle: dict[str, float]) -> str:
    rows = [
        ["start to usable window", f"{middle['start_s']:.2f} s", f"{MOST_START_S} s"],
        ["idle, without a model", f"{middle['idle_mb']:.0f} MB", f"{MOST_IDLE_MB} MB"],
        ["idle, base Q5_1 loaded", f"{middle['loaded_mb']:.0f} MB", ""],
        ["held up during a run, CPU time", f"{1000 * middle['longest_cpu_s']:.0f} ms", f"{1000 * MOST_TURN_S:.0f} ms"],
        ["held up during a run, wall", f"{1000 * middle['longest_wall_s']:.0f} ms", ""],
        ["99 % of turns are shorter than, wall", f"{1000 * middle['p99_wall_s']:.0f} ms", ""],
    ]
    return report.table(["", "measured", "wanted"], rows)


def missed(middle: dict[str, float]) -> list[str]:
    wanted = {"start_s": MOST_START_S, "idle_mb": MOST_IDLE_MB, "longest_cpu_s": MOST_TURN_S}
    return [f"{name} {middle[name]:.3g}, at most {most}" for name, most in wanted.items() if middle[name] > most]


if __name__ == "__main__":
    main()
