"""Where the time and the memory of a run go, stage by stage. A run without a clock pays nothing for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from gpu.host_memory import host_memory


@dataclass
class StageTime:
    """What one stage took, without the stages inside it.

    Attributes:
        seconds: wall seconds on the thread that made the clock.
        beside_s: wall seconds on other threads, while that one did something else.
        n_items: what was done in them: windows, or tokens.
        used: the most resident memory at its end, in bytes. peak: the process's peak memory when it last ended.
    """

    seconds: float = 0.0
    beside_s: float = 0.0
    n_items: int = 0
    used: int = 0
    peak: int = 0


class StageClock:
    """Adds up stages by name. Stages may lie inside each other and on several threads.

    Attributes:
        stages: by name, in the order in which they first ended.
    """

    def __init__(self) -> None:
        self.stages: dict[str, StageTime] = {}
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[StageTime]:
        """Time the block. It may count what it did in the `n_items` of the value it is given."""
        outer: float = getattr(self._local, "inner_s", 0.0)
        self._local.inner_s = 0.0  # what the stages inside this one take
        done = StageTime()
        started = time.perf_counter()
        try:
            yield done
        finally:
            elapsed = time.perf_counter() - started
            self._add(name, elapsed - self._local.inner_s, done.n_items)
            self._local.inner_s = outer + elapsed

    def _add(self, name: str, seconds: float, n_items: int) -> None:
        memory = host_memory()
        with self._lock:
            total = self.stages.setdefault(name, StageTime())
            if threading.get_ident() == self._owner:
                total.seconds += seconds
            else:
                total.beside_s += seconds
            total.n_items += n_items
            total.used = max(total.used, memory.used)
            total.peak = memory.peak


def stage(clock: StageClock | None, name: str) -> AbstractContextManager[StageTime | None]:
    """`clock.stage(name)`, or nothing where there is no clock."""
    return nullcontext() if clock is None else clock.stage(name)
