"""A selection is transcribed again by the real engine: replaced at once, undone exactly, or left as it was."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.messages import (
    JobCancelled,
    JobFinished,
    JobSegment,
    JobStarted,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
)
from app.i18n import Translation
from app.paths import default_model
from app.session import Recording, State
from app.store.database import open_database
from app.store.restore import restore
from app.widgets.again_bar import AgainBar
from app.widgets.again_dialog import AgainDialog
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.engine_messages import make_segment, make_stats
from tests.support.legibility import cut_off, faint
from tests.support.speech import AUDIO

TEXTS = ["One two three.", "Four five.", "Six.", "Seven eight."]
ENGINE_MS = 120_000


@pytest.fixture
def recording(application: Application, tmp_path: Path, qtbot: QtBot) -> Recording:
    """One that is done, kept, and shown."""
    application.start([], tmp_path / "recordings.sqlite")
    qtbot.waitUntil(lambda: application.recordings.are_kept)
    shutil.copy(AUDIO / "jfk.wav", tmp_path / "talk.wav")
    return add(application, tmp_path / "talk.wav")


def add(application: Application, path: Path) -> Recording:
    [recording] = application.recordings._insert([path], TranscribeOptions(language="en"))
    segments = [JobSegment(recording.job_id, make_segment(i, text)) for i, text in enumerate(TEXTS)]
    messages = [JobStarted(recording.job_id, path), *segments, JobFinished(recording.job_id, make_stats(12.0))]
    for message in messages:
        application.recordings._journal.take(message)
        application.recordings.take(message)
    application.recordings._deliver()
    application.window.recordings_view.select(recording)
    return recording


def texts(recording: Recording) -> list[str]:
    return [segment.text.strip() for segment in recording.transcript.segments]


def ask(application: Application, *rows: int) -> AgainDialog:
    """Select rows, and use the menu."""
    view = application.window.page.view
    view.clearSelection()
    view.setSelectionMode(view.SelectionMode.MultiSelection)
    for row in rows:
        view.selectRow(row)
    view.setSelectionMode(view.SelectionMode.ExtendedSelection)
    assert application.window.edit_menu.again.isEnabled()
    application.window.edit_menu.again.trigger()
    assert application.again.dialog is not None
    return application.again.dialog


def wait_for_end(application: Application, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: application.window.edit_menu.may_transcribe, timeout=ENGINE_MS)


@pytest.mark.slow
def test_replaced_as_one_change_that_is_kept_and_undone(
    application: Application, recording: Recording, tmp_path: Path, qtbot: QtBot
) -> None:
    before = list(recording.transcript.segments)
    ask(application, 1, 2).accept()
    bar = application.again.bar
    assert not bar.isHidden()
    assert not application.window.edit_menu.again.isEnabled()
    application.editor.split(0, TEXTS[0], 7)  # meanwhile: the rows are others
    wait_for_end(application, qtbot)
    now = recording.transcript.segments
    assert texts(recording)[:2] == ["One two", "three."]
    assert now[-1] is before[3]
    new = " ".join(texts(recording)[2:-1]).lower()
    assert "what your country can do" in new
    assert "fellow americans" not in new  # it is before the selection
    assert all(3.0 <= segment.start <= segment.end <= 9.05 for segment in now[2:-1])
    assert bar.isHidden()
    assert "talk.wav" in application.window.message_bar.text
    assert len(application.session.recordings) == 1
    application.window.edit_menu.undo.trigger()
    assert [id(segment) for segment in recording.transcript.segments[2:]] == [id(s) for s in before[1:]]
    application.window.edit_menu.redo.trigger()
    assert recording.transcript.segments[2:-1] == now[2:-1]
    application.recordings.stop()
    connection = open_database(tmp_path / "recordings.sqlite")
    [kept] = restore(connection)
    connection.close()
    assert kept.transcript.segments == recording.transcript.segments


@pytest.mark.slow
def test_with_another_model_while_another_text_is_shown_and_the_queue_goes_on_with_its_own(
    application: Application, recording: Recording, tmp_path: Path, qtbot: QtBot
) -> None:
    other = tmp_path / "other.bin"
    shutil.copy(default_model(), other)
    heard: list[object] = []
    application.thread_.message.connect(heard.append)
    qtbot.waitUntil(lambda: any(isinstance(message, ModelLoaded) for message in heard), timeout=ENGINE_MS)
    heard.clear()
    dialog = ask(application, 0)
    dialog.show_models([(other, 1_000_000)])
    dialog.model.setCurrentIndex(dialog.model.findText("other", Qt.MatchFlag.MatchStartsWith))
    dialog.accept()
    [queued] = application.recordings.add_again([recording], TranscribeOptions(language="en"))
    application.window.recordings_view.select(queued)
    qtbot.waitUntil(lambda: queued.state is State.DONE, timeout=ENGINE_MS)
    assert "fellow americans" in texts(recording)[0].lower()
    assert texts(recording)[1:] == TEXTS[1:]
    kinds = [message for message in heard if isinstance(message, ModelLoading | ModelLoaded | JobFinished)]
    assert [type(message) for message in kinds] == [JobFinished, ModelLoading, ModelLoaded, JobFinished]
    assert kinds[1] == ModelLoading(default_model())  # the other one is in nobody's settings
    assert application._settings.model is None
    application.window.recordings_view.select(recording)
    application.window.edit_menu.undo.trigger()
    assert texts(recording) == TEXTS


@pytest.mark.slow
def test_nothing_changes_when_it_is_cancelled_or_fails(
    application: Application, recording: Recording, tmp_path: Path, qtbot: QtBot
) -> None:
    before, bar = list(recording.transcript.segments), application.window.message_bar
    ask(application, 0, 3).accept()
    application.again.bar.cancel.click()
    wait_for_end(application, qtbot)
    assert bar.text == "Cancelled: the text is as it was"
    started: list[object] = []
    application.thread_.message.connect(lambda message: started.append(type(message)))
    ask(application, 0, 3).accept()
    qtbot.waitUntil(lambda: JobStarted in started, timeout=ENGINE_MS)
    application.again.cancel()
    wait_for_end(application, qtbot)
    assert JobCancelled in started
    assert bar.text == "Cancelled: the text is as it was"
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"no model at all")
    dialog = ask(application, 0)
    dialog.show_models([(broken, 15)])
    dialog.model.setCurrentIndex(dialog.model.findText("broken", Qt.MatchFlag.MatchStartsWith))
    dialog.accept()
    heard: list[object] = []
    application.thread_.message.connect(heard.append)
    wait_for_end(application, qtbot)
    assert bar.severity == "error"
    assert "broken.bin" in bar.text
    qtbot.waitUntil(lambda: any(isinstance(message, ModelLoaded) for message in heard), timeout=ENGINE_MS)
    assert not any(isinstance(message, ModelFailed) for message in heard)
    assert "broken.bin" in bar.text  # it is still to be read
    recording.path.unlink()
    ask(application, 1).accept()
    wait_for_end(application, qtbot)
    assert bar.severity == "error"
    assert "talk.wav" in bar.text
    assert recording.transcript.segments == before
    assert not application.window.edit_menu.undo.isEnabled()


@pytest.mark.slow
def test_segments_that_are_gone_are_not_made_up(application: Application, recording: Recording, qtbot: QtBot) -> None:
    ask(application, 1).accept()
    application.editor.merge([0, 1])
    merged = list(recording.transcript.segments)
    wait_for_end(application, qtbot)
    assert recording.transcript.segments == merged
    bar = application.window.message_bar
    assert bar.severity == "warning"
    assert "Nothing was changed" in bar.text
    bar._action.click()
    assert "ask not" in QApplication.clipboard().text().lower()


def test_closing_asks_once_while_a_selection_is_at_work(application: Application, tmp_path: Path, qtbot: QtBot) -> None:
    """Nothing else runs; without an engine it stays so."""
    window = application.window
    window.show()
    window.recordings_are_kept = True
    shutil.copy(AUDIO / "jfk.wav", tmp_path / "talk.wav")
    [recording] = application.recordings.model.add([tmp_path / "talk.wav"], TranscribeOptions())
    for segment in (make_segment(i, text) for i, text in enumerate(TEXTS)):
        application.session.apply(JobSegment(recording.job_id, segment))
    application.session.apply(JobFinished(recording.job_id, make_stats(12.0)))
    window.recordings_view.select(recording)
    ask(application, 1).accept()
    for _ in range(2):
        assert not window.close()
    (box,) = window.findChildren(QMessageBox)
    assert "selection" in box.text()
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(QMessageBox))
    application.again._take(JobCancelled(-1, None))
    with qtbot.waitSignal(window.closing):
        assert window.close()


def test_the_recording_s_own_model_is_offered_first(translation: Translation, qtbot: QtBot) -> None:
    small, large = Path("/models/small.bin"), Path("/models/large.bin")
    found = [(small, 190_000_000), (large, 1_500_000_000)]
    dialog = AgainDialog(TranscribeOptions(clip_timestamps=(3.0, 9.0)), default_model())
    qtbot.addWidget(dialog)
    dialog.show_models(found, large)
    assert dialog.model.currentData() == large
    other = AgainDialog(TranscribeOptions(clip_timestamps=(3.0, 9.0)), default_model())
    qtbot.addWidget(other)
    other.show_models(found)
    assert other.model.currentData() is None


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_dialog_and_the_line_can_be_used_by_everybody(
    theme: str, language: str, application: Application, translation: Translation, qtbot: QtBot
) -> None:
    application._appearance.set_choice(theme)
    translation.use(language)
    options = TranscribeOptions(language="en", initial_prompt="An interview.", clip_timestamps=(3.0, 3725.0))
    dialog, bar = AgainDialog(options, default_model()), AgainBar()
    for window in (dialog, bar):
        qtbot.addWidget(window)
    dialog.show_models([(Path("/models/ggml-large-v3-turbo-q5_0.bin"), 574_041_195)])
    bar.begin("talk.wav", 3.0, 3725.0)
    assert "waits" in bar.text or language != "en"
    bar.show_progress(0.5)
    bar.resize(700, bar.sizeHint().height())
    dialog.show()
    for window in (dialog, bar):
        assert missing(window) == []
        assert cut_off(window) == []
        assert faint(window) == []
    other = "zh_CN" if language == "en" else "en"
    for spoken in (other, language):
        translation.use(spoken)
        QApplication.processEvents()
    assert dialog._ok.text() == ("&Transcribe" if language == "en" else "转写(&T)")
    chosen: list[tuple[object, object]] = []
    dialog.chosen.connect(lambda *both: chosen.append(both))
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    dialog.lines["initial_prompt"].clear()
    dialog.lines["hotwords"].setText("Dashwood")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    german = TranscribeOptions(language="de", hotwords="Dashwood", clip_timestamps=(3.0, 3725.0))
    assert chosen == [(german, None)]
