"""The window of models with its real parts: a server on this machine, small models of random weights, no screen."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.engine.model_jobs import ConvertModel
from app.i18n import Translation
from app.model_manager import ModelManager
from app.model_work import FetchModel, JobState
from app.models import catalogue as catalogue_module
from app.models.network import Network, NetworkSettings
from app.paths import default_model, models_dir
from app.settings import Settings
from app.widgets.appearance import Appearance
from app.widgets.convert_dialog import ConvertDialog
from app.widgets.model_rows import Action
from app.widgets.verify_window import VerifyWindow
from tests.support.catalogues import write_catalogue
from tests.support.downloads import CONTENT
from tests.support.file_server import FileServer, Turn, serving
from tests.support.foreign_models import openai_dims, write_checkpoint, write_side_files
from tests.support.homes import use_home
from tests.support.loop_meter import LoopMeter
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model

TIMEOUT_MS = 120_000
MAX_TURN_S = 0.05
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


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def desk(
    server: FileServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    translation: Translation,
    appearance: Appearance,
    qtbot: QtBot,
) -> Iterator[Desk]:
    use_home(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    path = write_catalogue(tmp_path / "catalogue.json", server.address, CONTENT, "first-q5_1", "second-q5_1")
    monkeypatch.setattr(catalogue_module, "catalogue_file", lambda: path)
    network = Network(NetworkSettings)
    manager = ModelManager(Settings(tmp_path / "window.ini"), appearance, lambda: network)
    yield Desk(manager, server, qtbot)
    manager.stop()
    manager.window.close()
    manager.window.deleteLater()


@pytest.fixture(scope="session")
def model() -> SyntheticModel:
    return synthetic_model(synthetic_dimensions(64, 1))


def test_paused_resumed_and_used(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1") == "Downloading, 50 %")
    [row] = desk.window.jobs.rows
    assert row.title.text() == "Downloading first-q5_1"
    assert row.status.text().replace("\N{NO-BREAK SPACE}", " ").startswith("50 % · 2 MB of 3 MB")
    row.pause.click()
    desk.wait(lambda: desk.state("first-q5_1") == "Paused at 50 %")
    assert desk.files() == ["ggml-first-q5_1.bin.part", "ggml-first-q5_1.bin.part.json"]
    desk.press("resume")
    desk.wait_for_message("first-q5_1 was downloaded and is the published file")
    assert desk.server.ranges == ["", f"bytes={HALF}-"]
    desk.wait(lambda: desk.state("first-q5_1") == "Downloaded")
    assert not desk.window.jobs.isVisible()
    assert (models_dir() / "ggml-first-q5_1.bin").read_bytes() == CONTENT
    with desk.qtbot.waitSignal(desk.manager.model_chosen) as chosen:
        desk.press("use")
    assert chosen.args == [models_dir() / "ggml-first-q5_1.bin"]


def test_cancelled_nothing_is_left(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1").endswith("50 %"))
    desk.press("cancel")
    desk.wait(lambda: desk.state("first-q5_1") == "–")
    assert desk.files() == []
    assert not desk.window.details.buttons["download"].isHidden()


def test_what_an_earlier_start_left_is_resumed_or_thrown_away(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1").endswith("50 %"))
    desk.manager.stop()  # as the program does at its end
    assert len(desk.files()) == 2
    desk.manager._downloads.clear()  # as a new start would find it
    desk.manager.queue.jobs.clear()
    desk.manager._token = type(desk.manager._token)()
    desk.manager.refresh()
    desk.wait(lambda: desk.state("first-q5_1") == "50 % arrived")
    desk.press("cancel")
    desk.wait(lambda: desk.state("first-q5_1") == "–")
    assert desk.files() == []


def test_one_runs_and_the_others_wait(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    for name in ("first-q5_1", "second-q5_1"):
        desk.select(name)
        desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1") == "Downloading, 50 %")
    assert desk.state("second-q5_1") == "Waiting"
    assert len(desk.server.requests) == 1
    desk.select("first-q5_1")
    desk.press("pause")
    desk.wait(lambda: desk.state("second-q5_1") == "Downloaded")
    assert desk.state("first-q5_1") == "Paused at 50 %"
    desk.window.jobs.rows[0].cancel.click()
    desk.wait(lambda: desk.files() == ["ggml-second-q5_1.bin"])


def test_another_file_is_refused_in_words_and_fetched_again(desk: Desk) -> None:
    desk.server.turns += [Turn(content=bytes(len(CONTENT)))]
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait_for_message("first-q5_1: What arrived is not the published file\n")
    bar = desk.window.message_bar
    assert bar.severity == "error"
    assert "name another mirror in the network settings" in bar.text
    assert desk.window.details.trouble.text().startswith("What arrived is not the published file\n")
    desk.wait(lambda: desk.state("first-q5_1") == "Failed")
    assert desk.files() == []
    desk.server.content = CONTENT
    bar._action.click()  # "Try again"
    desk.wait(lambda: desk.state("first-q5_1") == "Downloaded")


def test_the_switch_is_obeyed_in_words(desk: Desk) -> None:
    desk.manager.queue._downloads._network = lambda: Network(lambda: NetworkSettings(off=True))
    desk.open()
    desk.select("second-q5_1")
    desk.press("download")
    desk.wait_for_message("second-q5_1: The network is switched off\n")
    assert desk.server.requests == []


def accept_dialog(desk: Desk, **choices: str) -> ConvertModel:
    """Choose in the dialog that is open, and go on."""
    [dialog] = [dialog for dialog in desk.window.findChildren(ConvertDialog) if dialog.isVisible()]
    if "source" in choices:
        dialog.source.setText(choices["source"])
    for name, box in (("type", dialog.type), ("format", dialog.format)):
        if name in choices:
            box.setCurrentIndex(box.findData(choices[name]))
    job = dialog.job()
    dialog.go.click()
    return job


def test_imported_quantized_verified_and_removed(desk: Desk, model: SyntheticModel, tmp_path: Path) -> None:
    source = tmp_path / "my voice"
    source.mkdir()
    write_checkpoint(source / "own.pt", model.weights, openai_dims(model))
    desk.open()
    desk.window.import_button.click()
    job = accept_dialog(desk, source=str(source / "own.pt"), format=".bin")
    assert job == ConvertModel(source / "own.pt", models_dir() / "ggml-own.bin", None)
    desk.wait_for_message("ggml-own.bin was written")
    desk.wait(lambda: len(desk.window.disk.rows) == 2)

    desk.select("ggml-own.bin")
    desk.press("quantize")
    assert accept_dialog(desk, type="q8_0").output == models_dir() / "ggml-own-q8_0.bin"
    desk.wait_for_message("ggml-own-q8_0.bin was written")
    desk.wait(lambda: len(desk.window.disk.rows) == 3)

    desk.select("ggml-own-q8_0.bin")
    desk.press("verify")
    [view] = desk.window.findChildren(VerifyWindow)
    desk.wait(lambda: view.job.state.is_over)
    assert view.verdict.text().startswith(f"All {len(model.weights)} tensors are sound; largest error ")
    assert view.detail.text().startswith("No published file we know is like it")
    assert view.table.rowCount() == len(model.weights)
    assert {row[0].type for row in view.table.rows} >= {"Q8_0", "F32"}
    view.reject()
    desk.wait(lambda: {row.found.verification for row in desk.window.disk.rows} == {"not checked", "unpublished"})

    desk.select("ggml-own-q8_0.bin")
    desk.press("remove")
    desk.answer("Keep it")
    desk.press("remove")
    desk.answer("Remove")
    desk.wait_for_message("ggml-own-q8_0.bin was removed")
    assert desk.files() == ["ggml-own.bin"]


def test_what_cannot_be_imported_is_explained_and_replaces_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "list.pt").write_text("milk, bread")
    models_dir().mkdir(parents=True)
    (models_dir() / "ggml-list.bin").write_bytes(b"something else")
    desk.open()
    for answer in ("Keep it", "Replace"):
        assert not desk.window.message_bar.isVisible()
        desk.window.import_button.click()
        accept_dialog(desk, source=str(tmp_path / "list.pt"))
        desk.answer(answer)
    desk.wait_for_message("ggml-list.bin: This file is not a Whisper model")
    assert desk.window.message_bar.severity == "error"
    assert desk.files() == ["ggml-list.bin"]
    assert (models_dir() / "ggml-list.bin").read_bytes() == b"something else"


def test_closing_the_check_cancels_it(desk: Desk) -> None:
    desk.open()
    desk.select(default_model().name)
    desk.press("verify")
    [view] = desk.window.findChildren(VerifyWindow)
    view.reject()
    desk.wait(lambda: not desk.manager.queue.jobs)
    assert view.job.state is JobState.CANCELLED
    assert desk.manager._verify_windows == {}


def test_the_end_of_the_program_stops_a_conversion_without_rubbish(
    desk: Desk, model: SyntheticModel, tmp_path: Path
) -> None:
    desk.open()
    desk.manager._convert(ConvertModel(default_model(), models_dir() / "big.bin", "f32"))
    desk.wait(lambda: any(job.n_done for job in desk.manager.queue.jobs))
    desk.manager.stop()
    assert desk.files() == []


@pytest.mark.long
def test_the_model_in_use_is_replaced_before_it_goes(desk: Desk, model: SyntheticModel) -> None:
    models_dir().mkdir(parents=True)
    path = model.write_ggml(models_dir() / "mine.bin", "Q8_0")
    desk.open()
    desk.window.show_current(path)
    desk.select("mine.bin")
    assert "use" not in desk.window.current.actions
    desk.press("remove")
    with desk.qtbot.waitSignal(desk.manager.model_chosen) as chosen:
        desk.answer("Remove")
    assert chosen.args == [default_model()]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions mean nothing")
def test_a_folder_that_may_not_be_read_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / ".cache" / "whisper").mkdir(parents=True, mode=0)
    desk.open()
    desk.window.tabs.setCurrentIndex(1)
    assert "Permission denied" in desk.window._notes.text()


@pytest.mark.long
def test_another_programs_model_is_offered_for_import(desk: Desk, model: SyntheticModel, tmp_path: Path) -> None:
    folder = tmp_path / ".cache/huggingface/hub/models--me--whisper-mine/snapshots/abc"
    folder.mkdir(parents=True)
    write_side_files(folder, model)
    (folder / "model.safetensors").write_bytes(bytes(2_000_000))
    desk.open()
    desk.window.tabs.setCurrentIndex(1)
    desk.window.disk_view.select(folder)
    assert desk.window.current.actions == ("import", "verify", "show")
    desk.press("import")
    [dialog] = desk.window.findChildren(ConvertDialog)
    assert dialog.job() == ConvertModel(folder, models_dir() / "ggml-mine.bin", None)


def test_the_window_speaks_chinese_from_one_moment_to_the_next(desk: Desk, translation: Translation) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1").endswith("50 %"))
    translation.use("zh_CN")
    QApplication.processEvents()
    widgets = [*desk.window.findChildren(QLabel), *desk.window.findChildren(QPushButton)]
    texts = [widget.text() for widget in widgets if widget.isVisible()]
    texts += [desk.window.tabs.tabText(0), desk.window.windowTitle(), desk.state("first-q5_1")]
    english = [text for text in texts if re.search(r"[A-Za-z]{4,}", text) and not re.search("[\u4e00-\u9fff]", text)]
    assert english == ["first-q5_1"]


def test_everything_focusable_has_a_name_for_screen_readers(desk: Desk) -> None:
    desk.server.turns.append(Turn(stall_after=HALF))
    desk.open()
    desk.select("first-q5_1")
    desk.press("download")
    desk.wait(lambda: desk.state("first-q5_1").endswith("50 %"))
    focusable = [
        w for w in desk.window.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    named = [w for w in focusable if w.accessibleName() or getattr(w, "text", str)() or w.parentWidget() is None]
    assert len(named) >= 9
    assert [w for w in focusable if w not in named] == []


def test_by_keyboard_from_the_filter_to_the_download(desk: Desk) -> None:
    desk.open()
    window, press = desk.window, desk.qtbot.keyClick
    for key in "second":
        press(window.search, key)
    assert window.catalogue_view.filter.rowCount() == 1
    assert window.tabs.tabText(0) == "Published models (1)"
    press(window.search, Qt.Key.Key_Return)
    assert window.current is not None
    assert window.current.key == "second-q5_1"
    press(window.catalogue_view, Qt.Key.Key_Return)
    desk.wait(lambda: window.current is not None and "use" in window.current.actions)
    press(window.catalogue_view, Qt.Key.Key_Return)
    assert desk.manager._wanted == models_dir() / "ggml-second-q5_1.bin"


def test_the_size_of_the_window_is_remembered(desk: Desk, appearance: Appearance) -> None:
    desk.open()
    desk.window.resize(780, 560)
    desk.window.close()
    again = ModelManager(desk.manager._settings, appearance)
    assert (again.window.width(), again.window.height()) == (780, 560)
    again.stop()
    again.window.deleteLater()


def test_nothing_holds_up_the_window(desk: Desk, model: SyntheticModel, tmp_path: Path) -> None:
    """Listing, a download, a check and a conversion at once, while the user looks around."""
    desk.open()
    desk.select("first-q5_1")
    path = model.write_ggml(tmp_path / "own.bin", "F16")
    meter, restless = LoopMeter(), QTimer(interval=100)
    names = iter(["first-q5_1", "second-q5_1", default_model().name] * 1000)
    restless.timeout.connect(lambda: desk.select(next(names)))
    meter.start()
    restless.start()
    for row in desk.window.catalogue.rows:
        desk.manager._fetch(FetchModel(row.listed.model), 0)
    desk.manager.refresh()
    desk.manager._convert(ConvertModel(path, models_dir() / "small.bin", "q8_0"))
    desk.wait(lambda: not desk.manager.queue.jobs and (models_dir() / "small.bin").exists())
    restless.stop()
    meter.stop()
    assert meter.n_ticks > 20
    assert meter.longest_s < MAX_TURN_S
