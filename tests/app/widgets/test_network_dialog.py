"""The dialog of the network's settings: what it shows, what it gives back, what it refuses."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.i18n import Translation
from app.models.settings import NetworkSettings
from app.widgets.appearance import Appearance
from app.widgets.network_dialog import NetworkDialog


@pytest.fixture
def dialog(qtbot: QtBot, appearance: Appearance, translation: Translation) -> NetworkDialog:
    dialog = NetworkDialog(NetworkSettings(True, "http://proxy:80", None, "https://mirror.example"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # the test looks at it afterwards
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def press(dialog: NetworkDialog, qtbot: QtBot, name: str) -> None:
    button = dialog._buttons.button(QDialogButtonBox.StandardButton[name])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_was_shown_comes_back(dialog: NetworkDialog, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dialog.chosen) as caught:
        press(dialog, qtbot, "Ok")
    assert caught.args == [NetworkSettings(True, "http://proxy:80", None, "https://mirror.example")]
    assert not dialog.isVisible()


def test_what_was_changed_comes_back(dialog: NetworkDialog, qtbot: QtBot) -> None:
    dialog.off.click()
    dialog.proxy.field.clear()
    dialog.mirror.field.setText(" http://other.example/ ")
    with qtbot.waitSignal(dialog.chosen) as caught:
        qtbot.keyClick(dialog.proxy.field, Qt.Key.Key_Return)
    assert caught.args == [NetworkSettings(False, "", None, "http://other.example")]


def test_cancel_gives_nothing_back(dialog: NetworkDialog, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(dialog.chosen):
        press(dialog, qtbot, "Cancel")
    assert not dialog.isVisible()


def test_what_is_wrong_is_said_where_it_is(
    dialog: NetworkDialog, qtbot: QtBot, translation: Translation, tmp_path: Path
) -> None:
    (tmp_path / "text.pem").write_text("no certificate\n")
    hint = dialog.ca_file.below.text()
    dialog.ca_file.field.setText(str(tmp_path / "text.pem"))
    dialog.mirror.field.setText("mirror")
    with qtbot.assertNotEmitted(dialog.chosen):
        press(dialog, qtbot, "Ok")
    assert dialog.isVisible()
    assert dialog.focusWidget() is dialog.ca_file.field
    assert dialog.ca_file.below.text().startswith(f"{tmp_path / 'text.pem'} holds no certificate")
    assert dialog.mirror.below.text().startswith("'mirror' is not the address of a mirror. Write it as https://")
    assert dialog.mirror.field.accessibleDescription() == dialog.mirror.below.text()
    assert "HTTPS_PROXY" in dialog.proxy.below.text()
    translation.use("zh_CN")
    qtbot.waitUntil(lambda: "不是镜像地址" in dialog.mirror.below.text())
    translation.use("en")
    qtbot.waitUntil(lambda: dialog.windowTitle() == "Network")
    dialog.ca_file.field.clear()
    qtbot.keyClicks(dialog.ca_file.field, "x")
    assert dialog.ca_file.below.text() == hint
