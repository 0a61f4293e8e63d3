"""The window of GPU support with its real parts, and no screen: wheels from a server on this machine, the self-test."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import __version__
from app.application import Application
from app.engine.gpu import gpu_overview
from app.gpu_pack.packages import NoGpuPackError
from app.gpu_work import GpuSight, look_around
from app.i18n import Translation
from app.model_work import JobState, trouble_of
from app.models.network import Network
from app.models.settings import NetworkSettings
from app.widgets.appearance import Appearance
from gpu.types import Words
from tests.support.file_server import FileServer, Turn, serving
from tests.support.gpu_desk import NO_DRIVER, PASSED, READY, WHEELS, GpuDesk, pack_of
from tests.support.homes import use_home

HALF = len(WHEELS[0]) // 2


@pytest.fixture
def servers() -> Iterator[list[FileServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(content)) for content in WHEELS]


@pytest.fixture
def desk(
    servers: list[FileServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    translation: Translation,
    appearance: Appearance,
    qtbot: QtBot,
) -> Iterator[GpuDesk]:
    """Not shown yet."""
    use_home(tmp_path, monkeypatch)
    desk = GpuDesk(appearance, pack_of(servers, tmp_path / "gpu"), qtbot)
    yield desk
    desk.manager.stop()
    desk.window.close()
    desk.window.deleteLater()


def start_and_stall(desk: GpuDesk, server: FileServer) -> None:
    """Half of the first wheel arrives; the server sends no more."""
    server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.window.pack_card.enable.click()
    desk.wait(lambda: desk.window.pack_card.status.text().startswith("33 %"))


def files(desk: GpuDesk) -> list[str]:
    return sorted(name for _, _, names in os.walk(desk.pack.home) for name in names)  # folders may go meanwhile


@pytest.mark.slow
def test_fetched_tested_and_reported(desk: GpuDesk, servers: list[FileServer], tmp_path: Path) -> None:
    """Paused and gone on with on the way. What was fetched is no CuPy: the real self-test finds no GPU to use."""
    start_and_stall(desk, servers[0])
    card, window = desk.window.pack_card, desk.window
    assert not window.run.isEnabled()
    card.pause.click()
    desk.wait(lambda: card.pause.text() == "Res&ume")
    assert "CuPy-1.0-py3-none-any.whl.part" in files(desk)
    desk.overview = NO_DRIVER
    card.pause.click()
    desk.wait(window.cancel.isVisible)
    assert desk.pack.is_installed
    assert servers[0].ranges == ["", f"bytes={HALF}-"]
    assert not window.save.isEnabled()
    desk.wait(window.save.isEnabled)
    outcomes, what, details = zip(*desk.rows(), strict=True)
    assert (outcomes[0], what[0]) == ("Passed", "A recording on the CPU")
    assert set(outcomes[1:]) == {"Skipped"}
    assert "ask what you can do for your country" in details[0]
    assert window.summary.text() == f"Nothing failed. 1 passed, 0 failed, {len(outcomes) - 1} skipped"
    desk.manager._save(str(tmp_path / "report.json"))
    desk.wait_for_message("Saved as ")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["version"], report["model"]) == (__version__, "ggml-base-q5_1.bin")
    assert [row["outcome"] for row in report["checks"]] == [outcome.lower() for outcome in outcomes]
    desk.manager._save(str(tmp_path / "no such folder" / "report.json"))
    desk.wait_for_message("report.json: The file could not be written\nNo such file or directory")


@pytest.mark.long
def test_stopped_between_two_checks(desk: GpuDesk) -> None:
    desk.open()
    desk.window.run.click()
    desk.wait(desk.window.cancel.isVisible)
    desk.window.cancel.click()
    desk.wait(desk.window.run.isEnabled)
    assert not desk.window.cancel.isVisible()
    work = desk.manager._work
    assert work is not None
    assert work.state is JobState.CANCELLED
    assert work.trouble is None


@pytest.mark.parametrize("paused", [True, False])
def test_cancelled_nothing_is_left(desk: GpuDesk, servers: list[FileServer], paused: bool) -> None:
    start_and_stall(desk, servers[0])
    card = desk.window.pack_card
    if paused:
        card.pause.click()
        desk.wait(lambda: card.pause.text() == "Res&ume")
    card.cancel.click()
    desk.wait(card.enable.isEnabled)
    desk.wait(lambda: files(desk) == [])
    assert not card.bar.isVisible()


def test_the_switch_is_obeyed_in_words(desk: GpuDesk, servers: list[FileServer]) -> None:
    desk.network = Network(lambda: NetworkSettings(off=True))
    desk.open()
    desk.window.pack_card.enable.click()
    desk.wait_for_message("GPU support: The network is switched off\n")
    desk.wait(desk.window.pack_card.enable.isEnabled)
    assert [server.requests for server in servers] == [[], []]


def test_refused_in_words_and_tried_again(desk: GpuDesk, servers: list[FileServer]) -> None:
    servers[0].turns.append(Turn(status=404))
    desk.open()
    desk.window.pack_card.enable.click()
    desk.wait_for_message("GPU support: The server does not give the file\n")
    servers[0].turns.append(Turn(stall_after=HALF))
    desk.window.message_bar._action.click()
    desk.wait(lambda: desk.window.pack_card.status.text().startswith("33 %"))


def test_what_fetching_brings_stands_there_before(desk: GpuDesk) -> None:
    desk.open()
    card = desk.window.pack_card
    assert card.enable.text().replace("\N{NO-BREAK SPACE}", " ") == "&Enable GPU support (300 kB)"
    assert re.search(
        r"CuPy 1\.0: 200.kB, licence MIT\nNVRTC 1\.0: 100.kB, licence NVIDIA\nFrom pypi", card.packages.text()
    )
    machine = desk.window.machine_card
    assert "CuPy is not installed" in machine.cause.text()
    assert re.search(r"0: .*3060 · 12\.9.GB · compute capability 8\.6 · has not passed", machine.gpus.text())


def test_where_fetching_does_not_help_it_is_not_offered(desk: GpuDesk) -> None:
    desk.overview = NO_DRIVER
    desk.open()
    assert not desk.window.pack_card.enable.isEnabled()
    assert desk.window.run.isEnabled()
    assert desk.window.machine_card.remedy.text().startswith("If there is an NVIDIA GPU, install its driver")


def test_a_system_without_a_pack_is_told_so(desk: GpuDesk) -> None:
    error = NoGpuPackError(
        Words("There is no GPU support for {system} with Python {python}.", system="x", python="y"),
        remedy=Words("Choose one of these."),
    )
    desk.manager._look = lambda: GpuSight(desk.overview, None, trouble_of(error, ""))
    desk.open()
    assert not desk.window.pack_card.enable.isEnabled()
    assert desk.window.machine_card.remedy.text().startswith("There is no GPU support for x")


def test_the_model_is_loaded_anew_when_another_device_is_used(desk: GpuDesk) -> None:
    desk.overview = READY
    desk.open()
    assert desk.window.run.property("primary")
    desk.overview = PASSED
    with desk.qtbot.waitSignal(desk.manager.use_changed):
        desk.manager.refresh()
    assert desk.window.message_bar.text == "The GPU is used from now on: the model is loaded anew"
    assert desk.window.machine_card.remedy.text() == "It has passed the self-test and is used."
    desk.overview = READY
    with desk.qtbot.waitSignal(desk.manager.use_changed):
        desk.manager.refresh()


def test_removed_after_a_question(desk: GpuDesk) -> None:
    (desk.pack.home / "pack-of-yesterday").mkdir(parents=True)
    desk.open()
    desk.window.pack_card.remove.click()
    [box] = desk.window.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text() == "Remove").click()
    desk.wait_for_message("What was fetched for the GPU was removed")
    desk.wait(desk.window.pack_card.remove.isHidden)
    assert list(desk.pack.home.iterdir()) == []


def test_the_window_speaks_chinese(desk: GpuDesk, servers: list[FileServer], translation: Translation) -> None:
    start_and_stall(desk, servers[0])
    translation.use("zh_CN")
    QApplication.processEvents()
    widgets = [*desk.window.findChildren(QLabel), *desk.window.findChildren(QPushButton)]
    texts = [widget.text() for widget in widgets if widget.isVisible()] + [desk.window.windowTitle()]
    assert [text for text in texts if re.search("[A-Za-z]{4,}", text) and not re.search("[\u4e00-\u9fff]", text)] == []


def test_everything_focusable_has_a_name(desk: GpuDesk, servers: list[FileServer]) -> None:
    start_and_stall(desk, servers[0])
    widgets = [w for w in desk.window.findChildren(QWidget) if w.isVisible()]
    focusable = [w for w in widgets if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert len(focusable) >= 4
    assert [w for w in focusable if not w.accessibleName() and not getattr(w, "text", str)()] == []


@pytest.mark.parametrize("name", ["gpu", "self_test"])
def test_from_the_menu_with_what_this_machine_has(application: Application, qtbot: QtBot, name: str) -> None:
    getattr(application.window.actions_, name).trigger()
    qtbot.waitUntil(lambda: application.gpu.manager is not None, timeout=20_000)
    manager = application.gpu.manager
    assert manager is not None
    qtbot.waitUntil(lambda: manager._sight is not None, timeout=20_000)
    assert manager.window.machine_card.cause.text() == gpu_overview().cause
    assert look_around().overview == gpu_overview()
    application.window.close()
    assert not manager.window.isVisible()
