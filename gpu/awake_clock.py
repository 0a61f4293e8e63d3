"""A clock that stands still while the machine sleeps, so that a night in between counts neither as work nor as wait."""

from __future__ import annotations

import ctypes
import sys
import time


def awake_s() -> float:
    """Seconds the machine was awake since some moment: only differences mean something."""
    if sys.platform == "win32":  # perf_counter and monotonic go on there
        return _unbiased_interrupt_time()
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return time.monotonic()  # of Linux: CLOCK_MONOTONIC


def slept_s() -> float:
    """Seconds the machine has slept since some moment; 0 where nobody can tell."""
    if sys.platform == "win32":
        return ctypes.windll.kernel32.GetTickCount64() / 1000 - awake_s()
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - awake_s()
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return 0.0


def _unbiased_interrupt_time() -> float:
    ticks = ctypes.c_ulonglong()
    ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))  # type: ignore[attr-defined]
    return ticks.value / 1e7  # 100 ns
