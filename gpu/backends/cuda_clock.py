"""What each kernel takes on the device, by events around every launch, which slow it down (`bench --profile`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpu.types import KernelTime

_MOST_OPEN = 2000  # launches whose events have not been read


class KernelClock:
    """Adds up launches by kernel. What is timed is launched alone, never captured: `Replays` sees to that.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cuda = cupy.cuda
        self._open: list[tuple[str, int, Any, Any]] = []
        self._kernels: dict[str, KernelTime] = {}

    @contextmanager
    def around(self, name: str, n_bytes: int, stream: Any) -> Iterator[None]:
        """Time what is launched inside on `stream` (CuPy's)."""
        start, end = (self._cuda.Event(block=True, disable_timing=False) for _ in range(2))
        start.record(stream)
        yield
        end.record(stream)
        self._open.append((name, n_bytes, start, end))
        if len(self._open) >= _MOST_OPEN:
            self._read()

    def times(self) -> tuple[KernelTime, ...]:
        """Of all launches so far, the longest first; waits for their end."""
        self._read()
        return tuple(sorted(self._kernels.values(), key=lambda kernel: -kernel.seconds))

    def _read(self) -> None:
        read, self._open = self._open, []
        for name, n_bytes, start, end in read:
            end.synchronize()
            seconds = self._cuda.get_elapsed_time(start, end) / 1e3
            k = self._kernels.get(name) or KernelTime(name, 0, 0.0, 0)
            self._kernels[name] = KernelTime(name, k.n_launches + 1, k.seconds + seconds, k.n_bytes + n_bytes)
