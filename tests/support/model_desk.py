"""A window of models, and the hands of its user."""

from collections.abc import Callable

from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.model_manager import ModelManager
from app.paths import models_dir
from app.widgets.model_rows import Action
from tests.support.downloads import CONTENT
from tests.support.file_server import FileServer, Turn

TIMEOUT_MS = 120_000
HALF = len(CONTENT) // 2


class Desk:
    """A manager and the hands of its user."""

    def __init__(self, manager: ModelManager, server: FileServer, qtbot: QtBot) -> None:
        self.manager = manager
        self.window = manager.window
        self.server = server
        self.qtbot = qtbot

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until it is so, and shown."""
        self.qtbot.waitUntil(lambda: condition() and not self.manager._repaint.isActive(), timeout=TIMEOUT_MS)

    def open(self) -> None:
        self.manager.show()
        self.wait(lambda: self.window._seen is not None)

    def open_and_fetch_half(self) -> None:
        """Of the first published model; the server sends no more."""
        self.server.turns.append(Turn(stall_after=HALF))
        self.open()
        self.select("first-q5_1")
        self.press("download")
        self.wait(lambda: self.state("first-q5_1").endswith("50 %"))

    def press(self, action: Action) -> None:
        """The button of the details, once it is there."""
        button = self.window.details.buttons[action]
        self.wait(lambda: not button.isHidden() and button.isEnabled())
        button.click()

    def select(self, name: str) -> None:
        """Of a published model, or of a file on this disk."""
        rows = self.window.catalogue.rows
        index = 0 if any(row.key == name for row in rows) else 1
        self.window.tabs.setCurrentIndex(index)
        key = name if index == 0 else next(row.key for row in self.window.disk.rows if row.key.name == name)
        self.window.view.select(key)

    def state(self, name: str) -> str:
        column = len(self.window.catalogue.columns) - 1
        row = self.window.catalogue.row_of(name)
        assert row is not None
        return str(self.window.catalogue.index(row, column).data())

    def answer(self, text: str) -> None:
        """Press a button of the question that is asked."""

        def boxes() -> list[QMessageBox]:
            return [box for box in self.window.findChildren(QMessageBox) if box.isVisible()]

        self.wait(lambda: len(boxes()) == 1)
        next(button for button in boxes()[0].buttons() if button.text() == text).click()

    def wait_for_message(self, start: str) -> None:
        bar = self.window.message_bar
        self.wait(lambda: bar.isVisible() and bar.text.startswith(start))

    def files(self) -> list[str]:
        return sorted(path.name for path in models_dir().iterdir()) if models_dir().exists() else []
