"""Measures how long the window's thread is busy between two turns of its loop."""

import gc
import time

from PySide6.QtCore import QObject, QTimer

TICK_MS = 5


class LoopMeter(QObject):
    """While it runs, `longest_s` is the most CPU time the thread has spent from one tick to the next.

    CPU time of this thread, not wall time: other work of the machine does not count. Nor do the objects of pytest and
    of earlier tests, which the collector would walk through in whichever thread sets it off.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0
        self.n_ticks = 0
        self._last = 0.0
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        gc.collect()
        gc.freeze()
        self._last = time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._tick()
        self._timer.stop()
        gc.unfreeze()

    def go_on(self) -> None:
        """A loop begins: what was done before is not the window's work."""
        self._last = time.thread_time()
        self._timer.start()

    def rest(self) -> None:
        self._tick()
        self._timer.stop()

    def _tick(self) -> None:
        now = time.thread_time()
        self.longest_s = max(self.longest_s, now - self._last)
        self.n_ticks += 1
        self._last = now
