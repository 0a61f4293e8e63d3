"""The dialog of what is saved by itself."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.document.auto_save import SaveRule
from app.i18n import Translation
from app.widgets.save_dialog import SaveDialog
from tests.support.accessibility import missing
from tests.support.legibility import cut_off, faint


@pytest.fixture
def dialog(qtbot: QtBot, translation: Translation) -> SaveDialog:
    dialog = SaveDialog(SaveRule(("srt",), Path("/texts"), "{date} {name}", replace=True))
    dialog.open()
    return dialog


def ok(dialog: SaveDialog) -> bool:
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def test_it_shows_and_gives_back_what_is_in_force(dialog: SaveDialog) -> None:
    assert dialog.form.rule == SaveRule(("srt",), Path("/texts"), "{date} {name}", replace=True)
    assert "interview.srt" in dialog.form.preview.text()


def test_how_subtitles_are_made_is_asked_where_there_are_some(dialog: SaveDialog, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dialog.subtitles_wanted):
        dialog.form.subtitles.click()
    dialog.form.formats["srt"].click()
    assert not dialog.form.subtitles.isEnabled()


def test_what_is_chosen_is_told_once(dialog: SaveDialog, qtbot: QtBot) -> None:
    dialog.form.formats["srt"].click()
    dialog.form.formats["json"].click()
    dialog.form.formats["txt"].click()
    dialog.form.beside.click()
    dialog.form.pattern.setText("  ")
    dialog.form.replace.click()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    assert chosen.args == [SaveRule(("txt", "json"), None, "{name}", replace=False)]


def test_what_is_wrong_is_said_and_cannot_be_chosen(dialog: SaveDialog) -> None:
    dialog.form.pattern.setText("{nmae}")
    assert "{nmae}" in dialog.form.preview.text()
    assert not ok(dialog)
    dialog.form.pattern.setText("{name}")
    assert ok(dialog)
    dialog.form.folder.setText("")
    assert dialog.form.preview.text() == "Choose a folder."
    assert not ok(dialog)
    dialog.form.beside.click()
    assert ok(dialog)
    assert not dialog.form.folder.isEnabled()


def test_without_formats_nothing_is_saved(dialog: SaveDialog) -> None:
    dialog.form.formats["srt"].click()
    assert dialog.form.preview.text() == "Nothing is saved."
    assert ok(dialog)


def test_it_speaks_chinese(dialog: SaveDialog, translation: Translation, qtbot: QtBot) -> None:
    translation.use("zh_CN")
    qtbot.waitUntil(lambda: dialog.windowTitle() == "自动保存")
    assert "interview.srt" in dialog.form.preview.text()


def test_everybody_can_read_and_use_it(dialog: SaveDialog) -> None:
    assert missing(dialog) == []
    assert cut_off(dialog) == []
    assert faint(dialog) == []
