"""`python -m app`, the console script `whisperdesktop` and the frozen program start here."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the program with the process's arguments; its exit code."""
    try:
        from app.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the time when a command handles it
        return 130


if __name__ == "__main__":
    sys.exit(main())
