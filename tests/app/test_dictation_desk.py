"""Dictation in the window. What the engine and the microphone would say is said for them, but for the last tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.capture.microphone import Microphone
from app.capture.states import CaptureState
from app.dictation import DictationState
from app.dictation_desk import DictationDesk
from app.paths import dictations_dir
from app.session import State
from app.widgets.live_text_view import LiveTextView
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.engine_messages import make_segment, make_stats
from tests.support.homes import use_home
from tests.support.legibility import cut_off, faint

JFK = Path(__file__).parents[2] / "resources" / "samples" / "jfk.wav"
LISTENING = DictationState("listening", True, True, CaptureState("listening", "Headset", 0.0), "en", 0.5)
GONE = DictationState("listening", False, False, CaptureState("gone", "Headset", 3.0), "en", 0.5)
FOUND = [Microphone(0, "Headset", True, "alsa.headset"), Microphone(0, "Webcam", False, "alsa.webcam")]


@pytest.fixture
def desk(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> Iterator[DictationDesk]:
    """In the window, which is shown; of the machine's own microphones nobody asks."""
    use_home(tmp_path, monkeypatch)
    monkeypatch.delenv("WHISPERDESKTOP_LANG", raising=False)
    desk = application.dictating
    monkeypatch.setattr(desk, "_find_microphones", lambda: None)
    application.window.show()
    desk.show()
    desk._stop_looking()
    desk._show_microphones(FOUND)
    yield desk
    desk.stop()


def look(application: Application) -> list[str]:
    problems = []
    for language in ("en", "zh_CN"):
        application.window.actions_.language_chosen.emit(language)
        for _ in range(4):  # layouts settle over several turns
            QApplication.processEvents()
        problems += [*missing(application.window), *cut_off(application.window), *faint(application.window)]
    application.window.actions_.language_chosen.emit("en")
    return problems


def test_everything_can_be_read_in_every_state(application: Application, desk: DictationDesk) -> None:
    application.window.resize(application.window.minimumSize())
    panel = desk.panel
    for state in (DictationState(), LISTENING, GONE, replace(LISTENING, phase="paused")):
        desk._show_state(state)
        desk._tick.stop()
        panel.text.commit(" Settled words.")
        panel.text.show_tentative(" Perhaps")
        panel.show_figures(725.0, 12.5, 3.4, 2.6)
        panel.append.setChecked(True)
        panel._show_file()
        found = look(application)
        assert not found, "\n".join(found)


def test_words_are_settled_or_look_another_way(application: Application, desk: DictationDesk) -> None:
    view = desk.panel.text
    desk._dictation.tentative_changed.emit(" He was nod")
    assert (view.toPlainText(), view.committed) == ("He was nod", "")
    desk._dictation.committed.emit(" He was")
    desk._dictation.tentative_changed.emit(" not an")
    assert (view.toPlainText(), view.committed, view.tentative) == ("He was not an", "He was", " not an")
    desk._dictation.committed.emit(" not an ill-disposed man.")
    desk._dictation.tentative_changed.emit("")
    assert view.toPlainText() == view.committed == "He was not an ill-disposed man."
    settled, perhaps = looks_of(view, 3), None
    desk._dictation.tentative_changed.emit(" Oh")
    perhaps = looks_of(view, len(view.toPlainText()) - 1)
    assert settled != perhaps
    assert perhaps[1]  # slanted: not by colour alone


def looks_of(view: LiveTextView, position: int) -> tuple[str, bool]:
    cursor = view.textCursor()
    cursor.setPosition(position + 1)
    return cursor.charFormat().foreground().color().name(), cursor.charFormat().fontItalic()


def test_what_is_lost_is_marked_where_it_was(desk: DictationDesk) -> None:
    desk._show_state(LISTENING)
    desk._dictation.committed.emit(" He was")
    desk._dictation.gap.emit(3.0, 5.1)
    desk._dictation.committed.emit(" not")
    assert desk.panel.text.committed == "He was [2.1 s of sound are missing] not"
    desk._show_figures()
    assert "2.1 s lost" in desk.panel.lag.text()


def test_lights_say_it_in_words(desk: DictationDesk) -> None:
    lights = desk.panel.lights
    desk._show_state(LISTENING)
    assert [light.text()[0] for light in (lights.voice, lights.transcribing, lights.stalled)] == ["●", "●", "○"]
    assert lights.voice.accessibleName() == "Somebody is heard speaking"
    desk._show_state(GONE)
    assert [light.text()[0] for light in (lights.voice, lights.transcribing, lights.stalled)] == ["○", "○", "●"]
    assert desk.panel.notice.text.startswith("Headset is not there.")
    assert not desk.panel.notice.isHidden()
    desk._show_state(LISTENING)
    assert desk.panel.notice.isHidden()


