"""The measures themselves: what is wrong is found, what is right is not."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.support.accessibility import missing
from tests.support.legibility import contrast, cut_off, faint


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    window.setStyleSheet("background: white; color: black")
    QVBoxLayout(window)
    qtbot.addWidget(window)
    window.show()
    return window


def add(window: QWidget, widget: QWidget) -> None:
    window.layout().addWidget(widget)
    widget.show()
    window.adjustSize()


def test_the_measure_of_contrast_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_control_without_words_is_found(window: QWidget) -> None:
    add(window, QPushButton(toolTip="Writes it to a file"))
    add(window, QPushButton("Save"))
    assert missing(window) == ["QPushButton '': no name", "QPushButton 'Save': no description"]


def test_a_control_that_tab_passes_over_is_found(window: QWidget) -> None:
    button = QPushButton("Save", toolTip="Writes it to a file")
    add(window, button)
    assert missing(window) == []
    button.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    assert missing(window) == ["QPushButton 'Save': the Tab key does not reach it"]


def test_texts_that_are_cut_off_are_found(window: QWidget) -> None:
    label = QLabel("A sentence of some words")
    add(window, label)
    assert cut_off(window) == []
    label.setFixedWidth(40)
    assert len(cut_off(window)) == 1
    label.setWordWrap(True)
    label.setFixedHeight(20)
    assert len(cut_off(window)) == 1


def test_faint_texts_are_found(window: QWidget) -> None:
    add(window, QLabel("Legible"))
    assert faint(window) == []
    add(window, QLabel("Faint", styleSheet="color: #aaaaaa"))
    assert ["Faint" in problem for problem in faint(window)] == [True]
