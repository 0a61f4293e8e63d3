"""The program as a process of its own, the way a user starts it."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


class Program:
    """`python -m app` in a folder, with a home of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(home)}
        self._options: dict[str, Any] = {
            "cwd": folder,
            "env": self.environment,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "encoding": "utf-8",
            "preexec_fn": None if sys.platform == "win32" else _become_an_ordinary_user,
        }

    def run(self, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end; `options` are those of `subprocess`."""
        return subprocess.run(self._command(args), **(self._options | options), timeout=600, check=False)

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(self._command(args), **(self._options | options))

    @staticmethod
    def _command(args: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "app", *args]


def _become_an_ordinary_user() -> None:
    """In the new process: Ctrl-C is heeded, and files that may not be read cannot be read, not even by root."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.geteuid() == 0 and sys.platform == "linux":
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
