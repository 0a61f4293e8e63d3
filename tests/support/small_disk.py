"""A disk of its own that is soon full, or may not be written: needs root on Linux."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """Mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, n_left: int = 0) -> None:
        """Up to some bytes."""
        free = shutil.disk_usage(self.path).free
        with self._ballast.open("wb") as file:
            file.write(bytes(max(free - n_left, 0)))

    def make_room(self) -> None:
        self._ballast.unlink()

    def forbid_writing(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.path))


@contextmanager
def small_disk(path: Path, n_bytes: int = 2_000_000) -> Iterator[SmallDisk]:
    """Skips the test where none can be made."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a disk")
    path.mkdir(parents=True, exist_ok=True)
    if not _run("mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(path)):
        pytest.skip("nothing can be mounted here")
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "-l", str(path))


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0