def test_what_is_chosen_is_kept(application: Application, desk: DictationDesk, tmp_path: Path) -> None:
    panel = desk.panel
    panel.microphones.setCurrentIndex(2)
    panel.microphones.activated.emit(2)
    assert application.dictation.choice.microphone == "alsa.webcam"
    desk._show_microphones(FOUND[:1])  # somebody pulls it out
    assert panel.microphones.currentText() == "Webcam (not connected)"
    desk._show_microphones(FOUND)
    assert panel.microphones.currentText() == "Webcam"
    panel.keep.click()
    desk._take_file(str(tmp_path / "notes.txt"))
    panel.language.setCurrentIndex(panel.language.findData("de"))
    panel.language.activated.emit(panel.language.currentIndex())
    panel.source.setCurrentIndex(1)
    panel.source.activated.emit(1)
    assert panel.microphones.isHidden()
    choice = application._settings.dictation
    assert (choice.source, choice.language, choice.keep_sound, choice.append) == ("system", "de", False, True)
    assert Path(choice.append_to) == tmp_path / "notes.txt"


def test_a_recording_that_is_picked_is_shown_instead(application: Application, desk: DictationDesk) -> None:
    assert desk.panel.isVisible()
    application.window.recording_picked.emit()
    assert not desk.panel.isVisible()
    desk.menu.show_panel.trigger()
    assert desk.panel.isVisible()
    desk.panel.close_.click()
    assert not desk.panel.isVisible()


def test_closing_asks_once_while_somebody_dictates(application: Application, desk: DictationDesk, qtbot: QtBot) -> None:
    application.dictation._show(LISTENING)
    application.window.close()
    application.window.close()
    [question] = application.window.findChildren(QMessageBox)
    assert "dictation" in question.text()
    question.reject()
    application.dictation._show(DictationState())
    assert application.window.isVisible()
    assert application.window.loss is None


def test_the_rest_of_a_dictation_that_was_cut_short_is_offered(
    application: Application, desk: DictationDesk, qtbot: QtBot
) -> None:
    """By the real engine."""
    samples, rate = soundfile.read(JFK)
    dictations_dir().mkdir(parents=True)
    sound = dictations_dir() / "2026-01-02 03-04-05.flac"
    soundfile.write(sound, samples, rate)
    application.start([])
    recording = application.recordings.begin_live(sound, TranscribeOptions(language="en"))
    said = replace(make_segment(0, "And so my fellow Americans"), start=0.3, end=2.0)
    application.recordings.put_live(recording, [said], replace(make_stats(2.0), settled_s=2.0, n_segments=1))
    application.recordings.end_live(recording, complete=False)
    assert recording.state is State.PAUSED
    application.recordings.restored.emit([recording])
    bar = application.window.message_bar
    assert "middle of a dictation" in bar.text
    assert "0:02" in bar.text
    qtbot.mouseClick(bar._action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: recording.state is State.DONE, timeout=30_000)
    text = recording.transcript.text
    assert text.startswith("And so my fellow Americans")
    assert text.count("fellow") == 1
    assert "what you can do for your country" in text


@pytest.mark.slow
def test_files_wait_while_somebody_dictates(application: Application, desk: DictationDesk, qtbot: QtBot) -> None:
    """And go on as if nothing had been."""
    recordings = application.recordings
    application.start([JFK])
    qtbot.waitUntil(lambda: any(r.state is State.RUNNING for r in application.session), timeout=20_000)
    [recording] = application.session
    recordings.hold()
    assert recording.state is State.WAITING
    qtbot.waitUntil(lambda: recordings._at_work is None, timeout=20_000)
    [other] = recordings.add_again([recording], TranscribeOptions())
    assert (recording.state, other.state) == (State.WAITING, State.WAITING)
    recordings.release()
    qtbot.waitUntil(lambda: recording.state is other.state is State.DONE, timeout=30_000)
    assert recording.transcript.text == other.transcript.text
    assert "your country" in recording.transcript.text


def test_a_file_gets_each_text_below_its_date(application: Application, desk: DictationDesk, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Before", encoding="utf-8")
    desk._take_file(str(path))
    for words in ([" One", " two."], [], [" 三。"]):
        application.dictation._show(LISTENING)
        file = desk._file
        for word in words:
            application.dictation.committed.emit(word)
        application.dictation._show(DictationState())
        application.dictation.finished.emit("".join(words))
        assert file is not None
        file.wait()
    lines = path.read_text("utf-8").split("\n")
    assert lines[0] == "Before"
    assert [line for line in lines if line][2::2] == ["One two.", "三。"]
    assert sum(line.startswith("20") and line[4] == "-" for line in lines) == 2  # dates, only of those with words


def test_a_file_that_cannot_be_written_is_told(
    application: Application, desk: DictationDesk, tmp_path: Path, qtbot: QtBot
) -> None:
    desk._take_file(str(tmp_path))  # a folder
    application.dictation._show(LISTENING)
    application.dictation.committed.emit(" Hello")
    qtbot.waitUntil(lambda: not application.window.message_bar.isHidden())
    assert str(tmp_path.name) in application.window.message_bar.text
    application.dictation._show(DictationState())
    application.dictation.finished.emit(" Hello")
