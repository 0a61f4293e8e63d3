"""Python's cyclic garbage is collected on the window's thread alone.

Python collects on whichever thread happens to allocate, the engine's too. A widget that is part of a cycle would be
destroyed there, beside Qt's own thread that still has its events: a segmentation fault now and then.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000
MANY = 20_000  # objects: to look through more holds the window up. They are texts, and stay


class GarbageCollector(QObject):
    """Until `stop`, a timer of this object's thread collects cycles, about as often as Python would."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(collect_what_is_due)
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.enable()


def collect_what_is_due() -> None:
    """Collect the oldest generation that has passed its threshold, on the calling thread; mostly none has."""
    due = [count > limit > 0 for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if any(due):
        gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))
        if due[-1] and len(gc.get_objects(generation=2)) > MANY:
            gc.freeze()
