"""What the window of a check says, from reports made up."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine.model_jobs import TensorChecked
from app.i18n import Translation
from app.model_work import Compared, Job, Trouble, VerifyModel, new_job
from app.paths import default_model
from app.widgets.appearance import Appearance
from app.widgets.verify_window import VerifyWindow
from gpu.errors import Cancelled
from gpu.types import TensorReport


def report(name: str, n_nan: int = 0, **errors: float) -> TensorReport:
    return TensorReport(name, "Q5_1", (4, 32), -1.0, 1.0, 0.0, 0.5, n_nan, 0, errors, 4)


@pytest.fixture
def window(qtbot: QtBot, appearance: Appearance, translation: Translation) -> VerifyWindow:
    job = new_job(VerifyModel(default_model(), default_model(), is_readable=True))
    job.start()
    window = VerifyWindow(job, appearance)
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(window)
    window.show()
    return window


def take(window: VerifyWindow, *events: object, error: Exception | None = None, over: bool = True) -> Job:
    for event in events:
        window.job.apply(event)
    if over:
        window.job.end(error)
    window.refresh()
    return window.job


def cell(window: VerifyWindow, row: int, column: int) -> str:
    return str(window.table.index(row, column).data())


def test_the_table_grows_and_a_sound_file_is_called_so(window: VerifyWindow) -> None:
    take(window, TensorChecked(report("a", onnx=1e-7), True), over=False)
    assert window.table.rowCount() == 1
    assert (window.detail.text(), window._button.text()) == ("1 of 4 tensors", "Cancel")
    take(window, TensorChecked(report("b", onnx=0.0), True), Compared("ab" * 32, "ggerganov/whisper.cpp"))
    assert window.verdict.text() == "All 2 tensors are sound; largest error 1.0e-07"
    assert window.detail.text().startswith("Byte by byte the file published by ggerganov/whisper.cpp.")
    assert window._button.text() == "Close"
    last = window.table.columnCount() - 1
    assert [cell(window, row, last) for row in (0, 1)] == ["1.0e-07", "0"]


def test_tensors_that_are_not_sound_are_named(window: VerifyWindow) -> None:
    take(window, *(TensorChecked(report(name, n_nan=3), False) for name in "abcde"))
    assert window.verdict.text() == "a, b, c and 2 more tensors cannot be relied on"
    assert window.detail.text() == "Get the model again, or another one."
    assert cell(window, 0, window.table.columnCount() - 2) == "3"


def test_an_error_and_a_cancelled_check_are_told(window: VerifyWindow) -> None:
    window.job.trouble = Trouble("DamagedModelError", "It is cut short.", "Get it again.")
    take(window)
    assert window.verdict.text() == "The model file is damaged"
    assert window.detail.text() == "It is cut short. Get it again."
    window.job.start()
    take(window, error=Cancelled())
    assert window.verdict.text() == "The check was cancelled"


def test_it_is_cancelled_by_closing(window: VerifyWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.cancel_requested) as cancelled:
        window.close()
    assert cancelled.args == [window.job]
