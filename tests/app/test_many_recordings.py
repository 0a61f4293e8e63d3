"""What is done with many recordings at once, in the whole program without its engine: all of them wait."""

from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobSegment,
    JobStarted,
    ModelLoaded,
    TranscribeFile,
)
from app.session import Recording, State
from app.store.database import open_database
from app.store.restore import restore
from app.widgets.recording_options_dialog import RecordingOptionsDialog
from app.widgets.recordings_model import status_text
from app.widgets.save_dialog import SaveDialog
from gpu.types import DeviceInfo, ModelInfo, TranscribeOptions, Words
from tests.support.engine_messages import make_segment, make_stats

N = 6
MODEL = ModelInfo("ggml-base-q5_1", "base", "Q5_1", 59_707_625, is_multilingual=True, load_s=0.5)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "recordings.sqlite"


@pytest.fixture
def queue(application: Application, tmp_path: Path, kept: Path, qtbot: QtBot) -> list[Recording]:
    application.recordings.open(kept)
    qtbot.waitUntil(lambda: application.recordings.are_kept)
    paths = [tmp_path / f"{number}.wav" for number in range(N)]
    for path in paths:
        path.touch()
    application.add(paths)
    qtbot.waitUntil(lambda: len(application.session.recordings) == N)
    return list(application.session)


def select(application: Application, *recordings: Recording) -> None:
    view = application.window.recordings_view
    view.select(recordings[0])
    for recording in recordings[1:]:
        row = application.recordings.model.row_of(recording)
        view.selectionModel().select(view.model().index(row, 0), QItemSelectionModel.SelectionFlag.Select)


def states(recordings: list[Recording]) -> list[State]:
    return [recording.state for recording in recordings]


def names(recordings: list[Recording]) -> str:
    return "".join(recording.path.stem for recording in recordings)


def kept_names(application: Application, kept: Path) -> str:
    application.stop()
    connection = open_database(kept)
    found = names(restore(connection))
    connection.close()
    return found


def finish(application: Application, *recordings: Recording) -> None:
    for recording in recordings:
        application.recordings.take(JobStarted(recording.job_id, recording.path))
        application.recordings.take(JobSegment(recording.job_id, make_segment(0, recording.path.stem)))
        application.recordings.take(JobFinished(recording.job_id, make_stats(60.0)))
    application.window.update_state()


def fail(application: Application, recording: Recording) -> None:
    words = Words("It is no recording."), Words("Take another.")
    application.recordings.take(JobFailed(recording.job_id, recording.path, "AudioDecodeError", *words))
    application.window.update_state()


def test_the_selected_rest_and_go_on(application: Application, queue: list[Recording]) -> None:
    actions = application.window.actions_
    select(application, *queue[1:4])
    actions.pause.trigger()
    assert states(queue) == [State.WAITING, *[State.PAUSED] * 3, State.WAITING, State.WAITING]
    assert not actions.pause.isEnabled()
    select(application, *queue[2:6])
    assert actions.pause.isEnabled()
    actions.resume.trigger()
    assert states(queue) == [State.WAITING, State.PAUSED, *[State.WAITING] * 4]
    actions.cancel.trigger()
    assert states(queue) == [State.WAITING, State.PAUSED, *[State.CANCELLED] * 4]
    actions.retry.trigger()
    assert states(queue) == [State.WAITING, State.PAUSED, *[State.WAITING] * 4]


def test_the_buttons_above_a_text_are_of_that_one_alone(application: Application, queue: list[Recording]) -> None:
    select(application, *queue[1:4])
    application.window.page.pause.click()
    assert states(queue) == [State.WAITING, State.PAUSED, *[State.WAITING] * 4]


def test_the_selected_move_together_and_the_order_is_kept(
    application: Application, queue: list[Recording], kept: Path
) -> None:
    actions = application.window.actions_
    select(application, queue[1], queue[2], queue[4])
    actions.move_up.trigger()
    assert names(application.session.recordings) == "120435"
    actions.move_up.trigger()
    assert names(application.session.recordings) == "124035"
    actions.move_up.trigger()
    assert not actions.move_up.isEnabled()
    actions.move_down.trigger()
    assert names(application.session.recordings) == "012435"
    application.window.recordings_view.dropped.emit(application.window.recordings_view.selected, 6)
    assert names(application.session.recordings) == "035124"
    assert names(application.window.recordings_view.selected) == "124"
    assert kept_names(application, kept) == "035124"


