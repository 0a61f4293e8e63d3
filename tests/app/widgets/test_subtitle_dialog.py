"""The dialog of subtitles."""

import pytest
from pytestqt.qtbot import QtBot

from app.document.subtitles import PLAIN, PRESETS, Layout
from app.i18n import Translation
from app.widgets.subtitle_dialog import SubtitleDialog
from tests.support.accessibility import missing
from tests.support.legibility import cut_off, faint


def open_dialog(qtbot: QtBot, layout: Layout) -> SubtitleDialog:
    dialog = SubtitleDialog(layout)
    qtbot.addWidget(dialog, before_close_func=lambda _dialog: None)
    dialog.open()
    return dialog


@pytest.mark.parametrize("name", PRESETS)
def test_it_shows_and_gives_back_each_preset(qtbot: QtBot, name: str) -> None:
    dialog = open_dialog(qtbot, PRESETS[name])
    assert dialog.layout_ == PRESETS[name]
    assert dialog.preset.currentData() == name


def test_a_preset_sets_the_values_and_a_value_leaves_it(qtbot: QtBot) -> None:
    dialog = open_dialog(qtbot, PLAIN)
    assert not dialog.line_count.isEnabled(), "lines of any length are never broken"
    assert "\n" not in dialog.example.text()
    dialog.preset.setCurrentIndex(dialog.preset.findData("standard"))
    dialog.preset.activated.emit(dialog.preset.currentIndex())
    assert dialog.layout_ == PRESETS["standard"]
    assert max(map(len, dialog.example.text().splitlines())) <= 42
    dialog.speed.stepUp()
    assert dialog.preset.currentText() == "Own values"
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.accept()
    assert chosen.args[0].max_speed == 18


def test_without_a_length_there_is_no_count(qtbot: QtBot) -> None:
    dialog = open_dialog(qtbot, PRESETS["standard"])
    dialog.line_width.setValue(0)
    assert dialog.layout_ == Layout(max_speed=17, max_cjk_speed=9, min_gap_ms=84)


def test_everybody_can_read_and_use_it(qtbot: QtBot, translation: Translation) -> None:
    dialog = open_dialog(qtbot, PRESETS["standard"])
    for code in ("en", "zh_CN", "en"):
        translation.use(code)
        assert missing(dialog) == []
        assert cut_off(dialog) == []
        assert faint(dialog) == []
        assert dialog.layout_ == PRESETS["standard"]
