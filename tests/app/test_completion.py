"""What the desktop is told when all recordings are through, on a real bus with a service that prints it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtDBus import QDBusConnection
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot

from app.application import Application
from app.desktop_notifications import DesktopNotifications
from app.engine.messages import JobFailed, JobFinished
from app.session import Recording
from gpu.types import Words
from tests.support.engine_messages import make_stats
from tests.support.program import ROOT

NAME = "whisperdesktop-test"

needs_bus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")


@pytest.fixture
def address() -> Iterator[str]:
    """Of a bus of our own."""
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert daemon.stdout is not None
    yield daemon.stdout.readline().strip()
    daemon.terminate()
    daemon.communicate()


@pytest.fixture
def bus(address: str, qtbot: QtBot) -> Iterator[QDBusConnection]:
    yield QDBusConnection.connectToBus(address, NAME)
    QDBusConnection.disconnectFromBus(NAME)


@pytest.fixture
def told(address: str) -> Iterator[Callable[[], list[object]]]:
    """What the service is told next: name, number of the one replaced, icon, title, text, actions, hints, time."""
    environment = os.environ | {"DBUS_SESSION_BUS_ADDRESS": address}
    script = str(ROOT / "tests/tools/notification_server.py")
    server = subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    output = server.stdout
    assert output.readline() == "ready\n"
    yield lambda: list(json.loads(output.readline()))
    server.terminate()
    server.communicate()


def end(application: Application, paths: list[Path], qtbot: QtBot) -> None:
    """The first is done, the others fail."""
    for path in paths:
        path.touch()
    application.add(paths)
    qtbot.waitUntil(lambda: len(application.session.recordings) == len(paths))
    first, *others = application.session.recordings
    application.recordings.take(JobFinished(first.job_id, make_stats(60.0)))
    for recording in others:
        fail(application, recording)
    application.thread_.delivered.emit()


def fail(application: Application, recording: Recording) -> None:
    words = Words("It is no recording."), Words("Take another.")
    application.recordings.take(JobFailed(recording.job_id, recording.path, "UndecodableAudioError", *words))


@needs_bus
def test_the_end_of_all_is_told_and_a_click_brings_the_window(
    application: Application, bus: QDBusConnection, told: Callable[[], list[object]], tmp_path: Path, qtbot: QtBot
) -> None:
    completion = application.completion
    completion.use(DesktopNotifications(QIcon(), bus, completion))
    with qtbot.waitSignal(completion.raise_wanted):
        end(application, [tmp_path / f"{number}.wav" for number in range(3)], qtbot)
    assert application.window.isVisible()
    assert application.window.message_bar.text.splitlines()[:2] == [
        "Recordings that could not be transcribed: 2",
        "1.wav, 2.wav",
    ]
    application.window.hide()
    name, replaces, icon, title, text, actions, hints, timeout = told()
    assert (name, replaces, icon, timeout) == ("WhisperDesktop NG", 0, "whisperdesktop-ng", -1)
    assert (title, text) == ("All recordings are through", "Done: 1 · failed: 2")
    assert (actions, hints) == (["default", "WhisperDesktop NG"], {"desktop-entry": "whisperdesktop-ng"})
    with qtbot.waitSignal(completion.raise_wanted):
        fail(application, application.session.recordings[1])
        application.thread_.delivered.emit()
    _, replaces, _, title, text, *_ = told()
    assert (replaces, title, text) == (1, "The recording could not be transcribed", "1.wav")


@needs_bus
def test_names_of_files_are_not_taken_for_markup(
    bus: QDBusConnection, told: Callable[[], list[object]], qtbot: QtBot
) -> None:
    notifications = DesktopNotifications(QIcon(), bus)
    with qtbot.waitSignal(notifications.clicked):
        notifications.show("Done", "<b>R&B</b>.mp3")
    assert told()[4] == "&lt;b&gt;R&amp;B&lt;/b&gt;.mp3"


@needs_bus
def test_without_a_service_the_user_who_wants_it_is_told(
    application: Application, bus: QDBusConnection, qtbot: QtBot
) -> None:
    if QSystemTrayIcon.isSystemTrayAvailable():
        pytest.skip("there is a tray")
    application.completion.use(DesktopNotifications(QIcon(), bus, application.completion))
    application.window.show()
    action = application.window.actions_.notify
    assert action.isChecked()
    action.trigger()
    with qtbot.waitSignal(application.completion.unavailable):
        action.trigger()
    assert "no notifications" in application.window.message_bar.text


@pytest.mark.parametrize("wanted", [True, False])
def test_nothing_is_told_to_who_looks_at_the_window_or_does_not_want_it(
    application: Application, wanted: bool, tmp_path: Path, qtbot: QtBot
) -> None:
    shown: list[str] = []
    notifications = DesktopNotifications(QIcon(), None, application.completion)
    notifications.unavailable.connect(lambda: shown.append("something"))
    application.completion.use(notifications)
    application.window.actions_.notify.setChecked(wanted)
    shown.clear()
    if wanted:
        application.window.show()
        application.window.activateWindow()
        qtbot.waitUntil(application.window.isActiveWindow)
    end(application, [tmp_path / "a.wav"], qtbot)
    assert not shown