def test_all_that_are_done_are_removed_and_all_that_failed_begin_again(
    application: Application, queue: list[Recording], kept: Path
) -> None:
    actions = application.window.actions_
    assert not actions.remove_done.isEnabled()
    assert not actions.retry_failed.isEnabled()
    finish(application, queue[0], queue[2])
    for recording in queue[:3]:
        application.recordings.set_saved(recording)
    fail(application, queue[4])
    fail(application, queue[5])
    actions.retry_failed.trigger()
    assert states(queue[4:]) == [State.WAITING, State.WAITING]
    actions.remove_done.trigger()
    assert names(application.session.recordings) == "1345"
    assert application.window.recordings_view.selectionModel().selectedRows()
    assert kept_names(application, kept) == "1345"


def test_texts_that_are_not_saved_are_asked_about_once(application: Application, queue: list[Recording]) -> None:
    finish(application, *queue[:3])
    application.recordings.set_saved(queue[1])
    select(application, *queue[:4])
    application.window.actions_.remove.trigger()
    [question] = application.window.findChildren(QMessageBox)
    assert "2" in question.text()
    assert len(application.session.recordings) == N
    next(button for button in question.buttons() if button.text() == "Remove").click()
    assert names(application.session.recordings) == "45"


def test_several_texts_are_copied_below_their_names(application: Application, queue: list[Recording]) -> None:
    finish(application, *queue[:2])
    select(application, *queue[:3])
    application.window.actions_.copy.trigger()
    assert QGuiApplication.clipboard().text().split() == ["0.wav", "0", "1.wav", "1"]


def test_several_texts_are_saved_by_a_rule_that_is_asked_for(
    application: Application, queue: list[Recording], tmp_path: Path, qtbot: QtBot
) -> None:
    finish(application, *queue[:2])
    select(application, *queue[:3])
    application.window.actions_.save.trigger()
    [dialog] = application.window.findChildren(SaveDialog)
    assert dialog.windowTitle() == "Save texts"
    dialog.form.formats["srt"].click()
    dialog.form.in_folder.click()
    dialog.form.folder.setText(str(tmp_path / "texts"))
    dialog.accept()
    qtbot.waitUntil(lambda: queue[0].is_saved and queue[1].is_saved)
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == ["0.srt", "0.txt", "1.srt", "1.txt"]


@pytest.mark.parametrize("as_text", [False, True])
def test_files_are_pasted(application: Application, tmp_path: Path, as_text: bool, qtbot: QtBot) -> None:
    path = tmp_path / "ünï 日本.wav"
    path.touch()
    data = QMimeData()
    if as_text:
        data.setText(f'"{path}"\nmilk, bread')
    else:
        data.setUrls([QUrl.fromLocalFile(str(path))])
    QGuiApplication.clipboard().setMimeData(data)
    application.window.show()
    application.window.actions_.paste.trigger()
    qtbot.waitUntil(lambda: len(application.session.recordings) == 1)
    assert application.session.recordings[0].path == path
    bar = application.window.message_bar
    assert bar.isVisible() == as_text
    assert ("milk, bread" in bar.text) == as_text


def test_pasting_what_is_no_file_says_so(application: Application) -> None:
    application.window.show()
    for text, told in (("", "no files in the clipboard"), ("milk\nbread", "no files: 2")):
        QGuiApplication.clipboard().setText(text)
        application.window.actions_.paste.trigger()
        assert told in application.window.message_bar.text
    assert not application.session.recordings


def test_the_list_has_a_menu(application: Application, queue: list[Recording], qtbot: QtBot) -> None:
    menu = application.window.commands.menu
    application.window.show()
    application.window.recordings_view.menu_wanted.emit(application.window.pos())
    qtbot.waitUntil(menu.isVisible)
    actions = application.window.actions_
    assert {actions.pause, actions.remove, actions.retry_failed} <= set(menu.actions())
    menu.close()


def test_options_of_the_selected_are_kept_and_shown(
    application: Application, queue: list[Recording], kept: Path
) -> None:
    """Also of the first, which the engine has already."""
    select(application, *queue[:3])
    application.window.actions_.recording_options.trigger()
    [dialog] = application.window.findChildren(RecordingOptionsDialog)
    dialog.language.setCurrentIndex(dialog.language.findData("fr"))
    dialog.task.setCurrentIndex(1)
    dialog.switches["vad"].click()
    dialog.accept()
    wanted = TranscribeOptions(language="fr", task="translate", vad=False)
    assert [recording.options for recording in queue] == [wanted] * 3 + [TranscribeOptions()] * 3
    texts = [status_text(recording) for recording in queue]
    assert texts == ["Waiting · French → English · +1"] * 3 + ["Waiting"] * 3
    tip = application.recordings.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "Leave out what is not speech: no" in tip
    assert queue[0].state is State.WAITING
    finish(application, queue[4])
    select(application, queue[4])
    assert not application.window.actions_.recording_options.isEnabled()
    application.stop()
    connection = open_database(kept)
    restored = restore(connection)
    connection.close()
    assert [recording.options for recording in restored] == [recording.options for recording in queue]
    assert names(restored) == "012345"


