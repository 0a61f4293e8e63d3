"""A folder is watched by the whole program, without its engine: what is found waits."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import watch_folder, watched_folder
from app.application import Application
from app.document.auto_save import SaveRule
from app.i18n import Translation
from app.settings import Settings
from app.watched_folder import WatchRule
from app.widgets.watch_dialog import WatchDialog
from tests.support.accessibility import missing
from tests.support.legibility import cut_off, faint

TIMEOUT_MS = 20_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where things happen faster than for users."""
    monkeypatch.setattr(watched_folder, "STEADY_S", 0.2)
    monkeypatch.setattr(watch_folder, "GROWING_MS", 250)
    monkeypatch.setattr(watch_folder, "SOON_MS", 20)
    monkeypatch.setattr(watch_folder, "IDLE_MS", 400)
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "window.ini")


def open_list(application: Application, tmp_path: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(application.recordings.restored):
        application.recordings.open(tmp_path / "recordings.sqlite")


def names(application: Application) -> list[str]:
    return [recording.path.name for recording in application.session]


def test_new_files_are_queued_once_across_starts(
    application: Application, settings: Settings, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (folder / "before.mp3").write_bytes(b"1")
    application.window.show()
    open_list(application, tmp_path, qtbot)
    application.watch.choose(WatchRule(folder), with_present=False)
    assert application.window.watch_indicator.isVisible()
    qtbot.waitUntil(lambda: application.watch.is_watching, timeout=TIMEOUT_MS)
    (folder / "deep").mkdir()
    (folder / "deep" / "new.wav").write_bytes(b"1")
    (folder / "new.txt").write_text("a text of ours")
    qtbot.waitUntil(lambda: names(application) == ["new.wav"], timeout=TIMEOUT_MS)
    application.stop()
    again = Application(settings)
    try:
        (folder / "meanwhile.ogg").write_bytes(b"1")
        open_list(again, tmp_path, qtbot)
        qtbot.waitUntil(lambda: len(names(again)) == 2, timeout=TIMEOUT_MS)
        assert names(again) == ["new.wav", "meanwhile.ogg"]
        assert "in" in again.window.watch_indicator.text()
        with qtbot.assertNotEmitted(again.watch.found, wait=1000):
            again.watch.look()
    finally:
        again.stop()
        again.window.deleteLater()


def test_a_folder_that_goes_is_told_and_comes_back(
    application: Application, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    application.window.show()
    application.watch.choose(WatchRule(folder))
    bar, indicator = application.window.message_bar, application.window.watch_indicator
    qtbot.waitUntil(lambda: application.watch.is_watching, timeout=TIMEOUT_MS)
    with qtbot.waitSignal(application.watch.lost, timeout=TIMEOUT_MS):
        folder.rename(tmp_path / "moved")
    assert "not there" in bar.text
    assert indicator.text() == "Not there: in"
    (tmp_path / "moved" / "a.mp3").write_bytes(b"1")
    with qtbot.waitSignal(application.watch.found_again, timeout=TIMEOUT_MS):
        (tmp_path / "moved").rename(folder)
    assert "there again" in bar.text
    qtbot.waitUntil(lambda: names(application) == ["a.mp3"], timeout=TIMEOUT_MS)
    assert indicator.text() == "Watched: in"


def test_it_is_chosen_and_ended_in_the_dialog(
    application: Application, settings: Settings, folder: Path, qtbot: QtBot
) -> None:
    (folder / "before.mp3").write_bytes(b"1")
    application.window.show()
    application.window.actions_.watch.trigger()
    [dialog] = application.window.findChildren(WatchDialog)
    ok = dialog.buttons.buttons()[0]
    assert ok.isEnabled()
    dialog.watch.click()
    assert not ok.isEnabled()
    assert "Choose a folder" in dialog.problem.text()
    dialog.folder.setText(str(folder))
    dialog.recursive.click()
    dialog.present.click()
    ok.click()
    assert Settings(Path(settings._store.fileName())).watch_rule == WatchRule(folder, recursive=False)
    qtbot.waitUntil(lambda: names(application) == ["before.mp3"], timeout=TIMEOUT_MS)
    application.watch.choose(None)
    assert not application.window.watch_indicator.isVisible()
    assert settings.watch_rule is None


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("save_rule", [SaveRule(), SaveRule(("srt", "txt"))])
def test_the_dialog_can_be_read_by_everybody(
    language: str, save_rule: SaveRule, translation: Translation, application: Application, qtbot: QtBot
) -> None:
    translation.use(language)
    dialog = WatchDialog(WatchRule(Path("/media/recorder/inbox")), save_rule)
    qtbot.addWidget(dialog)
    dialog.show()
    assert [*missing(dialog), *cut_off(dialog), *faint(dialog)] == []
    dialog.folder.clear()
    assert [*missing(dialog), *cut_off(dialog), *faint(dialog)] == []
