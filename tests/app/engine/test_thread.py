"""The engine's thread with the real engine; stand-ins only for what a healthy engine never does."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QThread, QTimer
from pytestqt.qtbot import QtBot

from app.engine import thread as thread_module
from app.engine.messages import (
    EngineMemory,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    Message,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
    TranscribeFile,
)
from app.engine.service import EngineService
from app.engine.thread import DELIVERY_BUDGET_S, STATS_INTERVAL_MS, EngineThread, Mailbox
from app.paths import default_model
from gpu.errors import DeviceError
from gpu.types import MemoryUsage, TranscribeOptions, Words
from tests.support.engine_messages import make_stats
from tests.support.speech import LONGER, SPEECH, make_reading

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


@pytest.mark.slow
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


@pytest.mark.long
def test_a_running_job_stops_and_waiting_ones_never_start(start: Start, tmp_path: Path) -> None:
    make_reading(tmp_path / "long.wav", LONGER)
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


@pytest.mark.long
def test_jobs_with_a_model_of_their_own_load_it_once_and_leave_none_behind(start: Start, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    shutil.copy(default_model(), other)
    loads: list[Path] = []

    class Counted(EngineService):
        def load(self) -> Iterator[ModelLoading | ModelLoaded | ModelFailed]:
            loads.append(self._model_path)
            yield from super().load()

    thread, heard = start(Counted)
    thread.load(default_model())
    for number, model in enumerate((None, other, other, None, default_model(), other)):
        thread.submit(replace(job(number), model=model))
    heard.wait_for(JobFinished, 6)
    heard.wait_for(ModelLoaded, 3)  # the last time because nothing else is wanted
    used = default_model()
    assert loads == [used, other, used, other, used]
    told = [message.path for message in heard.of(ModelLoading)]
    assert told == [used] * 3
    assert [message.job_id for message in heard.of(JobStarted)] == list(range(6))


def test_a_model_of_its_own_that_is_gone_fails_that_job_alone(start: Start, tmp_path: Path) -> None:
    thread, heard = start()
    thread.load(default_model())
    thread.submit(replace(job(1), model=tmp_path / "gone.bin"))
    thread.submit(job(2))
    heard.wait_for(JobFinished)
    [failed] = heard.of(JobFailed)
    assert isinstance(failed, JobFailed)
    assert (failed.job_id, failed.kind) == (1, "ModelNotFoundError")
    assert "gone.bin" in failed.message
    assert "the one in use" in failed.remedy
    assert heard.of(ModelFailed) == []
    assert [message.job_id for message in heard.of(JobFinished)] == [2]


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


def test_statistics_come_at_a_pace_that_can_be_read_and_the_last_ones_always(qtbot: QtBot) -> None:
    """From an engine that sends them a hundred times a second, with text between them."""
    mailbox = Mailbox()
    heard: list[Message] = []
    times: list[float] = []  # of statistics

    def hear(message: Message) -> None:
        heard.append(message)
        if isinstance(message, JobStats):
            times.append(time.monotonic())

    mailbox.message.connect(hear)
    numbers = iter(range(1, 101))
    engine = QTimer(interval=10)

    def work() -> None:
        number = next(numbers, None)
        if number is None:
            engine.stop()
            return
        mailbox.put(JobStats(1, make_stats(float(number))))
        if number % 10 == 0:
            mailbox.put(JobWarning(1, str(number)))

    engine.timeout.connect(work)
    engine.start()
    qtbot.waitUntil(
        lambda: not engine.isActive() and mailbox._stats is None and mailbox._queue.empty(), timeout=TIMEOUT_MS
    )
    stats = [message.stats.audio_s for message in heard if isinstance(message, JobStats)]
    assert stats == sorted(stats)
    assert stats[-1] == 100.0
    assert min(late - early for early, late in pairwise(times)) > 0.9 * STATS_INTERVAL_MS / 1000
    assert [message.message for message in heard if isinstance(message, JobWarning)] == [
        str(n) for n in range(10, 101, 10)
    ]


@pytest.mark.parametrize(
    "end", [JobFinished(1, make_stats(9.0)), JobCancelled(1, None), JobFailed(1, SPEECH, "", "", "")]
)
def test_statistics_are_there_before_their_job_ends_and_the_next_begins_with_its_own(
    qtbot: QtBot, end: Message
) -> None:
    mailbox = Mailbox()
    heard: list[Message] = []
    mailbox.message.connect(heard.append)
    sent = [JobStats(1, make_stats(float(i))) for i in range(3)]
    following = JobStats(2, make_stats(0.5))
    mailbox.put(sent[0])
    qtbot.waitUntil(lambda: heard == sent[:1], timeout=TIMEOUT_MS)
    for message in (*sent[1:], end, JobStarted(2, SPEECH), following):
        mailbox.put(message)
    qtbot.waitUntil(lambda: len(heard) == 5, timeout=TIMEOUT_MS)
    assert heard == [sent[0], sent[2], end, JobStarted(2, SPEECH), following]


class IdleGpu:
    """A service that has nothing to do, on a GPU that others use too."""

    on_gpu = True

    def __init__(self, _path: Path) -> None:
        self.n_asked = 0

    def load(self) -> Iterator[ModelLoading]:
        yield ModelLoading(Path("model"))

    def memory(self) -> MemoryUsage:
        self.n_asked += 1
        if self.n_asked > 3:
            raise DeviceError(Words("It is gone."), remedy=Words("Restart."))
        return MemoryUsage(self.n_asked, 0, 0, 0)

    def close(self) -> None:
        pass


def test_a_gpu_s_memory_is_told_while_nothing_is_done(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_module, "IDLE_REPORT_S", 0.02)
    thread = EngineThread(IdleGpu)  # type: ignore[arg-type]
    said: list[object] = []
    thread.message.connect(said.append)
    thread.load(Path("model"))
    thread.start()
    qtbot.waitUntil(lambda: [m.memory.used for m in said if isinstance(m, EngineMemory)] == [1, 2, 3])
    thread.load(Path("model"))  # a GPU that fails meanwhile does not end the thread
    qtbot.waitUntil(lambda: sum(isinstance(m, ModelLoading) for m in said) == 2)
    thread.stop()
