"""Keeps the status panel true: looks twice a second, whatever the engine says meanwhile."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, QTimer, Signal

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobStarted,
    JobStats,
    Message,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
)
from app.engine.pace import Pace, Speed
from app.engine.service import machine_memory, slept_s
from app.engine.thread import EngineThread
from app.queue_meter import QueueMeter
from app.session import Session
from app.settings import Settings
from app.widgets.status_panel import StatusPanel

LOOK_MS = 500
_NOTABLE_SLEEP_S = 2.0

_log = logging.getLogger(__name__)


class StatusMeter(QObject):
    """Measures what changes while nobody says anything: memory, the pace of a run, the queue; the machine's sleep.

    Signals:
        queue_measured: a `QueueLag`.
    """

    queue_measured = Signal(object)

    def __init__(self, panel: StatusPanel, session: Session, engine: EngineThread, settings: Settings) -> None:
        super().__init__(panel)
        self._panel, self._settings = panel, settings
        self._on_cpu = False  # a GPU's memory is asked for on the engine's thread alone
        self._pace: Pace | None = None  # of what runs
        self._queue = QueueMeter(session, self)
        self._slept_s = slept_s()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        panel.show_details(settings.status_details)
        panel.details_toggled.connect(self._remember_details)
        engine.message.connect(self._take)

    def look(self) -> None:
        """Measure, and show it. Sleep counts nowhere: the clocks of a run stand still meanwhile."""
        if (slept := slept_s()) > self._slept_s + _NOTABLE_SLEEP_S:
            _log.info("the machine was asleep for %.0f s", slept - self._slept_s)
        self._slept_s = slept
        if not self._panel.isVisible():
            return
        if self._on_cpu:
            self._panel.show_memory(machine_memory())
        self._panel.sample()
        self._show_run()

    def _show_run(self) -> None:
        lag = self._queue.lag
        self._panel.show_run(self._pace.speed if self._pace is not None else Speed(), lag)
        self.queue_measured.emit(lag)

    def _take(self, message: Message) -> None:
        match message:
            case ModelLoaded(device=device):
                self._on_cpu = device.kind == "cpu"
            case ModelLoading() | ModelFailed():
                self._on_cpu = False
            case JobStarted():
                self._pace = Pace()
            case JobStats(stats=stats) if self._pace is not None:
                self._pace.take(stats)
            case JobFinished() | JobCancelled() | JobFailed():
                self._pace = None
                self._show_run()

    def _remember_details(self, shown: bool) -> None:
        self._settings.status_details = shown