def test_models_of_the_selected_are_kept_shown_and_given_to_the_engine(
    application: Application, queue: list[Recording], kept: Path, tmp_path: Path
) -> None:
    large = tmp_path / "ggml-large.bin"
    select(application, *queue[1:3])
    application.window.actions_.recording_options.trigger()
    dialog = application.recording_options.dialog
    assert dialog is not None
    dialog.show_models([(large, 1_500_000_000)])
    dialog.model.setCurrentIndex(dialog.model.findText("large", Qt.MatchFlag.MatchStartsWith))
    dialog.accept()
    assert application.recording_options.dialog is None
    assert [recording.job.model for recording in queue] == [None, large, large, None, None, None]
    assert [status_text(recording) for recording in queue[:3]] == ["Waiting", "Waiting · large", "Waiting · large"]
    tip = application.recordings.model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert "Model: large" in tip
    application.recordings.take(JobStarted(queue[1].job_id, queue[1].path))
    application._refresh([queue[1]])
    application.window.status_panel.show_model(ModelLoaded(MODEL, DeviceInfo("cpu", "Some CPU", Words("none"))))
    assert application.window.status_panel.model.text() == "large, for this recording"
    finish(application, queue[1])
    application._refresh([queue[1]])
    assert "base" in application.window.status_panel.model.text()
    application.stop()
    connection = open_database(kept)
    restored = restore(connection)
    connection.close()
    assert [recording.model for recording in restored] == [recording.model for recording in queue]


def test_what_failed_for_its_model_waits_again_with_another(
    application: Application, queue: list[Recording], tmp_path: Path
) -> None:
    first, options = queue[0], TranscribeOptions(language="fr")
    first.options, first.model = options, tmp_path / "gone.bin"
    submitted: list[TranscribeFile] = []
    application.thread_.submit = submitted.append  # type: ignore[method-assign, assignment]
    failed = JobFailed(first.job_id, first.path, "ModelNotFoundError", Words("It is gone."), Words("Choose another."))
    application._model_failed = True  # the one in use is another matter
    application.recordings.take(failed)
    application.recordings._deliver()
    assert "gone" in application.window.message_bar.text
    application.window.show()
    select(application, first)
    buttons = [b.text() for b in application.window.page.findChildren(QPushButton) if b.isVisible()]
    assert "Try again" in buttons
    assert "Choose model file…" not in buttons  # it would be another one than this recording's
    assert application.window.actions_.recording_options.isEnabled()
    application.window.actions_.recording_options.trigger()
    dialog = application.recording_options.dialog
    assert dialog is not None
    assert dialog.model.currentText() == "gone"
    dialog.show_models([])
    assert dialog.model.currentText() == "gone (is gone)"
    dialog.model.setCurrentIndex(0)
    dialog.accept()
    assert first.state is State.WAITING
    assert (first.options, first.model) == (options, None)
    for recording in queue[1:]:
        application.recordings.cancel(recording)
    finish(application, queue[1])
    assert submitted[-1] == first.job


def test_the_engine_gets_the_options_that_were_chosen_last(application: Application, queue: list[Recording]) -> None:
    """The first is with it, but has not begun."""
    first, old_id = queue[0], queue[0].job_id
    submitted: list[TranscribeFile] = []
    application.thread_.submit = submitted.append  # type: ignore[method-assign, assignment]
    application.recordings.set_options([(first, TranscribeOptions(language="de"), None)])
    assert first.job_id != old_id
    application.recordings.take(JobCancelled(old_id, None))
    assert [(job.path, job.options.language) for job in submitted] == [(first.path, "de")]
    assert states(queue) == [State.WAITING] * N


def test_what_is_shown_by_itself_is_alone_also_while_ctrl_is_held(
    application: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    first, second = application.recordings._insert([tmp_path / "a.wav", tmp_path / "b.wav"], TranscribeOptions())
    view = application.window.recordings_view
    qtbot.keyClick(view, Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
    for recording in (first, second, second):
        view.select(recording)
        assert view.selected == [recording]
    qtbot.keyClick(view, Qt.Key.Key_Shift)
