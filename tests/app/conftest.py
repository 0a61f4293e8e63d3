"""Windows of these tests are drawn nowhere, but for those marked `needs_display`, which start their own screen."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop
from pytestqt.qt_compat import qt_api
from pytestqt.qtbot import QtBot

from app.application import Application
from app.i18n import Translation
from app.model_manager import ModelManager
from app.models import catalogue as catalogue_module
from app.models.network import Network
from app.models.settings import NetworkSettings
from app.paths import resources_dir
from app.settings import Settings
from app.widgets.appearance import Appearance
from tests.support.awkward_recordings import make_awkward_files
from tests.support.catalogues import write_catalogue
from tests.support.downloads import CONTENT
from tests.support.file_server import serving
from tests.support.homes import use_home
from tests.support.loop_meter import LoopMeter
from tests.support.model_desk import Desk
from tests.support.program import Program
from tests.support.screen import Screen, missing_programs, start_screen
from tests.support.speech import LONGER, make_reading

# Of CPU time: what is still felt as at once. Most turns take a tenth of it; those in which a window appears, half.
MAX_TURN_S = 0.1


@pytest.fixture(autouse=True)
def no_windows_of_earlier_tests() -> None:
    """Without a running loop nothing is deleted later, and every theme set restyles all windows there are."""
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def windows_end_on_their_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """As in the program (app.garbage): a window in a cycle is not destroyed on the thread that happens to allocate."""
    gc.disable()
    yield
    if "qtbot" in request.fixturenames:
        gc.collect()
    gc.enable()


@pytest.fixture
def appearance(qtbot: QtBot) -> Appearance:
    return Appearance(resources_dir(), "light")


@pytest.fixture(autouse=True)
def turns_are_short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wherever a test of whole windows waits, their thread is never held up: pytest-qt waits in loops of its own.

    What the test does itself between two waits does not count.
    """
    if not {"application", "desk"} & set(request.fixturenames):
        yield
        return
    meter, run_loop = LoopMeter(), qt_api.exec

    def measured(loop: QEventLoop) -> int:
        meter.go_on()
        try:
            return run_loop(loop)
        finally:
            meter.rest()

    monkeypatch.setattr(qt_api, "exec", measured)
    yield
    limit = request.node.get_closest_marker("turn")
    assert meter.longest_s < (limit.args[0] if limit is not None else MAX_TURN_S)


@pytest.fixture
def translation(qtbot: QtBot) -> Iterator[Translation]:
    """Starts and ends in English."""
    translation = Translation(resources_dir() / "i18n")
    translation.use("en")
    yield translation
    translation.use("en")


@pytest.fixture
def application(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, translation: Translation
) -> Iterator[Application]:
    """The whole program with the real engine; the test starts it."""
    monkeypatch.setenv("WHISPERDESKTOP_LANG", "en")
    monkeypatch.delenv("WHISPERDESKTOP_THEME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # where the speed of a run is kept
    application = Application(Settings(tmp_path / "window.ini"))
    yield application
    application._translation.use("en")  # a translator that stays would speak in the next test
    application.stop()
    application.window.deleteLater()
    for manager in (application.models.manager, application.gpu.manager):
        if manager is not None:  # left to the collector it would go while another test's windows are styled
            manager.window.deleteLater()


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    translation: Translation,
    appearance: Appearance,
    qtbot: QtBot,
) -> Iterator[Desk]:
    """The window of models with a server of this machine's as the one place to fetch from; not shown yet."""
    use_home(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    with serving(CONTENT) as server:
        path = write_catalogue(tmp_path / "catalogue.json", server.address, CONTENT, "first-q5_1", "second-q5_1")
        monkeypatch.setattr(catalogue_module, "catalogue_file", lambda: path)
        network = Network(NetworkSettings)
        manager = ModelManager(Settings(tmp_path / "window.ini"), appearance, lambda: network)
        yield Desk(manager, server, qtbot)
        manager.stop()
        manager.window.close()
        manager.window.deleteLater()


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    """A real screen, for tests marked `needs_display`."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with start_screen() as screen:
        yield screen


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program in a folder with recordings good and bad."""
    folder = tmp_path_factory.mktemp("recordings")
    make_reading(folder / "long.flac", LONGER)
    make_awkward_files(folder)
    return Program(folder, tmp_path_factory.mktemp("home"))
