"""The one thread that owns the engine: jobs go in through a queue, messages come out as a signal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from PySide6.QtCore import QElapsedTimer, QObject, QThread, QTimer, Signal

from app.engine.live import Dictate, LiveEnded, LiveFailed, LiveSaid, dictate
from app.engine.messages import (
    EngineMemory,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobMessage,
    JobStarted,
    JobStats,
    ModelFailed,
    ModelLoaded,
    TranscribeFile,
)
from app.engine.service import EngineService, failure_of
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, DeviceError, EngineError
from gpu.types import Words

# Messages are handed over in batches, so that a fast engine cannot flood the window ...
DELIVERY_INTERVAL_MS = 50
# ... and no batch holds up the window's loop for longer than this.
DELIVERY_BUDGET_S = 0.006
IDLE_REPORT_S = 1.0
# The model of one job stays for the next one that wants it, if that comes so soon.
OWN_MODEL_STAYS_S = 2.0
# Figures that change faster than this cannot be read.
STATS_INTERVAL_MS = 250


class Mailbox(QObject):
    """Messages from any thread, delivered on this object's own in batches.

    Of statistics only the latest are delivered, every `STATS_INTERVAL_MS` and before their job ends; all other messages
    are, in the order they were put.

    Signals:
        message: one message.
        delivered: the batch is through.
    """

    message = Signal(object)
    delivered = Signal()
    _put = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._announced = threading.Event()
        self._stats: JobStats | None = None  # not delivered yet
        self._stats_clock = QElapsedTimer()  # since some were; invalid: show the next at once
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._deliver)
        self._put.connect(self._schedule)

    def put(self, message: object) -> None:
        """Thread-safe; returns at once."""
        self._queue.put(message)
        if not self._announced.is_set():
            self._announced.set()
            self._put.emit()

    def _schedule(self) -> None:
        if not self._timer.isActive() or self._timer.remainingTime() > DELIVERY_INTERVAL_MS:
            self._timer.start(DELIVERY_INTERVAL_MS)

    def _deliver(self) -> None:
        self._announced.clear()  # before the queue is read: what comes later announces itself again
        end = time.perf_counter() + DELIVERY_BUDGET_S
        with suppress(Empty):
            while time.perf_counter() < end:
                self._hand_over(self._queue.get_nowait())
        wait_ms = STATS_INTERVAL_MS - self._stats_clock.elapsed() if self._stats_clock.isValid() else 0
        if wait_ms <= 0:
            self._hand_over_stats()
        if not self._queue.empty():
            self._timer.start(0)
        elif self._stats is not None:
            self._timer.start(wait_ms)
        self.delivered.emit()

    def _hand_over(self, message: object) -> None:
        if isinstance(message, JobStats):
            self._stats = message
            return
        if isinstance(message, JobFinished | JobCancelled | JobFailed):
            self._hand_over_stats()
            self._stats_clock.invalidate()
        self.message.emit(message)

    def _hand_over_stats(self) -> None:
        if self._stats is not None:
            stats, self._stats = self._stats, None
            self._stats_clock.start()
            self.message.emit(stats)


class EngineThread(QThread):
    """Loads models and does jobs, one after the other; a new model is loaded before the next job.

    Args:
        make_service: the engine for a model file; called, like everything else of the engine, on this thread.

    Attributes:
        record: is told what jobs say, on this thread and before everybody else.

    Signals:
        message: what the engine says (`app.engine.messages`), in order, on the thread this object belongs to.
        delivered: a batch of messages is through: the time to repaint.
        live: what a dictation says (`app.engine.live`), likewise.
    """

    message = Signal(object)
    delivered = Signal()
    live = Signal(object)

    def __init__(self, make_service: Callable[[Path], EngineService], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("engine")
        self._make_service = make_service
        self._model_path: Path | None = None
        self._service: EngineService | None = None  # with that model, the one in use
        self._own: tuple[Path, EngineService] | None = None  # of single jobs; while it is there, the other is closed
        self._is_owed = False  # the other had its model before
        self._jobs: SimpleQueue[TranscribeFile | Dictate | None] = SimpleQueue()  # None: is there something else?
        self._models: SimpleQueue[Path] = SimpleQueue()
        self._tokens: dict[int, CancelToken] = {}
        self.record: Callable[[JobMessage], None] | None = None
        self._stopping = threading.Event()
        self._mailbox = Mailbox(self)
        self._mailbox.message.connect(self.message)
        self._mailbox.delivered.connect(self.delivered)
        self._live_mailbox = Mailbox(self)
        self._live_mailbox.message.connect(self.live)

    def load(self, model_path: Path) -> None:
        """Take another model, after the job that runs now and before those that wait."""
        self._models.put(model_path)
        self._jobs.put(None)

    def submit(self, job: TranscribeFile | Dictate) -> None:
        self._tokens[job.job_id] = CancelToken()
        self._jobs.put(job)

    def cancel(self, job_id: int) -> None:
        """Stop a job that runs, or keep one that waits from running. `JobCancelled` follows; returns at once."""
        if token := self._tokens.get(job_id):
            token.cancel()

    def stop(self) -> None:
        """Cancel everything and wait for the thread to end: 0.2 s, or as long as a model takes that is being loaded.

        Nothing is said after it.
        """
        self._stopping.set()
        for token in list(self._tokens.values()):
            token.cancel()
        self._jobs.put(None)
        self.wait()
        self._mailbox.blockSignals(True)
        self._live_mailbox.blockSignals(True)

    def run(self) -> None:
        threading.current_thread().name = "engine"  # for the log
        while not self._stopping.is_set():
            job = self._next_job()
            model_path = self._latest_model()
            try:
                if model_path is not None:
                    self._load(model_path)
                if isinstance(job, Dictate):
                    self._dictate(job)
                elif job is not None:
                    self._run(job)
                elif model_path is None and self._own is not None:
                    self._bring_back()
            except Exception as e:  # noqa: BLE001 - what leaves `run` would reach sys.excepthook on this thread
                self._report_mistake(e, model_path, job)
        for service in (self._service, self._own[1] if self._own else None):
            if service is not None:
                service.close()

    def _next_job(self) -> TranscribeFile | Dictate | None:
        """None: look whether there is something else. A GPU's memory is told while nothing is done: others use it."""
        on_gpu = self._service is not None and self._service.on_gpu
        while True:
            try:
                idle_s = OWN_MODEL_STAYS_S if self._own is not None else IDLE_REPORT_S if on_gpu else None
                return self._jobs.get(timeout=idle_s)
            except Empty:
                if self._own is not None:
                    return None
                try:
                    self._report_memory()
                except DeviceError:  # the next job will show what that means
                    on_gpu = False

    def _latest_model(self) -> Path | None:
        path = None
        with suppress(Empty):
            while not self._stopping.is_set():
                path = self._models.get_nowait()
        return path

    def _load(self, model_path: Path) -> None:
        self._close_own()
        self._is_owed = False
        self._model_path = model_path
        if self._service is not None:
            self._service.close()  # first: two models may not fit
        self._service = self._make_service(model_path)
        for message in self._service.load():
            self._mailbox.put(message)
        self._report_memory()

    def _run(self, job: TranscribeFile) -> None:
        token = self._tokens[job.job_id]
        if token.cancelled:
            self._tell(JobCancelled(job.job_id, None))
        elif job.model not in (None, self._model_path):
            self._run_with_own(job.model, job, token)
        else:
            self._bring_back()
            if self._service is not None:
                for message in self._service.run(job, token):
                    self._tell(message)
                self._report_memory()
        del self._tokens[job.job_id]

    def _dictate(self, job: Dictate) -> None:
        """Until nothing more is heard. Other jobs wait meanwhile."""
        token = self._tokens[job.job_id]
        try:
            self._bring_back()
            if self._service is None:
                raise EngineError(Words("No model is loaded."), remedy=Words("Choose a model file."))
            for event in dictate(self._service, job, token):
                self._live_mailbox.put(LiveSaid(job.job_id, event))
            self._live_mailbox.put(LiveEnded(job.job_id))
        except Cancelled:
            self._live_mailbox.put(LiveEnded(job.job_id))
        except Exception as e:  # noqa: BLE001 - whatever it is, the dictation is told
            failure = failure_of(Path(), e)
            self._live_mailbox.put(LiveFailed(job.job_id, failure.kind, failure.message, failure.remedy))
        del self._tokens[job.job_id]
        self._report_memory()

    def _run_with_own(self, model_path: Path, job: TranscribeFile, token: CancelToken) -> None:
        """With a model nobody else is told of. The one before comes back when it is wanted, or nothing is."""
        self._tell(JobStarted(job.job_id, job.path))
        service, failure = self._load_own(model_path)
        if failure is not None:
            message = Words("The model chosen for it cannot be used. {cause}", cause=failure.message)
            remedy = Words("Choose another model for it, or transcribe it again with the one in use.")
            self._tell(JobFailed(job.job_id, job.path, failure.kind, message, remedy))
            self._bring_back()
            return
        for said in service.run(job, token):
            if not isinstance(said, ModelLoaded | JobStarted):
                self._tell(said)
        self._report_memory()

    def _load_own(self, model_path: Path) -> tuple[EngineService, ModelFailed | None]:
        if self._own is not None and self._own[0] == model_path:
            return self._own[1], None
        self._close_own()
        if self._service is not None:
            self._is_owed = self._is_owed or self._service.has_model
            self._service.close()  # first: two models may not fit
        service = self._make_service(model_path)
        self._own = model_path, service
        failures = [said for said in service.load() if isinstance(said, ModelFailed)]
        return service, failures[0] if failures else None

    def _bring_back(self) -> None:
        """The model that is in use, if one of single jobs has taken its place."""
        self._close_own()
        if self._is_owed and self._service is not None and not self._stopping.is_set():
            self._is_owed = False
            for said in self._service.load():
                self._mailbox.put(said)
            self._report_memory()

    def _close_own(self) -> None:
        if self._own is not None:
            self._own[1].close()
            self._own = None

    def _report_mistake(self, error: Exception, model_path: Path | None, job: TranscribeFile | Dictate | None) -> None:
        """The service turns every error of the engine into a message: this one is a mistake of the program's."""
        if model_path is not None:
            failure = failure_of(model_path, error)
            self._mailbox.put(ModelFailed(model_path, failure.message, failure.remedy, failure.kind))
        if isinstance(job, TranscribeFile):
            failure = failure_of(job.path, error)
            self._tell(JobFailed(job.job_id, job.path, failure.kind, failure.message, failure.remedy))

    def _tell(self, message: JobMessage | ModelLoaded) -> None:
        record = self.record
        if record is not None and not isinstance(message, ModelLoaded):
            record(message)
        self._mailbox.put(message)

    def _report_memory(self) -> None:
        service = self._own[1] if self._own is not None else self._service
        if service is not None and (memory := service.memory()):
            self._mailbox.put(EngineMemory(memory))
