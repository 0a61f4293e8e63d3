"""Ctrl+Shift+F: from what was said to where it was said."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.session import Recording, State
from app.widgets.search_window import SearchWindow
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.engine_messages import make_segment
from tests.support.legibility import cut_off, faint

TEXTS = [["Good morning.", "The budget is too small."], ["A budget, again.", "Nothing.", "THE BUDGET of all budgets."]]


@pytest.fixture
def recordings(application: Application, tmp_path: Path) -> list[Recording]:
    paths = [tmp_path / "monday.wav", tmp_path / "tuesday.wav"]
    recordings = application.recordings._insert(paths, TranscribeOptions())
    for recording, texts in zip(recordings, TEXTS, strict=True):
        recording.transcript.segments = [make_segment(i, text) for i, text in enumerate(texts)]
        recording.state = State.DONE
    application.window.show()
    application.window.recordings_view.select(recordings[0])
    return recordings


@pytest.fixture
def window(application: Application, recordings: list[Recording], qtbot: QtBot) -> Iterator[SearchWindow]:
    application.search.search_all.trigger()
    assert application.search.window is not None
    yield application.search.window
    application.search.window.close()


def lines(window: SearchWindow) -> list[str]:
    return [window.found.item(row).text() for row in range(window.found.count())]


def search(window: SearchWindow, text: str, qtbot: QtBot) -> None:
    window.text.clear()
    qtbot.keyClicks(window.text, text)
    qtbot.waitUntil(lambda: window.is_done)


@pytest.mark.parametrize("budget_s", [0.0, 0.006])
def test_found_shown_and_opened(
    application: Application, window: SearchWindow, budget_s: float, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.widgets.slices.BUDGET_S", budget_s)
    search(window, "budget", qtbot)
    assert lines(window) == [
        "tuesday.wav",
        "0:00  A budget, again.",
        "0:06  THE BUDGET of all budgets.",
        "monday.wav",
        "0:03  The budget is too small.",
    ]
    assert "3" in window._count.text()
    for _ in range(2):
        qtbot.keyClick(window, Qt.Key.Key_Down)
    qtbot.keyClick(window.found, Qt.Key.Key_Return)
    assert application.window.current is application.session.recordings[0]
    assert application.window.page.view.selected_rows == [1]


def test_what_lies_over_the_text_goes(application: Application, window: SearchWindow, qtbot: QtBot) -> None:
    application.dictating.show()
    search(window, "small", qtbot)
    qtbot.keyClick(window.text, Qt.Key.Key_Return)
    assert application.window.page.isVisible()
    assert not application.dictating.panel.isVisible()


def test_nothing_is_said_to_be_nothing(window: SearchWindow, qtbot: QtBot) -> None:
    search(window, "minister", qtbot)
    assert lines(window) == []
    assert "No recording" in window._hint.text()
    search(window, " ", qtbot)
    assert "Type what was said" in window._hint.text()


def test_too_many_are_cut_and_told(window: SearchWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.search_desk.MOST_HITS", 2)
    search(window, "budget", qtbot)
    assert len(lines(window)) == 3
    assert "first 2" in window._count.text()


def test_a_recording_that_was_removed_meanwhile_is_not_opened(
    application: Application, window: SearchWindow, recordings: list[Recording], qtbot: QtBot
) -> None:
    search(window, "small", qtbot)
    application.remove(recordings[0])
    qtbot.keyClick(window.text, Qt.Key.Key_Return)
    assert application.window.current is recordings[1]


def test_everybody_can_use_and_read_it(window: SearchWindow, qtbot: QtBot) -> None:
    for text in ("", "budget"):
        search(window, text, qtbot)
        assert missing(window) == []
        assert cut_off(window) == []
        assert faint(window) == []
