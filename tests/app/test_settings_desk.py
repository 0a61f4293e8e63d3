"""The window of settings in the whole program: what is chosen there holds, is kept, and can be given back."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.document.auto_save import SaveRule
from app.models.settings import SharedSettings
from app.settings import Settings
from app.widgets.save_dialog import SaveDialog
from app.widgets.settings_window import SettingsWindow
from app.widgets.subtitle_dialog import SubtitleDialog
from gpu.types import TranscribeOptions
from tests.support.accessibility import missing
from tests.support.homes import use_home
from tests.support.legibility import cut_off, faint


@pytest.fixture
def window(application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SettingsWindow]:
    use_home(tmp_path, monkeypatch)
    monkeypatch.delenv("WHISPERDESKTOP_LANG")  # it would beat what is chosen
    application.window.show()
    application.window.actions_.settings.trigger()
    window = application.settings.window
    assert window is not None
    yield window
    application._appearance.set_font_percent(100)


def choose(box, value) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_all_pages_can_be_read_and_used(application: Application, window: SettingsWindow) -> None:
    for language in ("en", "zh_CN"):
        application.window.actions_.language_chosen.emit(language)
        for page in range(window.list.count()):
            window.list.setCurrentRow(page)
            for _ in range(4):  # layouts settle over several turns
                QApplication.processEvents()
            assert [*missing(window), *cut_off(window), *faint(window)] == []


def test_commands_and_the_field_for_keys_speak_the_language(application: Application, window: SettingsWindow) -> None:
    for language, placeholder in (("zh_CN", "点击此处并按下按键"), ("en", "Click here and press the keys")):
        application.window.actions_.language_chosen.emit(language)
        QApplication.processEvents()
        [line] = window.shortcuts.keys.findChildren(QLineEdit)
        assert line.placeholderText() == placeholder
        table = window.shortcuts.table
        names = [item.text() for row in range(table.rowCount()) if (item := table.item(row, 0)) is not None]
        assert not [name for name in names if re.search(r"&|\(\w\)", name)]


def test_looks_hold_at_once_and_are_kept(
    application: Application, window: SettingsWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    size = QApplication.font().pointSizeF()
    choose(window.theme, "dark")
    choose(window.text_size, 150)
    choose(window.language, "zh_CN")
    assert application._appearance.colors.is_dark
    assert QApplication.font().pointSizeF() == pytest.approx(1.5 * size)
    qtbot.waitUntil(lambda: window.windowTitle() == "设置")
    kept = Settings(tmp_path / "window.ini")
    assert (kept.theme, kept.font_percent, kept.interface_language) == ("dark", 150, "zh_CN")


def test_large_texts_have_room_and_headings_stay_larger(
    application: Application, window: SettingsWindow, qtbot: QtBot
) -> None:
    main = application.window
    (recording,) = application.recordings.model.add([Path("talk.wav")], TranscribeOptions())
    main.recordings_view.select(recording)
    main.resize(main.minimumSize())
    for size in (150, 100):
        choose(window.text_size, size)
        for _ in range(4):
            QApplication.processEvents()
        assert cut_off(main) == []
        assert main.page._name.font().pointSizeF() == pytest.approx(1.2 * QApplication.font().pointSizeF())
        assert main.minimumWidth() >= 880
    assert main.minimumWidth() < 1000


def test_looks_that_are_chosen_in_the_menus_show_in_both_windows(
    application: Application, window: SettingsWindow
) -> None:
    actions = application.window.actions_
    for theme, language in (("dark", "zh_CN"), ("light", "en"), ("system", "")):
        for group, value in ((actions._themes, theme), (actions._languages, language)):
            next(action for action in group.actions() if action.data() == value).trigger()
        assert (window.theme.currentData(), window.language.currentData()) == (theme, language)
    choose(window.theme, "dark")
    choose(window.language, "en")
    checked = [group.checkedAction().data() for group in (actions._themes, actions._languages)]
    assert checked == ["dark", "en"]
    actions.notify.trigger()
    assert window.notify.isChecked() is actions.notify.isChecked() is application._settings.notify


def test_files_that_are_written_by_themselves(
    application: Application, window: SettingsWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    def kept() -> SaveRule:
        return Settings(tmp_path / "window.ini").save_rule

    form = window.files
    form.formats["srt"].click()
    form.replace.click()
    assert kept() == SaveRule(("srt",), None, "{name}", replace=True)
    form.in_folder.click()  # which one?
    assert form.preview.text() == "Choose a folder."
    assert kept().folder is None
    form.folder.clear()
    qtbot.keyClicks(form.folder, str(tmp_path))
    form.pattern.selectAll()
    qtbot.keyClicks(form.pattern, "{date} {nam")
    assert "brace" in form.preview.text()
    assert kept() == SaveRule(("srt",), tmp_path, "{date}", replace=True)
    qtbot.keyClicks(form.pattern, "e}")
    assert kept() == SaveRule(("srt",), tmp_path, "{date} {name}", replace=True)
    application.window.actions_.auto_save.trigger()
    [dialog] = application.window.findChildren(SaveDialog)
    assert dialog.form.rule == kept()
    dialog.form.formats["md"].click()
    dialog.accept()
    assert form.rule == kept() == SaveRule(("srt", "md"), tmp_path, "{date} {name}", replace=True)
    form.subtitles.click()
    assert window.findChildren(SubtitleDialog)


def test_the_switch_of_the_network_follows_the_window_of_models(window: SettingsWindow) -> None:
    shared = SharedSettings.load()
    replace(shared, network=replace(shared.network, off=True)).save()
    window.came_forward.emit()
    assert window.network_off.isChecked()


def test_recognition_is_the_same_in_both_windows(application: Application, window: SettingsWindow) -> None:
    main = application.window.options
    window.options.panel.accurate.click()
    assert main.panel.accurate.isChecked()
    assert application._settings.options.beam_size == 5
    main.panel.vad.click()
    assert not window.options.panel.vad.isChecked()


def test_device_and_threads_reach_the_engine(
    application: Application, window: SettingsWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr("app.application.EngineService", lambda *args: made.append(args))
    choose(window.device, "cpu")
    window.threads.setValue(3)
    window.threads.editingFinished.emit()
    assert application._engine_on == ("cpu", 3)
    application._make_service(Path("model.bin"))
    assert made == [(Path("model.bin"), "cpu", 3)]


def test_a_gpu_that_is_gone_stays_chosen(window: SettingsWindow) -> None:
    window.show_devices([("cuda:0", "Some GPU")], "cuda:1")
    assert [window.device.itemData(i) for i in range(window.device.count())] == ["auto", "cpu", "cuda:0", "cuda:1"]
    assert window.device.currentData() == "cuda:1"


def test_the_network_is_off_for_everybody(window: SettingsWindow) -> None:
    window.network_off.click()
    assert SharedSettings.load().network.off
    window.network_off.click()
    assert not SharedSettings.load().network.off


def test_keys_are_changed_refused_and_given_back(
    application: Application, window: SettingsWindow, tmp_path: Path
) -> None:
    page, actions = window.shortcuts, application.window.actions_
    page.table.setCurrentCell(page._names.index("main.retry"), 0)
    page.keys.setKeySequence(QKeySequence("F7"))
    page.keys.editingFinished.emit()
    assert actions.retry.shortcut() == QKeySequence("F7")
    assert Settings(tmp_path / "window.ini").shortcuts == {"main.retry": "F7"}
    page.keys.setKeySequence(QKeySequence("Ctrl+O"))
    page.keys.editingFinished.emit()
    assert actions.retry.shortcut() == QKeySequence("F7")
    assert "Add recordings" in page.problem.text()
    page.none.click()
    assert actions.retry.shortcut().isEmpty()
    page.reset.click()
    assert actions.retry.shortcut() == QKeySequence("Ctrl+R")
    assert Settings(tmp_path / "window.ini").shortcuts == {}


def test_profiles(application: Application, window: SettingsWindow, tmp_path: Path) -> None:
    page, main = window.profiles, application.window.options
    main.choose(TranscribeOptions(language="de", hotwords="Norland"), highlight_words=False)
    page.name.setText("Interviews")
    page.keep.click()
    main.choose(TranscribeOptions())
    assert page.current == "Interviews"
    page.take.click()
    assert main.apply_to(TranscribeOptions()) == TranscribeOptions(language="de", hotwords="Norland")
    assert application._settings.options.language == "de"
    page.name.setText("Gespräche")
    page.rename.click()
    assert list(Settings(tmp_path / "window.ini").profiles) == ["Gespräche"]
    page.delete.click()
    assert Settings(tmp_path / "window.ini").profiles == {}


def test_reset_asks_once_and_leaves_what_is_no_choice(application: Application, window: SettingsWindow) -> None:
    choose(window.theme, "dark")
    application._settings.model = Path("/models/mine.bin")
    window.options.panel.accurate.click()
    window.reset.click()
    [box] = window.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text() == "Reset").click()
    settings = application._settings
    assert (settings.theme, settings.options) == ("system", TranscribeOptions())
    assert settings.model == Path("/models/mine.bin")
    assert not application.window.options.panel.accurate.isChecked()
