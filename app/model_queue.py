"""Where works on models wait: one download at a time, and beside it one work on files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.engine.worker import WorkEnded, Worker
from app.model_work import FetchModel, Job, JobState, Work, events_of
from app.models.network import Network


class Lane(QObject):
    """Jobs in the order they came; one runs.

    Signals:
        changed: jobs have got on: the time to repaint.
        ended: a job is over, or paused: the `Job`.
    """

    changed = Signal()
    ended = Signal(object)

    def __init__(self, name: str, network: Callable[[], Network], parent: QObject) -> None:
        super().__init__(parent)
        self._network = network
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._is_stopped = False
        self._worker = Worker(name, self)
        self._worker.message.connect(self._on_message)
        self._worker.delivered.connect(self.changed)

    def add(self, job: Job) -> None:
        """Let a job wait, also one that was paused; it starts when it is the first."""
        job.state = JobState.WAITING
        self._waiting.append(job)
        self._start_next()

    def pause(self, job: Job) -> None:
        """Stop a job so that it can be added again later."""
        if job is self._running:
            job.pause_wanted = True
            self._worker.cancel()
        else:
            self._drop(job, JobState.PAUSED)

    def cancel(self, job: Job) -> None:
        if job is self._running:
            job.pause_wanted = False
            self._worker.cancel()
        else:
            self._drop(job, JobState.CANCELLED)

    def stop(self) -> None:
        """End what runs and wait for it; nothing is told any more."""
        self._waiting.clear()
        self._is_stopped = True
        self._worker.stop()

    def _drop(self, job: Job, state: JobState) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
        if not job.state.is_over:
            job.state = state
            self.ended.emit(job)

    def _start_next(self) -> None:
        if self._running is None and self._waiting:
            job = self._running = self._waiting.pop(0)
            job.start()
            self._worker.start(partial(events_of, job.work, self._network))
        self.changed.emit()

    def _on_message(self, message: object) -> None:
        job = self._running
        if job is None or self._is_stopped:
            return
        if not isinstance(message, WorkEnded):
            job.apply(message)
            return
        job.end(message.error)
        self._running = None
        self.ended.emit(job)
        self._start_next()


class ModelQueue(QObject):
    """All works on models, those that are over aside.

    Signals: as of `Lane`.
    """

    changed = Signal()
    ended = Signal(object)

    def __init__(self, network: Callable[[], Network], parent: QObject) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self._downloads, self._files = Lane("download", network, self), Lane("model files", network, self)
        for lane in (self._downloads, self._files):
            lane.changed.connect(self.changed)
            lane.ended.connect(self._on_ended)

    def job_of(self, work: Work) -> Job | None:
        """The job that does this already."""
        return next((job for job in self.jobs if job.work == work), None)

    def add(self, job: Job) -> None:
        if job not in self.jobs:
            self.jobs.append(job)
        self._lane(job).add(job)

    def pause(self, job: Job) -> None:
        self._lane(job).pause(job)

    def cancel(self, job: Job) -> None:
        self._lane(job).cancel(job)

    def stop(self) -> None:
        for lane in (self._downloads, self._files):
            lane.stop()

    def _lane(self, job: Job) -> Lane:
        return self._downloads if isinstance(job.work, FetchModel) else self._files

    def _on_ended(self, job: Job) -> None:
        if job.state.is_over:
            self.jobs.remove(job)
        self.ended.emit(job)
        self.changed.emit()
