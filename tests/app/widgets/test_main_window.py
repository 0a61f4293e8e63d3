"""The window without an engine: what can be reached by keyboard and screen reader, drops, questions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.engine.messages import JobCancelled, JobFailed, JobFinished, JobSegment, JobStarted, ModelFailed
from app.i18n import Translation
from app.session import Recording, Session
from app.widgets.appearance import Appearance
from app.widgets.main_window import MainWindow
from app.widgets.message_bar import Saying
from app.widgets.recordings_model import RecordingsModel
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_segment, make_stats


@pytest.fixture
def model(qtbot: QtBot) -> RecordingsModel:
    return RecordingsModel(Session())


@pytest.fixture
def window(
    model: RecordingsModel, appearance: Appearance, translation: Translation, qtbot: QtBot
) -> Iterator[MainWindow]:
    window = MainWindow(model, appearance)
    model.setParent(window)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window._may_close = True


@pytest.fixture
def recording(window: MainWindow, model: RecordingsModel, tmp_path: Path) -> Recording:
    (recording,) = model.add([tmp_path / "talk.mp3"], TranscribeOptions())
    window.recordings_view.select(recording)
    return recording


def give_text(window: MainWindow, model: RecordingsModel, recording: Recording, *, over: bool = True) -> None:
    model.session.apply(JobStarted(recording.job_id, recording.path))
    model.session.apply(JobSegment(recording.job_id, make_segment(0)))
    if over:
        model.session.apply(JobFinished(recording.job_id, make_stats(60.0)))
    window.page.refresh()
    window.update_state()


def focusable(window: QWidget) -> list[QWidget]:
    """What the Tab key goes round."""
    widgets, widget = [], window.nextInFocusChain()
    while widget is not window:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(window) and widget.isEnabled():
            widgets.append(widget)
        widget = widget.nextInFocusChain()
    return widgets


def test_everything_focusable_has_a_name_for_screen_readers(
    window: MainWindow, model: RecordingsModel, recording: Recording
) -> None:
    give_text(window, model, recording)
    names = {}
    for widget in focusable(window):
        if not isinstance(widget, QLabel):
            interface_name = widget.accessibleName() or getattr(widget, "text", str)()
            names[widget] = interface_name
    assert len(names) >= 8
    nameless = [widget for widget, name in names.items() if not name]
    assert nameless == []


def test_the_tab_key_reaches_every_control(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot
) -> None:
    give_text(window, model, recording)
    window.activateWindow()
    window.options._language.setFocus()
    seen = set()
    for _ in range(30):
        focus = QApplication.focusWidget()
        assert focus is not None
        seen.add(focus)
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    page = window.page
    assert {page.copy, page.save, page.retry, page.view, window.recordings_view, window._add} <= seen


def test_the_options_open_by_keyboard_and_can_be_reached(window: MainWindow, qtbot: QtBot) -> None:
    panel, button = window.options.panel, window._options_button
    fields = {panel.vad, panel.split_channels, panel.accurate, panel.prompt, panel.hotwords}
    assert fields.isdisjoint(focusable(window))
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert panel.isVisible()
    assert button.isChecked()
    assert fields <= set(focusable(window))
    chain = focusable(window)
    assert chain.index(button) < chain.index(panel.vad) < chain.index(panel.hotwords)
    assert chain.index(panel.hotwords) < chain.index(window.drop_area._files), "in the order of the eye"
    panel.vad.click()
    assert button.text() == "Options (1)"
    button.click()
    assert not panel.isVisible()
    assert not window.actions_.options.isChecked()


def drop(window: MainWindow, urls: list[QUrl]) -> None:
    data = QMimeData()
    data.setUrls(urls)
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, data, buttons, keys))
    assert window.drop_area.isVisible()
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, buttons, keys))


def test_dropped_paths_are_passed_on_unharmed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    paths = [tmp_path / "ünï côdé 日本 %41#x.wav", tmp_path / "folder"]
    with qtbot.waitSignal(window.intake.paths_added) as signal:
        drop(window, [QUrl.fromLocalFile(str(path)) for path in paths])
    assert signal.args == [paths]


def test_a_drop_from_the_web_is_explained(window: MainWindow, qtbot: QtBot, recording: Recording) -> None:
    with qtbot.assertNotEmitted(window.intake.paths_added):
        drop(window, [QUrl("https://example.org/talk.mp3")])
    assert window.message_bar.isVisible()
    assert "Only files on this computer" in window.message_bar.text
    assert window.page.isVisible()  # the drop area has gone again


def test_the_drop_area_is_there_when_nothing_else_is(window: MainWindow, model: RecordingsModel, qtbot: QtBot) -> None:
    assert window.drop_area.isVisible()
    (recording,) = model.add([Path("/a.wav")], TranscribeOptions())
    window.recordings_view.select(recording)
    assert window.page.isVisible()
    window.commands.remove_requested.connect(model.remove)
    window.recordings_view.setFocus()
    qtbot.keyClick(window.recordings_view, Qt.Key.Key_Delete)
    window.update_state()
    assert window.drop_area.isVisible()


def test_closing_asks_once_while_something_runs(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot
) -> None:
    for _ in range(2):
        event = QCloseEvent()
        window.closeEvent(event)
        assert not event.isAccepted()
    (box,) = window.findChildren(QMessageBox)
    assert box.defaultButton().text() == "Keep working"
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(QMessageBox))
    assert window.isVisible()
    window.closeEvent(QCloseEvent())
    (box,) = window.findChildren(QMessageBox)
    quit_button = next(button for button in box.buttons() if button.text() == "Quit")
    with qtbot.waitSignal(window.closing):
        qtbot.mouseClick(quit_button, Qt.MouseButton.LeftButton)
    assert not window.isVisible()


@pytest.mark.parametrize(("kept", "words"), [(True, "goes on when"), (False, "is lost")])
def test_closing_says_what_becomes_of_it(window: MainWindow, recording: Recording, kept: bool, words: str) -> None:
    window.recordings_are_kept = kept
    window.closeEvent(QCloseEvent())
    (box,) = window.findChildren(QMessageBox)
    assert words in box.informativeText()


def test_closing_does_not_ask_when_nothing_runs(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot
) -> None:
    model.session.apply(JobCancelled(recording.job_id, None))
    with qtbot.waitSignal(window.closing):
        assert window.close()


def test_unsaved_text_is_not_removed_without_a_question(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot
) -> None:
    give_text(window, model, recording)
    with qtbot.assertNotEmitted(window.commands.remove_requested):
        window.actions_.remove.trigger()
    (box,) = window.findChildren(QMessageBox)
    assert "talk.mp3" in box.text()
    remove = next(button for button in box.buttons() if button.text() == "Remove")
    with qtbot.waitSignal(window.commands.remove_requested):
        qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)


def test_saved_text_is_removed_at_once(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot
) -> None:
    give_text(window, model, recording)
    recording.is_saved = True
    with qtbot.waitSignal(window.commands.remove_requested):
        window.actions_.remove.trigger()


@pytest.mark.parametrize("over", [True, False])
def test_saving_proposes_a_name_beside_the_recording(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot, over: bool
) -> None:
    give_text(window, model, recording, over=over)
    window.commands.ask_where_to_save("srt")
    (dialog,) = window.findChildren(QFileDialog)
    expected = recording.path.parent / "talk.srt"
    assert Path(dialog.selectedFiles()[0]) == expected
    with qtbot.waitSignal(window.commands.save_requested) as signal:
        dialog.accept()
    assert signal.args == [recording, expected, "srt"]


def test_a_partial_text_says_so_in_its_name(window: MainWindow, model: RecordingsModel, recording: Recording) -> None:
    give_text(window, model, recording, over=False)
    model.session.apply(JobCancelled(recording.job_id, None))
    window.commands.ask_where_to_save("txt")
    (dialog,) = window.findChildren(QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "talk.partial.txt"


def test_the_name_typed_decides_the_format(
    window: MainWindow, model: RecordingsModel, recording: Recording, qtbot: QtBot, tmp_path: Path
) -> None:
    give_text(window, model, recording)
    window.commands.ask_where_to_save("txt")
    (dialog,) = window.findChildren(QFileDialog)
    dialog.findChild(QLineEdit, "fileNameEdit").setText("other.json")
    with qtbot.waitSignal(window.commands.save_requested) as signal:
        dialog.accept()
    assert signal.args == [recording, tmp_path / "other.json", "json"]


def test_choosing_another_format_changes_the_ending(
    window: MainWindow, model: RecordingsModel, recording: Recording
) -> None:
    give_text(window, model, recording)
    window.commands.ask_where_to_save("txt")
    (dialog,) = window.findChildren(QFileDialog)
    srt = next(text for text in dialog.nameFilters() if "*.srt" in text)
    dialog.selectNameFilter(srt)
    dialog.filterSelected.emit(srt)
    assert Path(dialog.selectedFiles()[0]).name == "talk.srt"


def test_pickers_know_recordings_by_their_endings(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.intake.suffixes = frozenset({".mp3", ".wav"})
    window.intake.folder = tmp_path
    window.actions_.add_files.trigger()
    (dialog,) = window.findChildren(QFileDialog)
    assert "(*.mp3 *.wav)" in dialog.nameFilters()[0]
    with qtbot.waitSignal(window.intake.paths_added) as signal:
        dialog.filesSelected.emit([str(tmp_path / "a.mp3")])
    assert signal.args == [[tmp_path / "a.mp3"]]


def test_the_title_tells_how_far_it_is(window: MainWindow, model: RecordingsModel, recording: Recording) -> None:
    assert window.windowTitle() == "WhisperDesktop NG"
    give_text(window, model, recording, over=False)
    assert window.windowTitle() == "0 % · talk.mp3 – WhisperDesktop NG"


def test_the_window_changes_its_language_while_it_runs(
    window: MainWindow, translation: Translation, qtbot: QtBot
) -> None:
    translation.use("zh_CN")
    qtbot.waitUntil(lambda: window._add.text() == "添加录音…")
    assert window.actions_.add_files.text() == "添加录音(&A)…"
    assert window.status_panel._names[0].text() == "设备"


def test_long_names_do_not_widen_the_window(
    window: MainWindow, model: RecordingsModel, qtbot: QtBot, translation: Translation
) -> None:
    name = "x" * 240
    (recording,) = model.add([Path(f"/{name}/{name}.wav")], TranscribeOptions())
    failed = JobFailed(recording.job_id, recording.path, "AudioNotFoundError", f"There is no file {name}.", name)
    model.session.apply(failed)
    window.recordings_view.select(recording)
    window.message_bar.say("error", lambda: Saying(name, f"{name}\n{name}", "Choose"))
    window.status_panel.show_model(ModelFailed(Path(f"/{name}.bin"), name, name, "DamagedModelError"))
    window.resize(window.minimumSize())
    qtbot.waitUntil(lambda: window.centralWidget().layout().minimumSize().width() <= window.minimumWidth())
    assert window.width() == window.minimumWidth()
