"""The status panel tells the truth within a second, whether or not the engine says anything."""

import logging
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app import __version__, status_meter
from app.application import Application
from app.engine.messages import JobFinished, JobLanguage, JobStarted, JobStats, ModelFailed, ModelLoaded
from app.settings import Settings
from gpu.types import DeviceInfo, ModelInfo, TranscribeOptions, Words
from tests.support.engine_messages import MEMORY, make_stats
from tests.support.speech import AUDIO

MODEL = ModelInfo("ggml-base-q5_1", "base", "Q5_1", 59_707_625, is_multilingual=True, load_s=0.5)
CPU = DeviceInfo("cpu", "Intel Xeon", Words("No NVIDIA driver was found"))
GPU = DeviceInfo("cuda", "RTX 4090", Words("As requested"))
SECOND_MS = 1000


@pytest.fixture
def shown(application: Application) -> Application:
    """On the screen; its engine is not started: the test speaks for it."""
    application.window.show()
    return application


def say(application: Application, message: object) -> None:
    application.thread_.message.emit(message)


def test_memory_of_the_cpu_is_measured_while_nobody_speaks(shown: Application, qtbot: QtBot) -> None:
    panel = shown.window.status_panel
    say(shown, ModelLoaded(MODEL, CPU))
    qtbot.waitUntil(lambda: len(panel.graph.samples) >= 1, timeout=3 * SECOND_MS)
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    qtbot.waitUntil(
        lambda: abs(panel.graph.samples[-1].used - psutil.Process().memory_info().rss) < 50_000_000,
        timeout=3 * SECOND_MS,
    )
    assert panel.graph.samples[-1].used > 300_000_000
    assert f"of {psutil.virtual_memory().total / 1e9:.1f}" in panel.memory.text()
    del ballast


def test_memory_of_a_gpu_is_what_its_own_thread_says(shown: Application, qtbot: QtBot) -> None:
    panel = shown.window.status_panel
    say(shown, ModelLoaded(MODEL, GPU))
    panel.show_memory(MEMORY)
    qtbot.waitUntil(lambda: len(panel.graph.samples) >= 2, timeout=3 * SECOND_MS)
    assert set(panel.graph.samples) == {MEMORY}
    say(shown, ModelFailed(Path("/m.bin"), Words("a"), Words("b"), "DamagedModelError"))
    assert panel.device.text() == "–"


def test_a_run_is_shown_as_it_is_now(shown: Application, qtbot: QtBot) -> None:
    panel = shown.window.status_panel
    say(shown, ModelLoaded(MODEL, CPU))
    [recording, _] = shown.recordings.model.add([AUDIO / "jfk.wav", AUDIO / "librivox_0880.wav"], TranscribeOptions())
    shown.window.recordings_view.select(recording)
    say(shown, JobStarted(recording.job_id, recording.path))
    say(shown, JobLanguage(recording.job_id, "en", 0.99))
    stats = replace(make_stats(40.0, 400.0), n_windows=14, n_fallbacks=3, n_decoded=1234)
    say(shown, JobStats(recording.job_id, stats))
    shown.recordings._deliver()
    qtbot.waitUntil(lambda: "per second" in panel.tokens.text(), timeout=3 * SECOND_MS)
    assert panel.tokens.text().endswith("1,234 so far")
    assert panel.fallbacks.text() == "3 in 14 windows"
    assert panel.speed.text().startswith("0.25 (4.0× faster than real time)\nnow ")
    qtbot.waitUntil(lambda: panel.queue.text().startswith("1 waiting · 6:"), timeout=3 * SECOND_MS)
    assert "min left" in panel.queue.text()
    say(shown, JobFinished(recording.job_id, stats))
    shown.recordings._deliver()
    assert "now" not in panel.speed.text()
    assert panel.tokens.text() == "1,234 so far"


def test_everything_can_be_copied_for_a_bug_report(shown: Application, qtbot: QtBot) -> None:
    panel = shown.window.status_panel
    say(shown, ModelLoaded(MODEL, CPU))
    panel.copy.click()
    text = QGuiApplication.clipboard().text()
    assert text.startswith(f"WhisperDesktop NG {__version__}, 20")
    for line in ("Device: CPU · Intel Xeon", "    No NVIDIA driver was found", "Queue: nothing waits", "Fallbacks: –"):
        assert line in text.splitlines()
    assert panel.copy.text() == "Copied"


def test_details_are_remembered(shown: Application, tmp_path: Path) -> None:
    panel = shown.window.status_panel
    assert not panel.tokens.isVisible()
    panel.details.click()
    assert panel.tokens.isVisible()
    assert panel.details.text() == "Fewer details"
    assert Settings(tmp_path / "window.ini").status_details


def test_the_panel_gives_way_in_a_small_window(shown: Application, qtbot: QtBot) -> None:
    window = shown.window
    window.status_panel.details.click()
    say(
        shown,
        ModelLoaded(replace(MODEL, name="a-model-with-quite-a-long-name-large-v3-turbo"), replace(CPU, name="x" * 60)),
    )
    window.resize(880, 560)
    qtbot.waitUntil(lambda: window.height() == 560)
    assert window.minimumSizeHint().height() <= 560
    assert window.recordings_view.height() >= 100
    for button in (window.status_panel.details, window.status_panel.copy):
        assert button.visibleRegion().boundingRect() == button.rect()
        assert button.height() >= button.fontMetrics().height()
    window.resize(1080, 900)
    panel = window.status_panel
    qtbot.waitUntil(lambda: panel.queue.visibleRegion().boundingRect().height() == panel.queue.height())


def test_the_machine_s_sleep_is_in_the_log(
    shown: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slept = status_meter.slept_s()
    monkeypatch.setattr(status_meter, "slept_s", lambda: slept + 3600)
    shown._meter.look()
    shown._meter.look()
    assert [r.getMessage() for r in caplog.records if r.name == "app.status_meter"] == [
        "the machine was asleep for 3600 s"
    ]
