"""One flag that stops a run from any thread, also inside a call that does not return for a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpu.errors import Cancelled


class CancelToken:
    """Set once by the user's thread, polled and subscribed to by the engine's.

    Loops call `check()`; a backend inside a long native call subscribes an interrupt instead.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Ask the run to stop; returns at once. Thread-safe, idempotent."""
        with self._lock:
            self._cancelled = True
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt()

    def check(self) -> None:
        """Raise `Cancelled` if the run was asked to stop."""
        if self._cancelled:
            raise Cancelled

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `cancel()` also calls `interrupt` (on the canceller's thread)."""
        with self._lock:
            self._interrupts.append(interrupt)
            already = self._cancelled
        try:
            if already:
                raise Cancelled
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)
