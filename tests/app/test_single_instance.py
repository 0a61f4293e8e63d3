"""A second start: its files go to the first, which is never more than one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.paths import APP_ID
from app.single_instance import SingleInstance
from tests.support.homes import HOMES, window_environment
from tests.support.program import ROOT
from tests.support.screen import wait_until

CLAIM = "import sys; from pathlib import Path; from PySide6.QtCore import QCoreApplication; "
CLAIM += "from app.single_instance import SingleInstance; app = QCoreApplication([]); "
CLAIM += "one = SingleInstance(Path(sys.argv[1])); "


@pytest.fixture
def first(tmp_path: Path, qtbot: QtBot) -> Iterator[SingleInstance]:
    first = SingleInstance(tmp_path / "data")
    assert first.claim()
    yield first
    first.release()


def another(folder: Path, code: str, *args: str) -> subprocess.Popen[str]:
    """Another process's start."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CLAIM + code, str(folder), *args]
    return subprocess.Popen(command, env=environment, cwd=folder.parent, stdout=subprocess.PIPE, encoding="utf-8")


def test_files_of_a_second_start_arrive_whole(first: SingleInstance, tmp_path: Path, qtbot: QtBot) -> None:
    names = ["talk 录音.mp3", b"\xff\xfe.wav".decode("utf-8", "surrogateescape"), "/elsewhere/a\nb.wav"]
    code = "print(one.claim(), one.hand_over([Path(name) for name in sys.argv[2:]]))"
    with another(tmp_path / "data", code, *names) as process:
        with qtbot.waitSignal(first.paths_received, timeout=20_000) as received:
            pass
        assert process.communicate()[0].strip() == "False True"
    assert received.args == [[tmp_path / names[0], tmp_path / names[1], Path(names[2])]]


def test_dictation_is_toggled_by_another_start(first: SingleInstance, tmp_path: Path, qtbot: QtBot) -> None:
    with another(tmp_path / "data", "print(one.claim(), one.toggle_dictation())") as process:
        with qtbot.waitSignal(first.toggle_received, timeout=20_000):
            pass
        assert process.communicate()[0].strip() == "False True"


def test_a_dead_first_is_no_first(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "data").mkdir()
    with another(tmp_path / "data", "print(one.claim(), flush=True); input()") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        second = SingleInstance(tmp_path / "data")
        assert not second.claim()
        process.kill()
    assert second.claim()
    second.release()


def test_nonsense_on_the_socket_is_not_taken(first: SingleInstance, tmp_path: Path, qtbot: QtBot) -> None:
    code = (
        "from PySide6.QtNetwork import QLocalSocket; s = QLocalSocket(); s.connectToServer(one._name); "
        "s.waitForConnected(5000); s.write(b'{\"no\": [1]}\\n'); s.waitForDisconnected(5000); print('gone')"
    )
    received: list[list[Path]] = []
    first.paths_received.connect(received.append)
    with another(tmp_path / "data", code) as process:
        qtbot.waitUntil(lambda: process.poll() is not None, timeout=20_000)
    assert received == []


@pytest.mark.slow
def test_the_program_started_twice_is_one(tmp_path: Path) -> None:
    environment = window_environment(tmp_path)
    command = [sys.executable, "-m", "app"]
    with subprocess.Popen(command, env=environment) as first:
        try:
            wait_until((tmp_path / HOMES["XDG_DATA_HOME"] / APP_ID / "window.lock").exists, "it is not first")
            done = subprocess.run(
                [*command, "open", "gone.wav"], env=environment, capture_output=True, encoding="utf-8", timeout=60,
                check=False,
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, "")
            assert "it has the files" in done.stdout
            assert first.poll() is None
        finally:
            first.kill()
