"""Long work of the window's own thread, in slices between two turns of its loop."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

BUDGET_S = 0.006  # of a slice


class Slices(QObject):
    """One piece of work at a time, whose steps are those of an iterator.

    Signals:
        passed: a slice has, or all of it.
    """

    passed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps: Iterator[object] = iter(())
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._go_on)

    def run(self, steps: Iterator[object]) -> None:
        """Instead of what is under way; the first slice at once."""
        self._next.stop()
        self._steps = steps
        self._go_on()

    def stop(self) -> None:
        self._next.stop()
        self._steps = iter(())

    def _go_on(self) -> None:
        end = time.perf_counter() + BUDGET_S
        for _ in self._steps:
            if time.perf_counter() > end:
                self._next.start()
                break
        self.passed.emit()
