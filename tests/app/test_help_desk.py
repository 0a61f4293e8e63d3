"""The log and the problem report as windows, with the real log of this process."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.crash import BadEnd
from app.hooks import install_hooks, take_qt_message
from app.i18n import Translation
from app.log import set_log_level
from app.log_tail import entries_of
from app.paths import log_file
from app.problem_report import Report
from app.settings import Settings
from app.widgets.appearance import DARK, Appearance
from app.widgets.log_window import LogWindow
from app.widgets.report_window import ReportWindow
from tests.support.accessibility import missing
from tests.support.homes import use_home
from tests.support.legibility import cut_off, faint

LINES = [
    "2026-01-01 10:00:00,000 DEBUG MainThread app.x: looks around",
    "2026-01-01 10:00:00,001 INFO engine app.engine.service: job 1 begins: '/talks/Rede.mp3'",
    "2026-01-01 10:00:01,000 WARNING MainThread qt: something is odd",
    "2026-01-01 10:00:02,000 ERROR engine app.y: failed",
    "Traceback (most recent call last):",
    "ValueError: no",
]


@pytest.fixture
def log_window(qtbot: QtBot, appearance: Appearance, translation: Translation) -> LogWindow:
    window = LogWindow(Path("/log/whisperdesktop-ng.log"), "info", appearance)
    qtbot.addWidget(window)
    window.show()
    window.add(entries_of(LINES))
    return window


@pytest.fixture
def report_window(qtbot: QtBot, appearance: Appearance, translation: Translation) -> ReportWindow:
    window = ReportWindow(appearance)
    qtbot.addWidget(window)
    window.show()
    window.show_report(Report("with /talks/Rede.mp3\n", "with <file 1.mp3>\n"))
    return window


@pytest.fixture
def application(application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """With a log in a folder of its own."""
    use_home(tmp_path, monkeypatch)
    log_file().parent.mkdir(parents=True)
    handler = logging.FileHandler(log_file(), encoding="utf-8")
    handler.setFormatter(logging.Formatter("2026-01-01 10:00:00,000 %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    application.help._tail.__init__(log_file())  # type: ignore[misc]
    yield application
    logging.getLogger().removeHandler(handler)
    handler.close()
    set_log_level("info")
    for window in (application.help.log, application.help.report):
        if window is not None:
            window.deleteLater()


def shown(window: LogWindow) -> list[str]:
    return window.model.text.splitlines()


def test_levels_leave_out_whole_entries(log_window: LogWindow, qtbot: QtBot) -> None:
    assert shown(log_window) == LINES
    for index, n_lines in ((1, 5), (2, 4), (3, 3), (0, 6)):
        log_window.levels.setCurrentIndex(index)
        assert shown(log_window) == LINES[-n_lines:]


def test_a_search_finds_entries_by_any_of_their_lines(log_window: LogWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(log_window.search, "VALUEerror")
    assert shown(log_window) == LINES[3:]
    log_window.add(entries_of(["2026-01-01 10:00:03,000 INFO app.x: another", LINES[3]]))
    assert shown(log_window) == [*LINES[3:]]
    log_window.search.setText("no such thing")
    assert log_window._problem.text() == "There is nothing of that kind in the log."
    log_window.search.clear()
    assert not log_window._problem.isVisible()
    assert len(shown(log_window)) == 8


def test_a_traceback_that_comes_late_belongs_to_its_entry(log_window: LogWindow) -> None:
    log_window.levels.setCurrentIndex(3)
    log_window.add(entries_of(["During handling of the above"]))
    assert shown(log_window) == [*LINES[3:], "During handling of the above"]


def test_selected_lines_are_copied_or_all(log_window: LogWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(log_window.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "\n".join(LINES)
    log_window.view.setCurrentIndex(log_window.model.index(2))
    qtbot.keyClick(log_window.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == LINES[2]


def test_it_follows_the_end_until_somebody_looks_elsewhere(log_window: LogWindow, qtbot: QtBot) -> None:
    bar = log_window.view.verticalScrollBar()
    log_window.add(entries_of(LINES * 50))
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    bar.setValue(0)
    log_window.add(entries_of(LINES * 50))
    assert bar.value() == 0


def test_what_is_shown_can_be_saved_and_copied(report_window: ReportWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(report_window.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "with <file 1.mp3>\n"
    qtbot.keyClick(report_window.masked, Qt.Key.Key_Space)
    with qtbot.waitSignal(report_window.save_wanted) as saved:
        qtbot.mouseClick(report_window.save, Qt.MouseButton.LeftButton)
    assert saved.args == ["with /talks/Rede.mp3\n"]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_both_can_be_read_by_everybody(
    log_window: LogWindow, report_window: ReportWindow, translation: Translation, appearance: Appearance, language: str
) -> None:
    translation.use(language)
    for theme in ("light", "dark"):
        appearance.set_choice(theme)  # type: ignore[arg-type]
        for window in (log_window, report_window):
            assert missing(window) == []
            assert cut_off(window) == []
            assert faint(window) == []
    error = log_window.model.index(log_window.model.rowCount() - 1)
    assert log_window.model.data(error, Qt.ItemDataRole.ForegroundRole) == DARK.danger


def test_the_log_is_shown_as_it_grows(application: Application, qtbot: QtBot) -> None:
    log = logging.getLogger("app.test")
    application.help.menu.log.trigger()
    window = application.help.log
    assert window is not None
    log.warning("first")
    qtbot.waitUntil(lambda: "WARNING app.test: first" in window.model.text)
    log.debug("not of interest")
    window.written.setCurrentIndex(0)
    window.written.activated.emit(0)
    log.debug("of interest now")
    qtbot.waitUntil(lambda: "of interest now" in window.model.text)
    assert "not of interest" not in window.model.text
    window.close()
    assert not application.help._clock.isActive()


def test_the_level_is_remembered(tmp_path: Path, qtbot: QtBot) -> None:
    settings = Settings(tmp_path / "window.ini")
    assert settings.log_level == "info"
    settings.log_level = "debug"
    assert Settings(tmp_path / "window.ini").log_level == "debug"


def test_without_a_log_it_says_so(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    application.help._tail.__init__(tmp_path / "none.log")  # type: ignore[misc]
    application.help.show_log()
    window = application.help.log
    assert window is not None
    qtbot.waitUntil(lambda: "No such file or directory" in window._problem.text())
    assert window._problem.isVisible()


def test_a_report_is_one_click_from_the_message(application: Application, qtbot: QtBot, tmp_path: Path) -> None:
    application.window.show()
    application.unexpected.emit("ValueError: a mistake")
    bar = application.window.message_bar
    button = next(button for button in bar.findChildren(QPushButton) if button.text() == "Show report")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    window = application.help.report
    assert window is not None
    qtbot.waitUntil(lambda: "ValueError: a mistake" in window.text.toPlainText())
    assert "Device: " in window.text.toPlainText()
    window.save.click()
    [dialog] = window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "report.txt"))
    qtbot.waitUntil(window.message_bar.isVisible)
    assert "ValueError: a mistake" in (tmp_path / "report.txt").read_text(encoding="utf-8")
    dialog.fileSelected.emit(str(tmp_path / "no folder" / "report.txt"))
    qtbot.waitUntil(lambda: window.message_bar.severity == "error")
    assert "No such file or directory" in window.message_bar.text


def test_a_bad_end_is_told_and_its_trace_shown(application: Application, qtbot: QtBot) -> None:
    application.window.show()
    application.help.take_bad_end(BadEnd("2026-01-01T09:00:00", "0.1", "Fatal Python error: Segmentation fault"))
    bar = application.window.message_bar
    assert bar.severity == "warning"
    next(button for button in bar.findChildren(QPushButton) if button.text() == "Show report").click()
    window = application.help.report
    assert window is not None
    qtbot.waitUntil(lambda: "Segmentation fault" in window.text.toPlainText())
    application.help.menu.report.trigger()
    qtbot.waitUntil(window.copy.isEnabled)
    assert "Segmentation fault" in window.text.toPlainText()
    application.window.close_for_good()
    assert not window.isVisible()


def test_qt_speaks_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Context:
        category = "kms"

    take_qt_message(QtMsgType.QtWarningMsg, Context(), "100 % odd")  # type: ignore[arg-type]
    [record] = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == ("qt.kms", "WARNING", "100 % odd")


def test_nothing_that_fails_goes_unseen(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    import sys
    import threading

    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    told: list[str] = []
    before = qInstallMessageHandler(None)
    try:
        install_hooks(told.append)
        thread = threading.Thread(target=lambda: [][1])
        thread.start()
        thread.join()

        class Bad:
            def __del__(self) -> None:
                raise KeyError("in a destructor")

        Bad()
        sys.excepthook(ValueError, ValueError("on the window's thread"), None)
    finally:
        qInstallMessageHandler(before)
    assert told == ["IndexError: list index out of range", "ValueError: on the window's thread"]
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "ERROR", "CRITICAL"]
    assert all(record.exc_info for record in caplog.records)
