"""What a device has handed out, counted by what is really held: a graph or a window may outlive its arena."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Allocated:
    """Bytes that are taken, and the most that were."""

    now: int = 0
    peak: int = 0


class Allocation:
    """Memory of the driver's, counted as long as anything refers to it."""

    def __init__(self, memory: Any, n_bytes: int, allocated: Allocated) -> None:
        self._memory, self._n_bytes, self._allocated = memory, n_bytes, allocated
        allocated.now += n_bytes
        allocated.peak = max(allocated.peak, allocated.now)

    def __del__(self) -> None:
        self._allocated.now -= self._n_bytes
