"""Dictation into other programs in the window: settings, overlay, tray; where no keys can be pressed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from app.anywhere.rules import Rules
from app.anywhere_desk import AnywhereDesk
from app.application import Application
from app.capture.states import CaptureState
from app.i18n import Translation
from app.widgets.dictation_overlay import DictationOverlay
from app.widgets.dictation_tray import DictationTray
from gpu.errors import ExplainedError
from gpu.types import Words
from tests.support.accessibility import missing
from tests.support.legibility import cut_off, faint
from tests.support.scripted_dictation import ScriptedDictation


@pytest.fixture
def dictation() -> ScriptedDictation:
    return ScriptedDictation()


@pytest.fixture
def desk(application: Application, dictation: ScriptedDictation) -> Iterator[AnywhereDesk]:
    application.window.show()
    parts = (application._settings, application._appearance, application.notices, application.settings)
    desk = AnywhereDesk(application.window, dictation, *parts)  # type: ignore[arg-type]
    yield desk
    desk.close()


def shown(overlay: DictationOverlay | None) -> str:
    assert overlay is not None
    assert overlay.isVisible()
    return " | ".join(label.text() for label in overlay.findChildren(QLabel) if label.text())


def test_without_a_hotkey_nothing_is_taken_or_made(desk: AnywhereDesk, application: Application) -> None:
    desk.start()
    assert desk._anywhere is None
    assert desk.tray is None
    assert desk.overlay is None


def test_the_menu_leads_to_the_settings(application: Application) -> None:
    application.window.show()
    application.dictating.menu.anywhere.trigger()
    window, page = application.settings.window, application.anywhere.page
    assert window is not None
    assert page is not None
    assert window.isVisible()
    assert page.isVisible()


def test_what_is_said_is_shown_and_gets_to_the_clipboard(
    desk: AnywhereDesk, dictation: ScriptedDictation, qtbot: QtBot
) -> None:
    QGuiApplication.clipboard().setText("before")
    desk._window.hide()  # another program has the keyboard
    qtbot.waitUntil(lambda: QApplication.activeWindow() is None)
    desk.toggle()
    overlay = desk.overlay
    assert "Listening" in shown(overlay)
    dictation.tentative_changed.emit(" maybe")
    assert "maybe</i>" in shown(overlay)
    dictation.say(" Dear <John>,", " new", " line,", " how are you?")
    assert "Dear &lt;John&gt;," in shown(overlay)
    assert QGuiApplication.clipboard().text() == "Dear <John>,\nhow are you?"
    dictation.say(" Scratch", " that.")
    assert QGuiApplication.clipboard().text() == "Dear <John>,\n"
    desk.toggle()
    assert overlay is not None
    assert not overlay.isVisible()


def test_what_is_dictated_in_the_window_goes_nowhere_else(desk: AnywhereDesk, dictation: ScriptedDictation) -> None:
    QGuiApplication.clipboard().setText("before")
    assert desk.anywhere.is_active is False
    dictation.start()
    dictation.say(" private")
    dictation.stop()
    assert QGuiApplication.clipboard().text() == "before"
    assert desk.overlay is None


def test_trouble_and_failure_are_told(desk: AnywhereDesk, dictation: ScriptedDictation) -> None:
    desk.toggle()
    dictation.show(device=CaptureState("muted", "The headset", 0.0))
    assert "The headset is muted. Switch it on" in shown(desk.overlay)
    dictation.failed.emit(ExplainedError(Words("It broke."), remedy=Words("Mend it.")))
    dictation.stop()
    assert "It broke. Mend it." in shown(desk.overlay)
    assert desk.overlay is not None
    desk.overlay.stop.click()
    assert not desk.overlay.isVisible()


def test_settings_are_kept_and_hold_at_once(desk: AnywhereDesk, application: Application, qtbot: QtBot) -> None:
    desk.show_settings()
    page = desk.page
    assert page is not None
    page.hotkey.setKeySequence(QKeySequence("Ctrl+Alt+D"))
    page.hotkey.editingFinished.emit()
    assert page.problem.text().startswith("This desktop lets no program have a hotkey.")
    page.way.setCurrentIndex(page.way.findData("clipboard"))
    page.way.activated.emit(2)
    page.commands.click()
    page.replacements.add.click()
    page.replacements.table.item(0, 0).setText("my mail")
    page.replacements.table.item(0, 1).setText("me@x.org")
    expected = Rules("Ctrl+Alt+D", way="clipboard", commands=False, replacements=(("my mail", "me@x.org"),))
    assert application._settings.anywhere == expected
    assert desk.anywhere.rules == expected
    page.replacements.table.selectRow(0)
    page.replacements.remove.click()
    page.no_hotkey.click()
    assert application._settings.anywhere == replace(expected, hotkey="", replacements=())
    assert page.problem.text() == ""
    application.settings._reset()
    assert application._settings.anywhere == desk.anywhere.rules == Rules()
    assert page.commands.isChecked()


@pytest.mark.parametrize("keys", ["A", "Shift+Space", "Ctrl+V", "Ctrl+Shift+V", "Return"])
def test_a_hotkey_takes_nothing_that_is_typed(desk: AnywhereDesk, application: Application, keys: str) -> None:
    application._settings.anywhere = Rules("F9")
    desk.show_settings()
    page = desk.page
    assert page is not None
    page.hotkey.setKeySequence(QKeySequence(keys))
    page.hotkey.editingFinished.emit()
    assert application._settings.anywhere.hotkey == "F9"
    assert page.problem.text().startswith(f"{keys} is needed for typing")
    assert page.hotkey.keySequence() == QKeySequence("F9")


def test_in_this_program_it_goes_into_the_field_with_the_cursor(
    desk: AnywhereDesk, dictation: ScriptedDictation, application: Application, qtbot: QtBot
) -> None:
    """Pasted, it would be another command here."""
    QGuiApplication.clipboard().setText("before")
    field = QLineEdit("x")
    qtbot.addWidget(field)
    field.show()
    field.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    desk.toggle()
    dictation.say(" good 🎉")
    dictation.say(" bad 🎉")
    assert field.text() == "xgood 🎉 bad 🎉"
    dictation.say(" scratch that.")
    assert field.text() == "xgood 🎉"
    assert QGuiApplication.clipboard().text() == "before"


def test_a_hotkey_that_cannot_be_had_is_told_at_the_start(desk: AnywhereDesk, application: Application) -> None:
    application._settings.anywhere = Rules("F9")
    desk.start()
    assert "This desktop lets no program have a hotkey." in application.window.message_bar.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_be_read(
    application: Application, desk: AnywhereDesk, theme: str, translation: Translation, qtbot: QtBot
) -> None:
    application._appearance.set_choice(theme)  # type: ignore[arg-type]
    desk.show_settings()
    desk.toggle()
    overlay, window = desk.overlay, application.settings.window
    assert overlay is not None
    assert window is not None
    for language in ("zh_CN", "en"):
        translation.use(language)
        for text in ("", " a long text that goes on" * 12, "一二三四五六七八九十" * 20):
            overlay.add_committed(text)
            for widget in (window, overlay):
                assert missing(widget) == cut_off(widget) == faint(widget) == []


def test_the_tray_says_what_it_does(application: Application, qtbot: QtBot) -> None:
    tray = DictationTray(application.window.windowIcon())
    assert [a.text() for a in tray.menu.actions() if a.text()] == ["Dictate", "Open the window", "Quit"]
    tray.show_active(True)
    assert tray.dictate.text() == "End dictation"
    for action, signal in (
        (tray.dictate, tray.dictate_wanted),
        (tray.open, tray.open_wanted),
        (tray.quit, tray.quit_wanted),
    ):
        with qtbot.waitSignal(signal):
            action.trigger()
    tray.close()
