"""Told to end by the system, the program ends as if it had been closed: nothing is lost, nothing counts as a crash."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.ending import Ending
from app.session import State
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_segment
from tests.support.homes import window_environment
from tests.support.screen import wait_until
from tests.support.speech import AUDIO


class Manager:
    """Of a session, as far as `QSessionManager` matters here: it cannot be made."""

    def __init__(self, *, may_ask: bool) -> None:
        self.may_ask, self.is_cancelled = may_ask, False

    def allowsInteraction(self) -> bool:  # noqa: N802
        return self.may_ask

    def cancel(self) -> None:
        self.is_cancelled = True


def _heed_signals() -> None:
    """In the new process: what runs the tests may have been told to ignore them, as `nohup` does."""
    for name in ("SIGHUP", "SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture
def ending(application: Application, qtbot: QtBot) -> Iterator[Ending]:
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    ending = Ending(qt, application.window, application.stop)
    yield ending
    ending.release()
    ending.deleteLater()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_it_properly_in_the_middle_of_a_job(name: str, tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "state" / "whisperdesktop-ng" / "log"
    log, marker = folder / "whisperdesktop-ng.log", folder / "running.json"
    command = [sys.executable, "-m", "app", "open", str(AUDIO / "librivox_0870.wav")]
    with subprocess.Popen(command, env=window_environment(tmp_path), preexec_fn=_heed_signals) as process:
        try:
            wait_until(lambda: log.exists() and "job 1 begins" in log.read_text(), "nothing runs", pause_s=0.02)
            assert marker.exists()
            process.send_signal(getattr(signal, name))
            assert process.wait(60) == 0
        finally:
            process.kill()
    text = log.read_text()
    assert f"told to end by {name}" in text
    assert text.rstrip().endswith("ended")
    assert not marker.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_after_a_native_crash_the_next_start_knows(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "state" / "whisperdesktop-ng" / "log"
    log, marker = folder / "whisperdesktop-ng.log", folder / "running.json"

    def run_until(crash: int, n_starts: int) -> int:
        with subprocess.Popen([sys.executable, "-m", "app"], env=window_environment(tmp_path)) as process:
            wait_until(lambda: marker.exists() and log.read_text().count("loaded in") == n_starts, "it does not start")
            process.send_signal(crash)
            return process.wait(60)

    assert run_until(signal.SIGSEGV, 1) == -signal.SIGSEGV
    assert "Segmentation fault" in (folder / "whisperdesktop-ng.fault.txt").read_text()
    assert run_until(signal.SIGTERM, 2) == 0
    assert log.read_text().count("did not end properly") == 1
    assert not marker.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_nohup_has_switched_off_stays_off(application: Application, qtbot: QtBot) -> None:
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ending = Ending(qt, application.window, application.stop)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
        ending.release()
        ending.deleteLater()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_end_of_the_session_saves_everything(application: Application, ending: Ending, qtbot: QtBot) -> None:
    application.window.show()
    [recording] = application.recordings.model.add([Path("/talk.mp3")], TranscribeOptions())
    recording.transcript.append(make_segment(0))
    recording.state = State.DONE
    application.window.recordings_are_kept = True
    manager = Manager(may_ask=True)
    ending._on_session_end(manager)  # type: ignore[arg-type]
    assert not manager.is_cancelled
    ending._on_quit()
    assert application.thread_.isFinished() or not application.thread_.isRunning()


def test_what_would_be_lost_keeps_the_session_from_ending(
    application: Application, ending: Ending, qtbot: QtBot
) -> None:
    application.window.show()
    [recording] = application.recordings.model.add([Path("/talk.mp3")], TranscribeOptions())
    recording.transcript.append(make_segment(0))
    recording.state = State.DONE
    manager = Manager(may_ask=True)
    ending._on_session_end(manager)  # type: ignore[arg-type]
    assert manager.is_cancelled
    [box] = application.window.findChildren(QMessageBox)
    assert "not saved" in box.text()
    box.reject()
    ending._on_session_end(Manager(may_ask=False))  # type: ignore[arg-type]
    assert application.window.isVisible()


def test_what_is_being_typed_is_taken_over(application: Application, qtbot: QtBot) -> None:
    window = application.window
    window.show()
    [recording] = application.recordings.model.add([Path("/talk.mp3")], TranscribeOptions())
    recording.transcript.append(make_segment(0))
    recording.state = State.DONE
    window.recordings_are_kept = True
    window.recordings_view.select(recording)
    window.page.view.edit_current()
    [edit] = window.page.view.findChildren(type(window.page.view.focusWidget()))
    edit.setPlainText("Typed last")
    window.close()
    assert recording.transcript.segments[0].text.strip() == "Typed last"
