"""Memory of this process and of the machine."""

from __future__ import annotations

import sys

import psutil

from gpu.types import MemoryUsage


def host_memory() -> MemoryUsage:
    """Resident memory of this process in bytes, now and at its peak, and what the machine has."""
    process = psutil.Process().memory_info()
    machine = psutil.virtual_memory()
    return MemoryUsage(used=process.rss, peak=_peak(process), free=machine.available, total=machine.total)


def _peak(process: object) -> int:
    if sys.platform == "win32":
        return int(process.peak_wset)  # type: ignore[attr-defined]
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts KiB, on macOS bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
