"""Everything that guards a change: lint, types, layers, tests. `python3 run.py test` calls it.

    [--fast | --long | --lint] [pytest's arguments]

Every step runs and is reported, also after one has failed; the exit code is 0 only when all passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LINT = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "import-linter": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo'])"],
}
# What each mode gives to pytest; without a mode: everything but the long tests.
WORKERS = min(os.cpu_count() or 1, 4)  # each takes a gigabyte or two, and the engine's threads
PYTEST = {
    "": ["-m", "not long"],
    "--fast": ["-m", "not slow and not long"],
    "--long": ["-m", "long"],
}


def main(args: list[str]) -> int:
    steps = dict(LINT)
    lint_only = "--lint" in args
    if not lint_only:
        mode = next((arg for arg in args if arg in PYTEST), "")
        steps["pytest"] = [
            "-m",
            "pytest",
            "-n",
            str(WORKERS),
            "--dist",
            "worksteal",
            *PYTEST[mode],
            *(arg for arg in args if arg != mode),
        ]
    failed = [name for name, command in steps.items() if not passes(name, command)]
    if failed:
        print(f"Failed: {', '.join(failed)}")
    if failed or lint_only:  # otherwise pytest's own last line stands
        print(f"{len(steps) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def passes(name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    return subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
