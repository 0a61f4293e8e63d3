"""The window of models at work on files, with its real parts and no screen: small models of random weights."""

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

from app.engine.model_jobs import ConvertModel
from app.model_work import FetchModel, JobState
from app.paths import default_model, models_dir
from app.widgets.convert_dialog import ConvertDialog
from app.widgets.verify_window import VerifyWindow
from tests.support.foreign_models import openai_dims, write_checkpoint, write_side_files
from tests.support.loop_meter import LoopMeter
from tests.support.model_desk import Desk
from tests.support.permissions import needs_permissions
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model

MAX_TURN_S = 0.1  # of CPU time: what is still felt as at once


@pytest.fixture(scope="session")
def model() -> SyntheticModel:
    return synthetic_model(synthetic_dimensions(64, 1))


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


@pytest.mark.slow
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


@needs_permissions
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
