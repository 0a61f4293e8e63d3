"""The window of models with its real parts, and no screen: downloads from a server on this machine, and its looks."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.i18n import Translation
from app.model_manager import ModelManager
from app.models.network import Network
from app.models.settings import NetworkSettings
from app.paths import models_dir, shared_settings_file
from app.widgets.appearance import Appearance
from tests.support.downloads import CONTENT
from tests.support.file_server import Turn
from tests.support.model_desk import HALF, Desk


def test_paused_resumed_and_used(desk: Desk) -> None:
    desk.open_and_fetch_half()
    assert desk.state("first-q5_1") == "Downloading, 50 %"
    [row] = desk.window.jobs.rows
    assert row.title.text() == "Downloading first-q5_1"
    assert row.status.text().replace("\N{NO-BREAK SPACE}", " ").startswith("50 % · 2 MB of 3 MB")
    row.pause.click()
    desk.wait(lambda: desk.state("first-q5_1") == "Paused at 50 %")
    assert desk.files() == ["ggml-first-q5_1.bin.part", "ggml-first-q5_1.bin.part.json"]
    desk.press("resume")
    desk.wait_for_message("first-q5_1 was downloaded and is the published file")
    assert desk.server.ranges == ["", f"bytes={HALF}-"]
    desk.wait(lambda: desk.state("first-q5_1") == "Downloaded")
    assert not desk.window.jobs.isVisible()
    assert (models_dir() / "ggml-first-q5_1.bin").read_bytes() == CONTENT
    with desk.qtbot.waitSignal(desk.manager.model_chosen) as chosen:
        desk.press("use")
    assert chosen.args == [models_dir() / "ggml-first-q5_1.bin"]


def test_cancelled_nothing_is_left(desk: Desk) -> None:
    desk.open_and_fetch_half()
    desk.press("cancel")
    desk.wait(lambda: desk.state("first-q5_1") == "–")
    assert desk.files() == []
    assert not desk.window.details.buttons["download"].isHidden()


def test_what_an_earlier_start_left_is_resumed_or_thrown_away(desk: Desk) -> None:
    desk.open_and_fetch_half()
    desk.manager.stop()  # as the program does at its end
    assert len(desk.files()) == 2
    desk.manager._downloads.clear()  # as a new start would find it
    desk.manager.queue.jobs.clear()
    desk.manager._token = type(desk.manager._token)()
    desk.manager.refresh()
    desk.wait(lambda: desk.state("first-q5_1") == "50 % arrived")
    desk.press("cancel")
    desk.wait(lambda: desk.state("first-q5_1") == "–")
    assert desk.files() == []


def test_one_runs_and_the_others_wait(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    for name in ("first-q5_1", "second-q5_1"):
        desk.select(name)
        desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1") == "Downloading, 50 %")
    assert desk.state("second-q5_1") == "Waiting"
    assert len(desk.server.requests) == 1
    desk.select("first-q5_1")
    desk.press("pause")
    desk.wait(lambda: desk.state("second-q5_1") == "Downloaded")
    assert desk.state("first-q5_1") == "Paused at 50 %"
    desk.window.jobs.rows[0].cancel.click()
    desk.wait(lambda: desk.files() == ["ggml-second-q5_1.bin"])


def test_another_file_is_refused_in_words_and_fetched_again(desk: Desk) -> None:
    desk.server.turns += [Turn(content=bytes(len(CONTENT)))]
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait_for_message("first-q5_1: What arrived is not the published file\n")
    bar = desk.window.message_bar
    assert bar.severity == "error"
    assert "name another mirror in the network settings" in bar.text
    assert desk.window.details.trouble.text().startswith("What arrived is not the published file\n")
    desk.wait(lambda: desk.state("first-q5_1") == "Failed")
    assert desk.files() == []
    desk.server.content = CONTENT
    bar._action.click()  # "Try again"
    desk.wait(lambda: desk.state("first-q5_1") == "Downloaded")


def test_the_switch_is_obeyed_in_words(desk: Desk) -> None:
    desk.manager.queue._downloads._network = lambda: Network(lambda: NetworkSettings(off=True))
    desk.open()
    desk.select("second-q5_1")
    desk.press("download")
    desk.wait_for_message("second-q5_1: The network is switched off\n")
    assert desk.server.requests == []


@pytest.mark.parametrize("dialog", ["network", "folders"])
def test_settings_that_cannot_be_read_are_named(desk: Desk, dialog: str) -> None:
    shared_settings_file().parent.mkdir(parents=True, exist_ok=True)
    shared_settings_file().write_text("{")
    desk.open()
    getattr(desk.window, f"{dialog}_button").click()
    desk.wait_for_message("settings.json: The settings cannot be used\n")


def test_what_was_said_changes_its_language_too(desk: Desk, translation: Translation) -> None:
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait_for_message("first-q5_1 was downloaded")
    translation.use("zh_CN")
    QApplication.processEvents()
    assert re.search("[\u4e00-\u9fff]", desk.window.message_bar.text)


def test_the_window_speaks_chinese_from_one_moment_to_the_next(desk: Desk, translation: Translation) -> None:
    desk.open_and_fetch_half()
    translation.use("zh_CN")
    QApplication.processEvents()
    widgets = [*desk.window.findChildren(QLabel), *desk.window.findChildren(QPushButton)]
    texts = [widget.text() for widget in widgets if widget.isVisible()]
    texts += [desk.window.tabs.tabText(0), desk.window.windowTitle(), desk.state("first-q5_1")]
    english = [text for text in texts if re.search(r"[A-Za-z]{4,}", text) and not re.search("[\u4e00-\u9fff]", text)]
    assert english == ["first-q5_1"]


def test_everything_focusable_has_a_name_for_screen_readers(desk: Desk) -> None:
    desk.open_and_fetch_half()
    focusable = [
        w for w in desk.window.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    named = [w for w in focusable if w.accessibleName() or getattr(w, "text", str)() or w.parentWidget() is None]
    assert len(named) >= 9
    assert [w for w in focusable if w not in named] == []


def test_by_keyboard_from_the_filter_to_the_download(desk: Desk) -> None:
    desk.open()
    window, press = desk.window, desk.qtbot.keyClick
    for key in "second":
        press(window.search, key)
    assert window.catalogue_view.filter.rowCount() == 1
    assert window.tabs.tabText(0) == "Published models (1)"
    press(window.search, Qt.Key.Key_Return)
    assert window.current is not None
    assert window.current.key == "second-q5_1"
    press(window.catalogue_view, Qt.Key.Key_Return)
    desk.wait(lambda: window.current is not None and "use" in window.current.actions)
    press(window.catalogue_view, Qt.Key.Key_Return)
    assert desk.manager._wanted == models_dir() / "ggml-second-q5_1.bin"


def test_the_size_of_the_window_is_remembered(desk: Desk, appearance: Appearance) -> None:
    desk.open()
    desk.window.resize(780, 560)
    desk.window.close()
    again = ModelManager(desk.manager._settings, appearance)
    assert (again.window.width(), again.window.height()) == (780, 560)
    again.stop()
    again.window.deleteLater()
