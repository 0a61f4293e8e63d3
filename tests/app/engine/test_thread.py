"""The engine's thread with the real engine; stand-ins only for what a healthy engine never does."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.engine.messages import (
    EngineMemory,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobSegment,
    JobStarted,
    JobWarning,
    Message,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
    TranscribeFile,
)
from app.engine.service import EngineService
from app.engine.thread import DELIVERY_BUDGET_S, EngineThread, Mailbox
from app.paths import default_model
from gpu.types import MemoryUsage, TranscribeOptions
from tests.support.speech import SPEECH, make_reading

TIMEOUT_MS = 400_000


class Listener:
    """Keeps what a thread says."""

    def __init__(self, thread: EngineThread, qtbot: QtBot) -> None:
        self.messages: list[Message] = []
        self.threads: set[QThread] = set()
        self._qtbot = qtbot
        thread.message.connect(self._hear)

    def _hear(self, message: Message) -> None:
        self.messages.append(message)
        self.threads.add(QThread.currentThread())

    def of(self, *kinds: type) -> list[Message]:
        return [message for message in self.messages if isinstance(message, kinds)]

    def wait_for(self, kind: type, count: int = 1) -> None:
        self._qtbot.waitUntil(lambda: len(self.of(kind)) >= count, timeout=TIMEOUT_MS)


Start = Callable[..., tuple[EngineThread, Listener]]


@pytest.fixture
def start(qtbot: QtBot) -> Iterator[Start]:
    """Starts a thread with a listener; ends it after the test."""
    threads: list[EngineThread] = []

    def start(make_service: Callable[[Path], EngineService] = EngineService) -> tuple[EngineThread, Listener]:
        thread = EngineThread(make_service)
        listener = Listener(thread, qtbot)
        threads.append(thread)
        thread.start()
        return thread, listener

    yield start
    for thread in threads:
        thread.stop()
        assert thread.isFinished()


def job(job_id: int, path: Path = SPEECH) -> TranscribeFile:
    return TranscribeFile(job_id, path, TranscribeOptions(language="en"))


def test_jobs_are_done_in_order_and_heard_on_this_thread(start: Start, tmp_path: Path) -> None:
    thread, heard = start()
    thread.load(default_model())
    thread.submit(job(1))
    thread.submit(job(2, tmp_path / "gone.wav"))
    thread.submit(job(3))
    heard.wait_for(JobFinished, 2)
    outcomes = heard.of(JobStarted, JobFinished, JobFailed)
    assert [(type(message).__name__, message.job_id) for message in outcomes] == [
        ("JobStarted", 1),
        ("JobFinished", 1),
        ("JobStarted", 2),
        ("JobFailed", 2),
        ("JobStarted", 3),
        ("JobFinished", 3),
    ]
    assert [type(message) for message in heard.messages[:3]] == [ModelLoading, ModelLoaded, EngineMemory]
    text = "".join(message.segment.text for message in heard.of(JobSegment) if message.job_id == 1)
    assert "disposed young man" in text.lower()
    assert heard.threads == {QThread.currentThread()}


@pytest.mark.slow
def test_a_running_job_stops_and_waiting_ones_never_start(start: Start, tmp_path: Path) -> None:
    make_reading(tmp_path / "long.wav")
    thread, heard = start()
    thread.load(default_model())
    thread.submit(job(1, tmp_path / "long.wav"))
    thread.submit(job(2))
    heard.wait_for(JobSegment)
    thread.cancel(2)
    thread.cancel(1)
    thread.cancel(99)  # nobody's
    heard.wait_for(JobCancelled, 2)
    assert [message.job_id for message in heard.of(JobCancelled)] == [1, 2]
    assert [message.job_id for message in heard.of(JobStarted)] == [1]
    assert heard.of(JobFinished) == []


def test_stop_ends_a_run_at_once(start: Start, tmp_path: Path) -> None:
    make_reading(tmp_path / "long.wav")
    thread, heard = start()
    thread.load(default_model())
    thread.submit(job(1, tmp_path / "long.wav"))
    thread.submit(job(2))
    heard.wait_for(JobStarted)
    started = time.perf_counter()
    thread.stop()
    assert thread.isFinished()
    assert time.perf_counter() - started < 2.0  # 0.2 s on a machine that does nothing else


def test_a_new_model_is_loaded_before_jobs_that_wait(start: Start, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"no model at all")
    thread, heard = start()
    thread.load(default_model())
    heard.wait_for(ModelLoaded)
    thread.submit(job(1))
    thread.submit(job(2))
    thread.load(broken)
    heard.wait_for(ModelFailed)
    heard.wait_for(JobFailed)
    failed = heard.of(ModelFailed)[0]
    assert failed.path == broken
    assert failed.kind == "UnknownModelFormatError"
    assert failed.remedy
    order = heard.of(JobFinished, ModelFailed, JobFailed)
    assert order.index(failed) <= 1
    assert [message.job_id for message in heard.of(JobFailed)][-1] == 2


def test_only_the_latest_of_several_models_is_loaded(start: Start, tmp_path: Path) -> None:
    thread, heard = start()
    thread.submit(job(1, tmp_path / "gone.wav"))
    thread.load(tmp_path / "first.bin")
    thread.load(default_model())
    heard.wait_for(ModelLoaded)
    assert len(heard.of(ModelLoading)) <= 2
    assert heard.of(ModelLoaded)[-1].model.name == default_model().stem


class BrokenService(EngineService):
    """Makes a mistake no engine should."""

    def memory(self) -> MemoryUsage | None:
        raise ZeroDivisionError("a mistake")


@pytest.mark.slow
def test_a_mistake_is_told_and_the_thread_goes_on(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    thread, heard = start(BrokenService)
    thread.load(default_model())
    heard.wait_for(ModelFailed)
    assert heard.of(ModelFailed)[0].kind == "InternalError"
    assert "a mistake" in heard.of(ModelFailed)[0].message
    thread.submit(job(1))
    heard.wait_for(JobFailed)
    assert heard.of(JobFailed)[0].kind == "InternalError"
    assert "ZeroDivisionError" in caplog.text
    assert thread.isRunning()


def test_a_flood_of_messages_arrives_whole_in_order_and_in_small_batches(qtbot: QtBot) -> None:
    mailbox = Mailbox()
    heard: list[str] = []
    batches: list[int] = []
    spent: list[float] = []
    started = [time.thread_time()]

    def hear(message: JobWarning) -> None:
        if len(heard) == sum(batches):
            started[0] = time.thread_time()
        heard.append(message.message)

    def end_batch() -> None:
        batches.append(len(heard) - sum(batches))
        spent.append(time.thread_time() - started[0])

    mailbox.message.connect(hear)
    mailbox.delivered.connect(end_batch)
    n = 30_000
    producer = threading.Thread(target=lambda: [mailbox.put(JobWarning(1, str(i))) for i in range(n)])
    producer.start()
    qtbot.waitUntil(lambda: len(heard) == n, timeout=TIMEOUT_MS)
    producer.join()
    assert heard == [str(i) for i in range(n)]
    assert len(batches) > 1
    assert max(spent) < 5 * DELIVERY_BUDGET_S
