"""The program's window with the real engine and the shipped model, drawn nowhere."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.messages import JobFinished, JobSegment, JobStarted, JobStats
from app.paths import default_model
from app.session import Recording, State
from app.widgets.transcript_model import Column
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_segment, make_stats
from tests.support.loop_meter import LoopMeter
from tests.support.speech import AUDIO, LONGER, SPEECH, make_reading

TIMEOUT_MS = 400_000
MAX_TURN_S = 0.05


def recordings(application: Application, *names: str) -> list[Recording]:
    return [next(r for r in application.session if r.path.name == name) for name in names]


def wait_until_idle(application: Application, qtbot: QtBot, count: int) -> None:
    """Until `count` recordings are in the list and none of them runs or waits."""

    def idle() -> bool:
        return len(application.session.recordings) == count and not application.session.is_busy

    qtbot.waitUntil(idle, timeout=TIMEOUT_MS)


def wait_for_model(application: Application, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: application.window.status_panel.memory.text() != "–", timeout=TIMEOUT_MS)


def shown_text(application: Application) -> str:
    model = application.window.page.model
    return " ".join(model.index(row, Column.TEXT).data() for row in range(model.rowCount()))


@pytest.mark.slow
def test_files_and_folders_become_text(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "été 录音"
    folder.mkdir()
    (folder / "sample.wav").write_bytes(SPEECH.read_bytes())
    (folder / "notes.txt").write_text("not a recording")
    (tmp_path / "text.wav").write_text("This is no sound at all. " * 20)
    paths = [folder, tmp_path / "text.wav", tmp_path / "gone.mp3", AUDIO / "ast_fr_vm-intro.flac"]
    application.start(paths)
    wait_until_idle(application, qtbot, 4)
    good, text, gone, french = recordings(application, "sample.wav", "text.wav", "gone.mp3", "ast_fr_vm-intro.flac")
    window = application.window
    assert window.current is good
    assert "disposed young man" in shown_text(application).lower()
    assert (good.state, french.state) == (State.DONE, State.DONE)
    assert (good.transcript.language, french.transcript.language) == ("en", "fr")
    assert text.failure is not None
    assert text.failure.kind == "UndecodableAudioError"
    assert gone.failure is not None
    assert gone.failure.kind == "AudioNotFoundError"
    assert window.message_bar.isVisible()
    assert window.message_bar.severity == "error"
    panel = window.status_panel
    assert panel.device.text().startswith(("CPU · ", "GPU · "))
    assert "ggml-base-q5_1" in panel.model.text()
    assert "real time" in panel.speed.text()
    window.recordings_view.select(french)
    assert panel.language.text().startswith("French (detected")
    assert window.intake.suffixes >= {".mp3", ".wav", ".mp4"}


def test_a_copy_and_three_files_of_the_text(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    application.start([SPEECH])
    wait_until_idle(application, qtbot, 1)
    recording = application.session.recordings[0]
    window = application.window
    window.actions_.copy.trigger()
    assert "disposed young man" in QGuiApplication.clipboard().text().lower()
    for name in ("txt", "srt", "vtt"):
        window.message_bar.hide()
        application.save(recording, tmp_path / f"talk.{name}", name)
        qtbot.waitUntil(window.message_bar.isVisible)
        assert window.message_bar.severity == "info"
        assert "disposed young man" in (tmp_path / f"talk.{name}").read_text(encoding="utf-8").lower()
    assert recording.is_saved
    recording.is_saved = False
    application.save(recording, tmp_path / "no such folder" / "talk.txt", "txt")
    qtbot.waitUntil(lambda: window.message_bar.severity == "error")
    assert window.message_bar.text.startswith("talk.txt: The file could not be written")
    assert not recording.is_saved


@pytest.mark.long
def test_cancel_keeps_the_text_so_far(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    make_reading(tmp_path / "long.wav", LONGER)
    application.window.options.choose(TranscribeOptions(language="en"))
    application.start([tmp_path / "long.wav", SPEECH])
    qtbot.waitUntil(lambda: len(application.session.recordings) == 2)
    long, waiting = application.session.recordings
    qtbot.waitUntil(lambda: bool(long.transcript.segments), timeout=TIMEOUT_MS)
    application.recordings.cancel(waiting)
    assert waiting.state is State.CANCELLED
    n_segments = len(long.transcript.segments)
    application.window.actions_.cancel.trigger()
    wait_until_idle(application, qtbot, 2)
    assert long.state is State.CANCELLED
    assert long.is_partial
    assert len(long.transcript.segments) >= n_segments
    assert application.window.page._badge.isVisible()
    assert "disposed young man" in shown_text(application).lower()
    application.window.actions_.retry.trigger()  # what is there stays
    assert len(application.session.recordings) == 3
    assert long.is_partial
    assert application.window.current is application.session.recordings[2]
    application.recordings.cancel_all()
    wait_until_idle(application, qtbot, 3)


@pytest.mark.slow
def test_a_model_that_does_not_load_is_explained_and_replaced(
    application: Application, qtbot: QtBot, tmp_path: Path
) -> None:
    broken = tmp_path / "half.bin"
    broken.write_bytes(default_model().read_bytes()[: 5 << 20])
    application._settings.model = broken
    application.start([SPEECH])
    window = application.window
    wait_until_idle(application, qtbot, 1)
    recording = application.session.recordings[0]
    assert recording.state is State.FAILED
    assert window.message_bar.severity == "error"
    assert window.message_bar.text.startswith("half.bin: The model file is damaged")
    assert window.message_bar._action.text() == "Choose model file…"
    assert window.status_panel.model.text() == "half.bin could not be loaded"
    window.model_chosen.emit(default_model())
    qtbot.waitUntil(lambda: recording.state is State.DONE, timeout=TIMEOUT_MS)
    assert not window.message_bar.isVisible()
    assert "disposed young man" in shown_text(application).lower()
    assert application._settings.model is None  # the built-in one


def test_a_model_that_is_gone_is_replaced_by_the_built_in_one_and_that_is_said(
    application: Application, qtbot: QtBot, tmp_path: Path
) -> None:
    application._settings.model = tmp_path / "gone.bin"
    application.start([])
    window = application.window
    assert window.message_bar.isVisible()
    assert window.message_bar.severity == "warning"
    assert str(tmp_path / "gone.bin") in window.message_bar.text
    application._translation.use("zh_CN")
    qtbot.waitUntil(lambda: "内置模型" in window.message_bar.text)
    qtbot.waitUntil(lambda: "ggml-base" in window.status_panel.model.text(), timeout=TIMEOUT_MS)
    assert window.message_bar.isVisible()


@pytest.mark.slow
def test_a_model_is_remembered_once_it_has_loaded(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    copy, broken = tmp_path / "mein Modell 模型.bin", tmp_path / "broken.bin"
    copy.symlink_to(default_model())
    broken.write_text("no model")
    application.start([])
    window, settings = application.window, application._settings
    window.model_chosen.emit(copy)
    qtbot.waitUntil(lambda: window.status_panel.model.text().startswith("mein Modell"), timeout=TIMEOUT_MS)
    assert settings.model == copy
    window.model_chosen.emit(broken)
    qtbot.waitUntil(lambda: "could not be loaded" in window.status_panel.model.text(), timeout=TIMEOUT_MS)
    assert settings.model == copy
    window.actions_.built_in_model.trigger()
    qtbot.waitUntil(lambda: "ggml-base" in window.status_panel.model.text(), timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: settings.model is None, timeout=TIMEOUT_MS)


@pytest.mark.slow
def test_removing_what_runs_stops_it(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    make_reading(tmp_path / "long.wav")
    application.start([tmp_path / "long.wav"])
    qtbot.waitUntil(lambda: application.session.running is not None, timeout=TIMEOUT_MS)
    application.window.actions_.remove.trigger()
    assert application.session.recordings == []
    assert application.window.drop_area.isVisible()
    application.add([SPEECH])
    wait_until_idle(application, qtbot, 1)
    assert application.session.recordings[0].state is State.DONE


def test_an_exception_nobody_caught_is_shown_in_words(application: Application, qtbot: QtBot) -> None:
    application.start([])
    application.unexpected.emit("ZeroDivisionError: division by zero")
    assert application.window.message_bar.text.startswith("The program made a mistake\nZeroDivisionError")


@pytest.mark.turn(
    0.2
)  # forty rows are measured and painted at once, with all that is imported and drawn for the first time
def test_the_window_of_models_belongs_to_the_program(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "half.bin"
    broken.write_bytes(default_model().read_bytes()[: 1 << 20])
    application.start([])
    application.window.status_panel.model_wanted.emit()
    qtbot.waitUntil(lambda: application.models.manager is not None, timeout=TIMEOUT_MS)
    models = application.models.manager
    assert models is not None
    qtbot.waitUntil(lambda: any(row.is_current for row in models.window.disk.rows), timeout=TIMEOUT_MS)
    models.window.file_chosen.emit(broken)
    bar = models.window.message_bar
    qtbot.waitUntil(lambda: bar.text.startswith("half.bin: The model file is damaged"), timeout=TIMEOUT_MS)
    application.window.close()
    assert not models.window.isVisible()
    assert not application._settings.models_geometry.isEmpty()


def test_choices_are_remembered(application: Application, qtbot: QtBot) -> None:
    application.start([])
    window = application.window
    chosen = TranscribeOptions(language="de", task="translate", beam_size=5)
    window.options.choose(chosen, highlight_words=True)
    window.options.changed.emit()
    window.actions_.options.trigger()
    window.actions_.theme_chosen.emit("dark")
    window.resize(900, 600)
    window.close()
    settings = application._settings
    assert (settings.options, settings.highlight_words, settings.theme) == (chosen, True, "dark")
    assert settings.options_shown
    assert not settings.geometry.isEmpty()


@pytest.mark.slow
def test_options_reach_the_recording_and_its_files(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    """Two channels, every word timed, and marked in the subtitles."""
    samples, rate = soundfile.read(SPEECH, dtype="float32")
    stereo = tmp_path / "stereo.wav"
    soundfile.write(stereo, np.stack([np.zeros_like(samples), samples], axis=1), rate)
    panel = application.window.options.panel
    for switch in (panel.split_channels, panel.word_timestamps, panel.highlight):
        qtbot.keyClick(switch, Qt.Key.Key_Space)
    application.start([stereo])
    wait_until_idle(application, qtbot, 1)
    (recording,) = application.session.recordings
    assert recording.options == TranscribeOptions(split_channels=True, word_timestamps=True)
    assert shown_text(application).startswith("Speaker 2: ")
    assert all(segment.words for segment in recording.transcript.segments)
    application.save(recording, tmp_path / "stereo.srt", "srt")
    qtbot.waitUntil((tmp_path / "stereo.srt").exists)
    assert "<u>" in (tmp_path / "stereo.srt").read_text("utf-8")


@pytest.fixture
def meter(qtbot: QtBot) -> Iterator[LoopMeter]:
    meter = LoopMeter()
    yield meter
    meter.stop()


def test_the_meter_sees_a_window_that_is_held_up(meter: LoopMeter, qtbot: QtBot) -> None:
    def hold_up() -> None:
        end = time.thread_time() + 0.08
        while time.thread_time() < end:
            pass

    meter.start()
    QTimer.singleShot(20, hold_up)
    qtbot.waitUntil(lambda: meter.n_ticks > 20)
    assert meter.longest_s > 0.07


@pytest.mark.slow
def test_a_run_never_holds_up_the_window(
    application: Application, meter: LoopMeter, qtbot: QtBot, tmp_path: Path
) -> None:
    """During a real run, while the user selects, scrolls and resizes, no turn of the loop takes 50 ms of CPU time."""
    make_reading(tmp_path / "long.wav")
    application.window.options.choose(TranscribeOptions(language="en"))
    application.start([])
    wait_for_model(application, qtbot)
    meter.start()
    application.add([SPEECH, tmp_path / "long.wav"])
    qtbot.waitUntil(lambda: len(application.session.recordings) == 2, timeout=TIMEOUT_MS)
    short, long = application.session.recordings
    window = application.window
    restless = QTimer(interval=300)
    turn = iter(range(1_000_000))

    def act() -> None:
        step = next(turn)
        window.recordings_view.select((long, short)[step % 2])
        window.resize(1000 + 40 * (step % 5), 700)
        window.page.view.verticalScrollBar().setValue(0)

    restless.timeout.connect(act)
    restless.start()
    qtbot.waitUntil(lambda: len(long.transcript.segments) > 10, timeout=TIMEOUT_MS)
    restless.stop()
    meter.stop()
    assert meter.n_ticks > 100
    assert meter.longest_s < MAX_TURN_S


def test_a_flood_of_text_never_holds_up_the_window(application: Application, meter: LoopMeter, qtbot: QtBot) -> None:
    """Hours of text within a second, as a job that is taken up again would send it."""
    application.start([])
    wait_for_model(application, qtbot)
    (recording,) = application.recordings.model.add([SPEECH], TranscribeOptions())
    application.window.recordings_view.select(recording)
    qtbot.wait(50)
    meter.start()
    n_segments = 3000
    put = application.thread_._mailbox.put
    put(JobStarted(recording.job_id, SPEECH))
    for number in range(n_segments):
        put(JobSegment(recording.job_id, make_segment(number)))
        if number % 10 == 0:
            put(JobStats(recording.job_id, make_stats(3.0 * number, 15_000.0)))
    meter._last = time.thread_time()  # the putting was not the window's work
    put(JobFinished(recording.job_id, make_stats(15_000.0, 15_000.0)))
    view = application.window.page.view
    qtbot.waitUntil(lambda: recording.state is State.DONE and not view._unmeasured, timeout=TIMEOUT_MS)
    meter.stop()
    assert application.window.page.model.rowCount() == n_segments
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()
    assert meter.longest_s < MAX_TURN_S


def test_figures_many_times_a_second_repaint_few_times(
    application: Application, meter: LoopMeter, qtbot: QtBot
) -> None:
    """Statistics every 20 ms, as a fast engine sends them, through the thread's mailbox."""
    application.start([])
    wait_for_model(application, qtbot)
    (recording,) = application.recordings.model.add([SPEECH], TranscribeOptions())
    window, put = application.window, application.thread_._mailbox.put
    window.recordings_view.select(recording)
    put(JobStarted(recording.job_id, SPEECH))
    shown: list[tuple[int, str]] = []
    application.thread_.delivered.connect(lambda: shown.append((window.page.progress.value(), panel_text())))

    def panel_text() -> str:
        return window.status_panel.memory.text() + window.status_panel.speed.text()

    numbers = iter(range(1, 101))
    engine = QTimer(interval=20)

    def work() -> None:
        number = next(numbers, None)
        if number is None:
            engine.stop()
        else:
            put(JobStats(recording.job_id, make_stats(float(number), 1000.0, processing_s=float(number % 7 + 1))))

    engine.timeout.connect(work)
    started = time.monotonic()
    meter.start()
    engine.start()
    qtbot.waitUntil(lambda: window.page.progress.value() == 100, timeout=TIMEOUT_MS)
    elapsed_s = time.monotonic() - started
    put(JobFinished(recording.job_id, make_stats(1000.0, 1000.0, processing_s=500.0)))
    qtbot.waitUntil(lambda: recording.state is State.DONE, timeout=TIMEOUT_MS)
    meter.stop()
    n_changes = sum(early != late for early, late in pairwise(shown))
    assert 2 < n_changes <= 6 * elapsed_s + 3, "the run's four times a second, and the meter's two"
    assert window.status_panel.speed.text() == "0.50 (2.0× faster than real time)"
    assert meter.longest_s < MAX_TURN_S
