"""The queue with the real engine: paused, gone on with, and there again when the program is started next."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.document.auto_save import SaveRule
from app.session import Recording, State
from app.settings import Settings
from gpu.types import TranscribeOptions
from tests.support.speech import AUDIO, ENGLISH, SPEECH, make_reading, reading_errors

TIMEOUT_MS = 400_000
TWICE = 2 * ENGLISH
MOST_ERRORS = 2.0  # percent; none where it is transcribed at once

Start = Callable[..., Application]


@pytest.fixture
def start(application: Application, tmp_path: Path, qtbot: QtBot) -> Iterator[Start]:
    """Starts the program, as often as wanted, with the same list of recordings."""
    started: list[Application] = []

    def start(*paths: Path) -> Application:
        program = Application(Settings(tmp_path / "window.ini")) if started else application
        started.append(program)
        program.window.options.choose(TranscribeOptions(language="en"))
        program.start(list(paths), tmp_path / "recordings.sqlite")
        qtbot.waitUntil(lambda: program.recordings.are_kept)
        return program

    yield start
    for program in started[1:]:
        program.stop()
        program.window.deleteLater()


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    """Three minutes: the first text is there long before the last."""
    make_reading(tmp_path / "reading.wav", TWICE)
    return tmp_path / "reading.wav"


def only(program: Application, qtbot: QtBot) -> Recording:
    qtbot.waitUntil(lambda: len(program.session.recordings) == 1)
    return program.session.recordings[0]


def wait_for_settled_text(recording: Recording, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: recording.stats is not None and recording.stats.n_segments > 0, timeout=TIMEOUT_MS)


@pytest.mark.slow
def test_paused_and_resumed_goes_on_behind_its_text(start: Start, reading: Path, qtbot: QtBot) -> None:
    program = start(reading)
    recording = only(program, qtbot)
    page = program.window.page
    wait_for_settled_text(recording, qtbot)
    page.pause.click()
    qtbot.waitUntil(lambda: recording.state is State.PAUSED, timeout=TIMEOUT_MS)
    assert not program.session.is_busy
    assert page.resume.isVisible()
    assert not page.pause.isVisible()
    assert recording.stats is not None
    before, settled_s = recording.transcript.segments[: recording.stats.n_segments], recording.stats.settled_s
    assert before
    page.resume.click()
    assert page.model.rowCount() == len(before)
    qtbot.waitUntil(lambda: len(recording.transcript.segments) > len(before), timeout=TIMEOUT_MS)
    program.recordings.cancel(recording)  # that nothing is lost to its end: tests/app/test_window_killed.py
    qtbot.waitUntil(lambda: recording.state is State.CANCELLED, timeout=TIMEOUT_MS)
    segments = recording.transcript.segments
    assert segments[: len(before)] == before
    assert [segment.id for segment in segments] == list(range(len(segments)))
    assert all(segment.start >= settled_s for segment in segments[len(before) :])


@pytest.mark.long
def test_what_was_not_done_goes_on_at_the_next_start(start: Start, reading: Path, qtbot: QtBot) -> None:
    first = start(reading)
    recording = only(first, qtbot)
    wait_for_settled_text(recording, qtbot)
    first.stop()
    second = start()
    again = only(second, qtbot)
    assert again.state in (State.WAITING, State.RUNNING)
    before = list(again.transcript.segments)
    assert before
    assert before == recording.transcript.segments[: len(before)]
    assert second.window.current is again
    qtbot.waitUntil(lambda: again.state is State.DONE, timeout=TIMEOUT_MS)
    assert again.transcript.segments[: len(before)] == before
    assert reading_errors(again.transcript.text, TWICE).percent <= MOST_ERRORS
    second.stop()
    third = start(SPEECH)
    qtbot.waitUntil(lambda: len(third.session.recordings) == 2)
    done, new = third.session.recordings
    assert (done.state, done.transcript.segments) == (State.DONE, again.transcript.segments)
    assert new.job_id > done.job_id
    qtbot.waitUntil(lambda: new.state is State.DONE, timeout=TIMEOUT_MS)


def test_a_waiting_one_is_paused_cancelled_and_removed(start: Start, reading: Path, qtbot: QtBot) -> None:
    program = start(reading, SPEECH)
    qtbot.waitUntil(lambda: len(program.session.recordings) == 2)
    first, waiting = program.session.recordings
    program.recordings.pause(waiting)
    assert waiting.state is State.PAUSED
    program.recordings.pause(first)
    qtbot.waitUntil(lambda: first.state is State.PAUSED, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: not program.session.is_busy)
    program.recordings.cancel(waiting)
    assert waiting.state is State.CANCELLED
    program.remove(waiting)
    program.stop()
    again = only(start(), qtbot)
    assert (again.state, again.path) == (State.PAUSED, reading)


@pytest.mark.long
def test_what_waits_is_done_in_the_order_of_the_list(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    program = start(*(SPEECH, AUDIO / "librivox_0870.wav", AUDIO / "librivox_0890.wav"))
    qtbot.waitUntil(lambda: len(program.session.recordings) == 3)
    done: list[Recording] = []
    program.recordings.finished.connect(lambda recording, _message: done.append(recording))
    first, second, third = program.session.recordings
    program.window.recordings_view.select(third)
    actions = program.window.actions_
    assert not actions.move_down.isEnabled()
    actions.move_up.trigger()
    assert program.session.recordings == [first, third, second]
    assert program.window.current is third
    qtbot.waitUntil(lambda: len(done) == 3, timeout=TIMEOUT_MS)
    assert done == [first, third, second]
    program.stop()
    again = start()
    qtbot.waitUntil(lambda: len(again.session.recordings) == 3)
    assert [r.path for r in again.session] == [r.path for r in (first, third, second)]


@pytest.mark.slow
def test_a_text_is_saved_by_itself_when_it_is_done(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    Settings(tmp_path / "window.ini").save_rule = SaveRule(("srt", "txt"), tmp_path / "texts", "{name} {language}")
    program = start(SPEECH)
    recording = only(program, qtbot)
    qtbot.waitUntil(lambda: recording.is_saved, timeout=TIMEOUT_MS)
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == [
        "librivox_0880 en.srt", "librivox_0880 en.txt",
    ]  # fmt: skip
    assert "librivox_0880 en" in program.window.message_bar.text
    program.stop()
    assert only(start(), qtbot).is_saved


@pytest.mark.slow
def test_a_text_that_cannot_be_saved_by_itself_is_told(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    Settings(tmp_path / "window.ini").save_rule = SaveRule(("srt",), tmp_path / "taken")
    program = start(SPEECH)
    recording = only(program, qtbot)
    bar = program.window.message_bar
    qtbot.waitUntil(lambda: bar.isVisible() and bar.severity == "error", timeout=TIMEOUT_MS)
    assert "taken" in bar.text
    assert not recording.is_saved
    assert recording.transcript.segments


def test_a_list_that_cannot_be_read_is_told_and_the_program_goes_on(
    application: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "recordings.sqlite").write_bytes(b"This is no database. " * 500)
    application.start([SPEECH], tmp_path / "recordings.sqlite")
    bar = application.window.message_bar
    qtbot.waitUntil(bar.isVisible)
    assert bar.severity == "error"
    assert "recordings.sqlite" in bar.text
    recording = only(application, qtbot)
    qtbot.waitUntil(lambda: recording.state is State.DONE, timeout=TIMEOUT_MS)
    assert not application.recordings.are_kept
