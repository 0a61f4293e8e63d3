"""`python -m app`, the console script `whisperdesktop` and the frozen program start here."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the program with the process's arguments; its exit code."""
    try:
        from app.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the time when a command handles it
        return 130
    finally:
        gc.freeze()  # or else Python looks through everything for garbage on its way out, for a tenth of a second


if __name__ == "__main__":
    sys.exit(main())
