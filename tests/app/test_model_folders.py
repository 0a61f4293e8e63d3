"""The folders of models in the window: the same list as the command line's, and what is found in them."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from app.cli import run
from app.i18n import Translation
from app.models.settings import SharedSettings
from app.paths import default_model, models_dir, shared_settings_file
from app.widgets.folders_dialog import FoldersDialog
from tests.support.model_desk import Desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a model in a folder below it."""
    folder = tmp_path / "größer, 模型"
    (folder / "below").mkdir(parents=True)
    shutil.copyfile(default_model(), folder / "below" / "ggml-mine.bin")
    return folder


def open_dialog(desk: Desk) -> FoldersDialog:
    desk.open()
    desk.window.folders_button.click()

    def dialogs() -> list[FoldersDialog]:
        return [dialog for dialog in desk.window.findChildren(FoldersDialog) if dialog.isVisible()]

    desk.wait(lambda: len(dialogs()) == 1)
    return dialogs()[0]


def shown(dialog: FoldersDialog) -> dict[str, str]:
    table = dialog.table
    return {table.index(i, 0).data(): table.index(i, 1).data() for i in range(table.rowCount())}


def pick(desk: Desk, dialog: FoldersDialog, folder: Path) -> None:
    """Choose it in the file dialog that "Add folder…" opens."""
    dialog.add.click()
    [picker] = dialog.findChildren(QFileDialog)
    assert picker.windowTitle() == "Add a folder of models"
    picker.fileSelected.emit(str(folder))
    picker.reject()


def test_added_found_and_removed(desk: Desk, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dialog = open_dialog(desk)
    desk.wait(lambda: shown(dialog) == {str(models_dir()): "none"})
    assert not dialog.remove.isEnabled()
    pick(desk, dialog, folder)
    desk.wait(lambda: shown(dialog) == {str(models_dir()): "none", str(folder): "1"})
    assert SharedSettings.load().folders == (folder,)
    assert [row.found.model.origin for row in desk.window.disk.rows] == ["built in", "your folder"]
    assert run(["models", "folders"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"

    pick(desk, dialog, folder)  # once more: it is there once
    desk.wait(lambda: shown(dialog) == {str(models_dir()): "none", str(folder): "1"})
    assert dialog.view.current is not None
    assert dialog.view.current.path == folder
    desk.qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
    desk.wait(lambda: shown(dialog) == {str(models_dir()): "none"})
    desk.wait(lambda: len(desk.window.disk.rows) == 1)
    assert SharedSettings.load().folders == ()
    assert (folder / "below" / "ggml-mine.bin").exists()


def test_what_the_command_line_added_is_there_and_missed_when_it_is_gone(desk: Desk, folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    assert run(["models", "folders", "add", str(folder)]) == 0
    assert run(["models", "folders", "add", str(gone)]) == 0
    gone.rmdir()
    dialog = open_dialog(desk)
    desk.wait(lambda: shown(dialog) == {str(models_dir()): "none", str(folder): "1", str(gone): "is not there"})
    dialog.view.select(gone)
    assert not dialog.open_.isEnabled()
    dialog.remove.click()
    desk.wait(lambda: len(shown(dialog)) == 2)
    assert SharedSettings.load().folders == (folder,)


def test_origin_and_problem_are_told_in_the_window_s_language(
    desk: Desk, folder: Path, translation: Translation
) -> None:
    (folder / "ggml-half.bin").write_bytes(default_model().read_bytes()[:20_000_000])
    assert run(["models", "folders", "add", str(folder)]) == 0
    desk.open()
    desk.select("ggml-half.bin")
    trouble = desk.window.details.trouble
    assert "is cut short" in trouble.text()
    translation.use("zh_CN")
    desk.wait(lambda: "is cut short" not in trouble.text())
    assert {desk.window.disk.index(i, 3).data() for i in range(3)} == {"内置", "您的文件夹"}
    tip = desk.window.disk.index(2, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == f"{folder / 'ggml-half.bin'}\n{trouble.text()}"
    desk.window.tabs.setCurrentIndex(0)
    assert desk.window.details.reason.text().startswith("推荐")


def test_other_settings_are_kept(desk: Desk, folder: Path) -> None:
    assert run(["models", "network", "--off", "--mirror", "https://mirror.example"]) == 0
    network = SharedSettings.load().network
    pick(desk, open_dialog(desk), folder)
    desk.wait(lambda: SharedSettings.load().folders == (folder,))
    assert SharedSettings.load().network == network


def test_what_cannot_be_kept_is_said_in_the_dialog(desk: Desk, folder: Path, translation: Translation) -> None:
    dialog = open_dialog(desk)
    pick(desk, dialog, folder / "gone")
    desk.wait(lambda: dialog.problem.isVisible())
    assert dialog.problem.text() == f"{folder / 'gone'} is not there, or is no folder. Give a folder that is there."
    shared_settings_file().parent.mkdir(parents=True, exist_ok=True)
    (shared_settings_file().parent / "settings.json.new").mkdir()
    pick(desk, dialog, folder)
    desk.wait(lambda: dialog.problem.text().startswith(f"The settings {shared_settings_file()} cannot be written: "))
    translation.use("zh_CN")
    desk.wait(lambda: "无法写入设置" in dialog.problem.text())
    assert shown(dialog) == {str(models_dir()): "无"}
    translation.use("en")
    (shared_settings_file().parent / "settings.json.new").rmdir()
    pick(desk, dialog, folder)
    desk.wait(lambda: len(shown(dialog)) == 2)
    assert not dialog.problem.isVisible()


def test_the_program_s_own_folder_is_made_and_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    dialog = open_dialog(desk)
    desk.wait(lambda: dialog.view.current is not None)
    dialog.open_.click()
    desk.wait(lambda: opened == [str(models_dir())])
    assert models_dir().is_dir()
