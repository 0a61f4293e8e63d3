import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine.background import Background


def test_the_result_comes_back_to_this_thread(qtbot: QtBot) -> None:
    background = Background()
    worked_on: list[int] = []
    came: list[tuple[str, int]] = []

    def work() -> str:
        worked_on.append(threading.get_ident())
        return "result"

    background.run(work, lambda value: came.append((value, threading.get_ident())), came.append)
    qtbot.waitUntil(lambda: bool(came))
    assert came == [("result", threading.get_ident())]
    assert worked_on != [threading.get_ident()]


def test_what_goes_wrong_comes_back_too(qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    background = Background()
    came: list[Exception] = []
    background.run((tmp_path / "gone").read_bytes, lambda _: None, came.append)
    qtbot.waitUntil(lambda: len(came) == 1)
    assert isinstance(came[0], FileNotFoundError)
    assert caplog.text == ""  # the user is told; it is no mistake of the program's
    background.run(lambda: {}["no such key"], lambda _: None, came.append)
    qtbot.waitUntil(lambda: len(came) == 2)
    assert isinstance(came[1], KeyError)
    assert "no such key" in caplog.text
