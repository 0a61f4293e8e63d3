"""What this program is, and its version."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app import __version__
from app.paths import APP_NAME, log_file
from app.widgets.texts import translate


def show_about(window: QWidget) -> None:
    text = translate(
        "About",
        "Speech to text on your own machine. Nothing you transcribe leaves this computer.\n\n"
        "Version {version}\nLog file: {log}",
    ).format(version=__version__, log=log_file())
    box = QMessageBox(QMessageBox.Icon.NoIcon, APP_NAME, APP_NAME, parent=window)
    box.setInformativeText(text)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setIconPixmap(window.windowIcon().pixmap(64, 64))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
