"""Memory of this process and of the machine."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil

from gpu.types import MemoryUsage

_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE_BLOCK = 1 << 20  # bytes


def host_memory() -> MemoryUsage:
    """Resident memory of this process in bytes, now and at its peak, and what the machine has."""
    process = psutil.Process().memory_info()
    machine = psutil.virtual_memory()
    return MemoryUsage(used=process.rss, peak=_peak(process), free=machine.available, total=machine.total)


def _peak(process: object) -> int:
    if sys.platform == "win32":
        return int(process.peak_wset)  # type: ignore[attr-defined]
    if sys.platform == "linux":  # getrusage starts with the peak of the process that started this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def return_freed_memory() -> None:
    """Have glibc give large blocks back to the system as soon as they are freed, not keep them for later.

    By default it raises the size from which it does so to that of the largest block freed (up to 32 MB), and loading a
    model then leaves 60 MB of holes behind. No effect elsewhere: other systems' allocators do this anyway.
    """
    _call_glibc("mallopt", _M_MMAP_THRESHOLD, _LARGE_BLOCK)


def trim_memory() -> None:
    """Have glibc give back the smaller holes too: 20 MB after loading base, in 4 ms. No effect elsewhere."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)  # musl has neither
        if function is not None:
            function(*arguments)
