"""One process of `tests.bench.window`: the program as `app.run_window` makes it, with a clock in its loop.

    python -m tests.bench.window_worker (idle|run) SECONDS_SINCE_THE_EPOCH READING

`idle`: the engine is never started. Prints one line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psutil
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.garbage import GarbageCollector
from app.paths import APP_ID, recordings_file, settings_file
from app.settings import Settings

IDLE_MS = 2000
ACT_MS = 300
TICK_MS = 5


class Clock(QObject):
    """How long it takes from one turn of the loop to the next: of the thread's CPU time, and on the wall."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu_s: list[float] = []
        self.wall_s: list[float] = []
        self._last = time.thread_time(), time.perf_counter()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.thread_time(), time.perf_counter()
        self.cpu_s.append(now[0] - self._last[0])
        self.wall_s.append(now[1] - self._last[1])
        self._last = now


def main() -> None:
    mode, started, reading = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    qt = QApplication([APP_ID])
    application = Application(Settings(settings_file()))
    if mode == "idle":
        application.window.show()
    else:
        application.start([], recordings_file())
    gc.freeze()
    GarbageCollector(qt)
    handle = application.window.windowHandle()
    wait(handle.isExposed)
    qt.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    result = {"start_s": time.time() - started}
    rest(IDLE_MS)
    if mode == "idle":
        result["idle_mb"] = resident_mb()
    else:
        wait(lambda: application.window.status_panel.memory.text() != "–")
        rest(IDLE_MS)
        result |= {"loaded_mb": resident_mb(), **measure_run(application, reading)}
    print(json.dumps(result), flush=True)
    application.stop()
    os._exit(0)


def measure_run(application: Application, reading: Path) -> dict[str, float]:
    """A run over a recording in a window that is being used."""
    application.add([reading])
    wait(lambda: bool(application.session.recordings))
    [recording] = application.session.recordings
    clock, steps = Clock(), count()
    restless = QTimer(interval=ACT_MS)
    restless.timeout.connect(lambda: application.window.resize(1000 + 40 * (next(steps) % 5), 700))
    restless.start()
    wait(lambda: recording.state.is_over)
    restless.stop()
    wall_s = sorted(clock.wall_s)
    return {
        "longest_cpu_s": max(clock.cpu_s),
        "longest_wall_s": wall_s[-1],
        "p99_wall_s": wall_s[int(0.99 * len(wall_s))],
    }


def resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


def wait(condition: Callable[[], bool]) -> None:
    while not condition():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)


def rest(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
