import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.elided_label import ElidedLabel
from app.widgets.header_row import READABLE, SPACING, HeaderRow

NAME = "Interview with Ms. Dashwood, second part of three, in the library.mp3"


class Parts:
    def __init__(self, qtbot: QtBot) -> None:
        self.name, self.badge = ElidedLabel(), QLabel("Partial")
        self.name.setText(NAME)
        self.buttons = [QPushButton(text) for text in ("Resume", "Transcribe again", "Copy", "Save as")]
        self.row = HeaderRow(self.name, self.badge, self.buttons)
        qtbot.addWidget(self.row)
        self.row.show()
        qtbot.waitExposed(self.row)

    @property
    def least_width(self) -> int:
        """Where a readable part of the name, the badge and the buttons stand side by side."""
        widths = [widget.sizeHint().width() for widget in (self.badge, *self.buttons) if widget.isVisible()]
        return READABLE * self.name.fontMetrics().averageCharWidth() + sum(width + SPACING for width in widths)


@pytest.fixture
def parts(qtbot: QtBot) -> Parts:
    return Parts(qtbot)


def test_buttons_go_below_where_they_do_not_fit(parts: Parts, qtbot: QtBot) -> None:
    for missing, broken in ((0, False), (1, True), (0, False), (100, True)):
        parts.row.resize(parts.least_width - missing, 80)
        qtbot.waitUntil(lambda broken=broken: parts.row.is_broken is broken)
        parts.row.layout().activate()
        shown = [parts.name, parts.badge, *parts.buttons]
        assert all(parts.row.rect().contains(widget.geometry()) for widget in shown)
        assert (parts.buttons[0].y() >= parts.name.geometry().bottom()) is broken
        assert all(button.width() >= button.sizeHint().width() for button in parts.buttons)
        assert parts.name.width() >= READABLE * parts.name.fontMetrics().averageCharWidth()


def test_what_comes_and_goes_counts(parts: Parts, qtbot: QtBot) -> None:
    parts.row.resize(parts.least_width, 80)
    assert not parts.row.is_broken
    parts.buttons[0].setText("Resume where it was stopped")
    qtbot.waitUntil(lambda: parts.row.is_broken)
    parts.buttons[1].hide()
    qtbot.waitUntil(lambda: not parts.row.is_broken)
    parts.buttons[1].show()
    qtbot.waitUntil(lambda: parts.row.is_broken)
    parts.name.setText("a.mp3")  # short names need less
    parts.badge.hide()
    parts.buttons[0].setText("Resume")
    qtbot.waitUntil(lambda: not parts.row.is_broken)


def test_it_can_become_as_narrow_as_its_wider_line(parts: Parts) -> None:
    buttons = sum(button.sizeHint().width() for button in parts.buttons) + 3 * SPACING
    parts.row.resize(2000, 80)
    assert not parts.row.is_broken
    assert parts.row.minimumSizeHint().width() == buttons
