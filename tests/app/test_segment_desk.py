"""Speakers and times of segments, given by a person in dialogs: undone, kept, exported."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.document.export import FORMATS
from app.engine.messages import JobFinished, JobSegment, JobStarted
from app.session import Recording
from app.store.database import open_database
from app.store.restore import restore
from app.widgets.appearance import ThemeChoice
from app.widgets.speaker_dialog import SpeakerDialog
from app.widgets.times_dialog import TimesDialog
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.engine_messages import make_segment, make_stats
from tests.support.legibility import cut_off, faint


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "recordings.sqlite"


@pytest.fixture
def recording(application: Application, tmp_path: Path, kept: Path, qtbot: QtBot) -> Recording:
    """Two channels in turn, three seconds each; kept, done, and shown."""
    application.recordings.open(kept)
    qtbot.waitUntil(lambda: application.recordings.are_kept)
    [recording] = application.recordings._insert([tmp_path / "talk.wav"], TranscribeOptions())
    segments = [replace(make_segment(i, f"Text {i}."), speaker=1 + i % 2) for i in range(6)]
    messages = [JobSegment(recording.job_id, segment) for segment in segments]
    finished = JobFinished(recording.job_id, make_stats(18.0, 18.5))
    for message in (JobStarted(recording.job_id, recording.path), *messages, finished):
        application.recordings._journal.take(message)
        application.recordings.take(message)
    application.recordings._deliver()
    application.window.show()
    application.window.recordings_view.select(recording)
    return recording


def speakers(recording: Recording) -> list[int | str | None]:
    return [segment.speaker for segment in recording.transcript.segments]


def select(application: Application, *rows: int) -> None:
    view = application.window.page.view
    view.clearSelection()
    view.setSelectionMode(view.SelectionMode.MultiSelection)
    for row in rows:
        view.selectRow(row)
    view.setSelectionMode(view.SelectionMode.ExtendedSelection)


def ask_for_speaker(application: Application, *rows: int) -> SpeakerDialog:
    select(application, *rows)
    application.segments.speaker.trigger()
    dialog = application.segments.dialog
    assert isinstance(dialog, SpeakerDialog)
    return dialog


def ask_for_times(application: Application, row: int) -> TimesDialog:
    select(application, row)
    application.segments.times.trigger()
    dialog = application.segments.dialog
    assert isinstance(dialog, TimesDialog)
    return dialog


def is_allowed(dialog: TimesDialog) -> bool:
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def test_a_selection_gets_a_name(application: Application, recording: Recording, kept: Path) -> None:
    dialog = ask_for_speaker(application, 0, 1, 4)
    assert not dialog.everywhere.isVisible()
    assert [dialog.name.itemText(i) for i in range(dialog.name.count())] == ["Speaker 1", "Speaker 2"]
    dialog.name.setEditText("  Anna   Maria ")
    dialog.accept()
    named = ["Anna Maria", "Anna Maria", 1, 2, "Anna Maria", 2]
    assert speakers(recording) == named
    undo = application.window.edit_menu.undo
    undo.trigger()
    assert speakers(recording) == [1, 2, 1, 2, 1, 2]
    application.window.edit_menu.redo.trigger()
    dialog = ask_for_speaker(application, 2)
    assert dialog.name.currentText() == "Speaker 1"
    assert "Anna Maria" in [dialog.name.itemText(i) for i in range(dialog.name.count())]
    dialog.name.setEditText("Speaker 2")
    dialog.accept()
    assert speakers(recording)[2] == 2
    application.stop()
    with closing(open_database(kept)) as connection:
        [found] = restore(connection)
    assert speakers(found) == ["Anna Maria", "Anna Maria", 2, 2, "Anna Maria", 2]


def test_one_person_gets_a_name_everywhere(application: Application, recording: Recording) -> None:
    dialog = ask_for_speaker(application, 3)
    assert dialog.everywhere.text() == "&All segments of “Speaker 2”"
    dialog.name.setEditText("Bo")
    dialog.everywhere.click()
    dialog.accept()
    assert speakers(recording) == [1, "Bo", 1, "Bo", 1, "Bo"]
    dialog = ask_for_speaker(application, 3, 5)
    dialog.name.setEditText("")
    dialog.accept()
    assert speakers(recording) == [1, "Bo", 1, None, 1, None]
    assert not ask_for_speaker(application, 3).everywhere.isVisible()


def test_names_are_exported_as_numbers_are(application: Application, recording: Recording) -> None:
    before = {name: write(recording.transcript) for name, write in FORMATS.items() if name not in ("docx", "pdf")}
    application.editor.set_speaker([0], "Zoë <b>")
    for name, text in before.items():
        after = FORMATS[name](recording.transcript)
        assert isinstance(text, str)
        assert isinstance(after, str)
        assert ("Zo" in after) == ("Speaker 1" in text or name == "json"), name
    assert "Zoë <b>: Text 0." in FORMATS["srt"](recording.transcript)  # type: ignore[operator]
    assert "<b>" not in str(FORMATS["vtt"](recording.transcript)).replace("&lt;b", "")
    assert "Zoë &lt;b&gt;" in str(FORMATS["html"](recording.transcript))


def test_times_are_typed(application: Application, recording: Recording) -> None:
    application.editor.set_speaker(list(range(6)), None)
    dialog = ask_for_times(application, 1)
    assert (dialog.start.text(), dialog.end.text()) == ("0:03.000", "0:06.000")
    assert is_allowed(dialog)
    for start, end, told in (
        ("2.5", "6", "The segment before ends at 0:03.000"),
        ("3.5", "0:06.5", "is at 0:06.000"),
        ("3.5", "3.5", "behind the start"),
        ("x", "6", "The start is no time"),
        ("3.5", "", "The end is no time"),
    ):
        dialog.start.setText(start)
        dialog.end.setText(end)
        assert told in dialog.problem.text()
        assert not is_allowed(dialog)
        dialog.accept()
        assert dialog.isVisible()
    dialog.start.setText("0:00:03,25")
    dialog.end.setText("5.5")
    assert dialog.problem.text() == ""
    dialog.accept()
    segment = recording.transcript.segments[1]
    assert (segment.start, segment.end, segment.text) == (3.25, 5.5, " Text 1.")
    application.window.edit_menu.undo.trigger()
    assert recording.transcript.segments[1] == make_segment(1, "Text 1.")


def test_what_is_not_touched_stays_to_the_last_digit(application: Application, recording: Recording) -> None:
    application.editor.retime(5, 15.12345, 17.98765)
    dialog = ask_for_times(application, 5)
    dialog.end.setText("18.6")
    assert "is at 0:18.500" in dialog.problem.text()
    dialog.end.setText("18.5")
    dialog.accept()
    assert (recording.transcript.segments[5].start, recording.transcript.segments[5].end) == (15.12345, 18.5)


def test_what_can_be_done_depends_on_what_is_selected(application: Application, recording: Recording) -> None:
    desk, view = application.segments, application.window.page.view
    for rows, may_name, may_retime in (((), False, False), ((1,), True, True), ((1, 2), True, False)):
        select(application, *rows)
        assert (desk.speaker.isEnabled(), desk.times.isEnabled()) == (may_name, may_retime)
    select(application, 1)
    application.recordings.restart([recording])
    assert not desk.speaker.isEnabled()
    assert view.n_selected == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_both_dialogs_can_be_read_by_all(
    application: Application, recording: Recording, theme: ThemeChoice, language: str
) -> None:
    application._appearance.set_choice(theme)
    application._translation.use(language)
    application._appearance.update_font()
    dialog = ask_for_times(application, 1)
    dialog.start.setText("0")
    for shown in (dialog, ask_for_speaker(application, 1)):
        assert missing(shown) == []
        assert cut_off(shown) == []
        assert faint(shown) == []
        shown.reject()
