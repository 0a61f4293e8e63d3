"""The first start, with what this machine really has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.gpu import GpuFacts, GpuOverview
from app.settings import Settings
from app.widgets.welcome_panel import WelcomePanel
from gpu.types import Words
from tests.support.accessibility import missing
from tests.support.homes import use_home
from tests.support.legibility import cut_off, faint


@pytest.fixture
def panel(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> Iterator[WelcomePanel]:
    use_home(tmp_path, monkeypatch)
    monkeypatch.delenv("WHISPERDESKTOP_LANG")
    application.window.show()
    application.welcome.start()
    panel = application.welcome.panel
    assert panel is not None
    texts = (panel.gpu_text, panel.model_text, panel.microphone_text)
    qtbot.waitUntil(lambda: all(text.text() != "Looking…" for text in texts))
    yield panel
    application.welcome.stop()


def test_it_says_what_is_there_in_both_languages(application: Application, panel: WelcomePanel) -> None:
    for language in ("en", "zh_CN"):
        application.window.actions_.language_chosen.emit(language)
        for _ in range(4):  # layouts settle over several turns
            QApplication.processEvents()
        found = [*missing(panel), *cut_off(application.window), *faint(application.window)]
        assert found == []


def test_a_gpu_is_offered(application: Application, panel: WelcomePanel, qtbot: QtBot) -> None:
    gpu = GpuFacts(0, "NVIDIA Something", "8.6", 8 << 30, has_passed=False)
    application.welcome._show_gpu(GpuOverview(Words("CuPy is missing."), Words("Get it."), (gpu,), lacks_packages=True))
    assert "NVIDIA Something" in panel.gpu_text.text()
    with qtbot.waitSignal(application.window.gpu_requested):
        application.window.gpu_requested.disconnect(application.gpu.show)  # its window is another test's
        panel.gpu.click()


def test_skipped_once_it_never_comes_again(application: Application, panel: WelcomePanel, tmp_path: Path) -> None:
    panel.skip.click()
    assert application.welcome.panel is None
    assert Settings(tmp_path / "window.ini").welcomed
    application.welcome.start()
    assert application.welcome.panel is None


def test_the_menu_brings_it_back_in_a_window_of_its_own(
    application: Application, panel: WelcomePanel, tmp_path: Path, qtbot: QtBot
) -> None:
    application.window.actions_.welcome.trigger()
    assert Settings(tmp_path / "window.ini").welcomed  # it is not offered twice
    dialog = application.welcome.dialog
    assert dialog is not None
    assert application.welcome.panel is dialog.panel
    assert dialog.panel is not panel
    qtbot.waitExposed(dialog)
    qtbot.waitUntil(lambda: dialog.panel.gpu_text.text() != "Looking…")
    qtbot.waitUntil(lambda: dialog.panel.model_text.text() != "Looking…")
    application.window.actions_.welcome.trigger()
    assert application.welcome.dialog is dialog
    for language in ("en", "zh_CN"):
        application.window.actions_.language_chosen.emit(language)
        for _ in range(4):
            QApplication.processEvents()
        assert [*missing(dialog), *cut_off(dialog), *faint(dialog)] == []
    dialog.panel.skip.click()
    assert application.welcome.panel is application.welcome.dialog is None
    application.window.actions_.welcome.trigger()
    assert application.welcome.dialog is not None
    application.window.close()
    assert application.welcome.dialog is None


def test_a_microphone_that_opens_too_late_is_given_back(application: Application, panel: WelcomePanel) -> None:
    application.welcome._follow(WelcomePanel(), None)
    assert not application.welcome._tick.isActive()
