"""A transcript changed by a person in the window: undone, redone, kept, and exported as it stands."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.document.export import to_txt
from app.engine.messages import JobFinished, JobSegment, JobStarted
from app.session import Recording
from app.settings import Settings
from app.widgets.segment_delegate import SegmentEdit
from app.widgets.transcript_model import Column
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_segment, make_stats

TEXTS = ["One two three.", "Four five.", "Six.", "Seven eight."]


@pytest.fixture
def recording(application: Application, tmp_path: Path, qtbot: QtBot) -> Recording:
    """One that is done, kept, and shown."""
    application.start([], tmp_path / "recordings.sqlite")
    qtbot.waitUntil(lambda: application.recordings.are_kept)
    [recording] = application.recordings._insert([tmp_path / "talk.wav"], TranscribeOptions())
    messages = [JobSegment(recording.job_id, make_segment(i, text)) for i, text in enumerate(TEXTS)]
    stats = make_stats(12.0)
    for message in (JobStarted(recording.job_id, recording.path), *messages, JobFinished(recording.job_id, stats)):
        application.recordings._journal.take(message)
        application.recordings.take(message)
    application.recordings._deliver()
    application.window.recordings_view.select(recording)
    return recording


def texts(recording: Recording) -> list[str]:
    return [segment.text.strip() for segment in recording.transcript.segments]


def shown(application: Application) -> list[str]:
    model = application.window.page.model
    return [model.index(row, Column.TEXT).data(Qt.ItemDataRole.EditRole) for row in range(model.rowCount())]


def select(application: Application, *rows: int) -> None:
    view = application.window.page.view
    view.clearSelection()
    view.setSelectionMode(view.SelectionMode.MultiSelection)
    for row in rows:
        view.selectRow(row)
    view.setSelectionMode(view.SelectionMode.ExtendedSelection)


def editor_of(application: Application, row: int) -> SegmentEdit:
    view = application.window.page.view
    view.setCurrentIndex(view.model().index(row, Column.TEXT))
    application.window.edit_menu.edit.trigger()
    [edit] = view.viewport().findChildren(SegmentEdit)
    return edit


def test_typed_with_enter_at_the_end(application: Application, recording: Recording, qtbot: QtBot) -> None:
    edit = editor_of(application, 1)
    assert edit.toPlainText() == "Four five."
    edit.selectAll()
    qtbot.keyClicks(edit, "4 5")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert texts(recording) == shown(application) == ["One two three.", "4 5", "Six.", "Seven eight."]
    assert to_txt(recording.transcript).splitlines()[1] == "4 5"
    qtbot.waitUntil(lambda: not application.window.page.view.viewport().findChildren(SegmentEdit))


def test_given_up_with_escape(application: Application, recording: Recording, qtbot: QtBot) -> None:
    edit = editor_of(application, 1)
    qtbot.keyClicks(edit, "xyz")
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert texts(recording) == TEXTS
    assert not application.window.edit_menu.undo.isEnabled()


def test_split_where_the_cursor_is(application: Application, recording: Recording, qtbot: QtBot) -> None:
    edit = editor_of(application, 0)
    cursor = edit.textCursor()
    cursor.setPosition(4)
    edit.setTextCursor(cursor)
    qtbot.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert texts(recording) == shown(application) == ["One", "two three.", *TEXTS[1:]]


def test_everything_is_undone_and_redone(application: Application, recording: Recording, qtbot: QtBot) -> None:
    menu, editor = application.window.edit_menu, application.editor
    states = [texts(recording)]
    before = list(recording.transcript.segments)
    editor.set_text(2, "6")
    states.append(texts(recording))
    editor.split(0, "One two three.", 7)
    states.append(texts(recording))
    select(application, 1, 3)
    menu.merge.trigger()
    states.append(texts(recording))
    select(application, 0, 2)
    application.window.page.view.setFocus()
    qtbot.keyClick(application.window.page.view, Qt.Key.Key_Delete)
    states.append(texts(recording))
    editor.set_text(0, "  ")  # nothing left of it
    states.append(texts(recording))
    assert states[2:] == [
        ["One two", "three.", "Four five.", "6", "Seven eight."],
        ["One two", "three. Four five. 6", "Seven eight."],
        ["three. Four five. 6"],
        [],
    ]
    for state in reversed(states[:-1]):
        menu.undo.trigger()
        assert texts(recording) == shown(application) == state
    assert recording.transcript.segments == before
    assert not menu.undo.isEnabled()
    for state in states[1:]:
        menu.redo.trigger()
        assert texts(recording) == shown(application) == state
    assert not menu.redo.isEnabled()


def test_found_and_replaced(application: Application, recording: Recording, qtbot: QtBot) -> None:
    window = application.window
    window.edit_menu.find.trigger()
    bar, view = window.page.find_bar, window.page.view
    qtbot.keyClicks(bar.wanted, "E")
    assert bar.count.text() == "Segments: 3"
    bar.case.click()
    assert not bar.next.isEnabled()
    bar.case.click()
    bar.wanted.setText("SEVEN")
    assert bar.count.text() == "Segments: 1"
    qtbot.keyClick(bar.wanted, Qt.Key.Key_Return)
    assert view.selected_rows == [3]
    bar.instead.setText("7")
    qtbot.keyClick(bar.instead, Qt.Key.Key_Return)
    assert texts(recording)[3] == "7 eight."
    bar.wanted.setText("e.")
    bar.instead.setText("!")
    bar.replace_all.click()
    assert texts(recording) == ["One two thre!", "Four fiv!", "Six.", "7 eight."]
    bar.wanted.setText("six.")
    bar.instead.setText("")
    bar.replace_all.click()
    assert texts(recording) == shown(application) == ["One two thre!", "Four fiv!", "7 eight."]
    window.edit_menu.undo.trigger()
    window.edit_menu.undo.trigger()  # all of one replacing at once
    assert texts(recording) == [*TEXTS[:3], "7 eight."]
    qtbot.keyClick(bar.wanted, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_next_goes_round_and_previous_back(application: Application, recording: Recording) -> None:
    application.window.edit_menu.find.trigger()
    bar, view = application.window.page.find_bar, application.window.page.view
    bar.wanted.setText(".")
    bar.previous.click()
    gone = [view.selected_rows[0]]
    for button in (bar.next, bar.next, bar.previous):
        button.click()
        gone += view.selected_rows
    assert gone == [3, 0, 1, 0]


def test_what_was_changed_is_there_at_the_next_start(
    application: Application, recording: Recording, tmp_path: Path, qtbot: QtBot
) -> None:
    application.editor.split(3, "Seven eight.", 5)
    application.editor.merge([0, 1])
    application.editor.delete([1])
    application.editor.set_text(0, "1 2 3 4 5")
    changed = recording.transcript.segments
    assert texts(recording) == ["1 2 3 4 5", "Seven", "eight."]
    application.stop()
    again = Application(Settings(tmp_path / "window.ini"))
    again.start([], tmp_path / "recordings.sqlite")
    qtbot.waitUntil(lambda: again.recordings.are_kept)
    [kept] = again.session.recordings
    assert kept.transcript.segments == changed
    assert not kept.is_saved
    again.stop()
    again.window.deleteLater()


def test_each_recording_has_its_own_to_undo(application: Application, recording: Recording, tmp_path: Path) -> None:
    application.editor.set_text(0, "changed")
    [other] = application.recordings._insert([tmp_path / "other.wav"], TranscribeOptions())
    menu = application.window.edit_menu
    application.window.recordings_view.select(other)
    assert not menu.undo.isEnabled()
    assert not menu.edit.isEnabled()  # it waits
    application.window.recordings_view.select(recording)
    menu.undo.trigger()
    assert texts(recording) == TEXTS


def test_unsaved_changes_are_asked_about(application: Application, recording: Recording) -> None:
    application.recordings.set_saved(recording)
    application.editor.set_text(0, "changed")
    assert not recording.is_saved
    application.window.actions_.remove.trigger()
    assert recording in application.session.recordings
    for box in QApplication.topLevelWidgets():
        if box.windowTitle() == "Please confirm":
            box.close()


def test_many_at_once_are_one_step_and_undone(application: Application, recording: Recording) -> None:
    """Near each other and far apart, first and last: the same text as row by row, and back."""
    model, menu = application.window.page.model, application.window.edit_menu
    application.editor.put(recording, 4, 0, [make_segment(i, f"Text {i}.") for i in range(4, 300)])
    before = list(recording.transcript.segments)
    rows = [0, 1, 5, 60, 61, 200, 299]
    steps: list[int] = []
    application.editor.edited.connect(lambda _recording, first, _n_old, _new: steps.append(first))
    application.editor.delete(rows)
    assert recording.transcript.segments == [s for i, s in enumerate(before) if i not in rows]
    assert model.rowCount() == len(before) - len(rows)
    assert steps == [299, 200, 60, 0]
    menu.undo.trigger()
    assert recording.transcript.segments == before


def test_what_is_found_follows_every_change(application: Application, recording: Recording) -> None:
    """Without looking through all: as if it were looked for anew."""
    bar, editor, undo = application.window.page.find_bar, application.editor, application.window.edit_menu.undo
    application.window.show()
    bar.open()
    bar.wanted.setText("e")
    changes = (
        lambda: editor.set_text(1, "Nothing"),
        lambda: editor.set_text(2, "Seven"),
        lambda: editor.split(0, "One two three.", 4),
        lambda: editor.delete([2]),
        lambda: editor.merge([0, 1]),
        *5 * [undo.trigger],
    )
    for change in changes:
        change()
        assert bar.found.rows == [row for row, text in enumerate(texts(recording)) if "e" in text.lower()]
    bar.wanted.setText("ee")
    assert bar.found.rows == [0]
    bar.wanted.setText("v")
    assert bar.found.rows == [1, 3]


def test_what_was_not_selected_is_not_after_deleting(application: Application, recording: Recording) -> None:
    """Rows move up: a second Delete must not take what came into the place of the first."""
    select(application, 0, 2)
    application.window.edit_menu.delete.trigger()
    assert texts(recording) == [TEXTS[1], TEXTS[3]]
    assert application.window.page.view.selected_rows == [0]
    select(application, 1)
    application.window.edit_menu.delete.trigger()
    assert application.window.page.view.selected_rows == [0]
    application.window.edit_menu.delete.trigger()
    assert application.window.page.view.selected_rows == []


def test_a_long_text_is_looked_through_in_slices_and_replaced_in_one_step(
    application: Application, recording: Recording, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Buttons wait until all is found; what was changed meanwhile is left as it is."""
    monkeypatch.setattr("app.widgets.slices.BUDGET_S", 0.0)
    window = application.window
    application.editor.put(recording, 4, 0, [make_segment(i, f"Text {i}.") for i in range(4, 2000)])
    window.show()
    bar = window.page.find_bar
    bar.open()
    bar.wanted.setText("ext")
    bar.wanted.setText("text 1")
    assert not bar.found.is_complete
    application.editor.delete([1])
    application.editor.set_text(0, "One text 1.")
    bar.instead.setText("Word 2")
    before = list(recording.transcript.segments)
    bar.replace_all.click()
    assert recording.transcript.segments == before
    qtbot.waitUntil(lambda: bar.found.is_complete)
    application.editor.set_text(0, "Mine: text 1.")
    qtbot.waitUntil(lambda: "Word 2" in recording.transcript.text)
    found = texts(recording)
    assert found[0] == "Mine: text 1."
    assert [text for text in found[1:] if "Text 1" in text] == []
    assert found[-1] == "Word 2999."
    qtbot.waitUntil(lambda: bar.found.is_complete)
    assert bar.found.rows == [0]
    window.edit_menu.undo.trigger()
    window.edit_menu.undo.trigger()
    assert recording.transcript.segments == before
