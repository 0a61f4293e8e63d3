"""The list of recordings: its rows, what they say, and that every state can be drawn."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
)
from app.i18n import Translation
from app.session import Recording, Session, State
from app.widgets.appearance import Appearance
from app.widgets.recordings_model import RecordingsModel, status_text
from app.widgets.recordings_view import RecordingsView
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_segment, make_stats

PATHS = [Path(f"/recordings/{name}.wav") for name in ("waiting", "running", "done", "failed", "partial", "cancelled")]


@pytest.fixture
def model(qtbot: QtBot, translation: Translation) -> RecordingsModel:
    """One recording in each state."""
    session = Session()
    model = RecordingsModel(session)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    _, running, done, failed, partial, cancelled = (r.job_id for r in model.add(PATHS, TranscribeOptions()))
    session.apply(JobStarted(running, PATHS[1]))
    session.apply(JobStats(running, make_stats(15.0)))
    session.apply(JobLanguage(done, "fr", 0.9))
    session.apply(JobFinished(done, make_stats(60.0)))
    session.apply(JobFailed(failed, PATHS[3], "NoAudioStreamError", "failed.wav has no sound.", "Choose another."))
    session.apply(JobSegment(partial, make_segment(0)))
    session.apply(JobCancelled(partial, make_stats(30.0)))
    session.apply(JobCancelled(cancelled, None))
    return model


def test_rows_say_how_recordings_stand(model: RecordingsModel) -> None:
    texts = [status_text(model.recording(row)) for row in range(model.rowCount())]
    assert texts == [
        "Waiting",
        "25 % · about 30 s left",
        "Done · 1:00 · French",
        "No sound in this file",
        "Cancelled · partial text",
        "Cancelled",
    ]
    spoken = model.index(3).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "failed.wav, No sound in this file"


def test_what_rests_in_its_middle_says_where(model: RecordingsModel) -> None:
    recording = model.recording(1)
    for state, text in ((State.PAUSED, "Paused at 25 %"), (State.WAITING, "Waiting at 25 %")):
        recording.state = state
        assert status_text(recording) == text
    model.recording(0).state = State.PAUSED
    assert status_text(model.recording(0)) == "Paused"


def test_rows_change_places(model: RecordingsModel) -> None:
    names = [recording.path.name for recording in model.session]
    first = QPersistentModelIndex(model.index(0))
    model.move(0, 2)
    assert [recording.path.name for recording in model.session] == [*names[1:3], names[0], *names[3:]]
    assert first.row() == 2
    model.move(2, 0)
    assert [recording.path.name for recording in model.session] == names


def test_a_failure_is_explained_in_the_tool_tip(model: RecordingsModel) -> None:
    tip = model.index(3).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.splitlines() == [
        "/recordings/failed.wav",
        "No sound in this file",
        "failed.wav has no sound.",
        "Choose another.",
    ]


def test_warnings_are_in_the_tool_tip(model: RecordingsModel) -> None:
    done = model.recording(2)
    model.session.apply(JobWarning(done.job_id, "The file is cut off."))
    assert "The file is cut off." in model.index(2).data(Qt.ItemDataRole.ToolTipRole)


def test_rows_come_and_go(model: RecordingsModel) -> None:
    failed = model.recording(3)
    model.remove(failed)
    assert model.rowCount() == len(PATHS) - 1
    assert failed not in model.session.recordings
    (new,) = model.add([Path("/recordings/new.wav")], TranscribeOptions())
    assert model.row_of(new) == len(PATHS) - 1


def test_every_state_is_drawn_and_can_be_selected(model: RecordingsModel, appearance: Appearance, qtbot: QtBot) -> None:
    view = RecordingsView(model, appearance)
    qtbot.addWidget(view)
    view.resize(300, 400)
    view.show()
    qtbot.waitExposed(view)
    pictures = set()
    for row in range(model.rowCount()):
        view.select(model.recording(row))
        assert view.current is model.recording(row)
        pictures.add(view.visualRect(model.index(row)).height())
    assert len(pictures) == 1
    light = view.grab().toImage()
    appearance.set_choice("dark")
    assert view.grab().toImage() != light


def test_nothing_is_selected_in_an_empty_list(appearance: Appearance, qtbot: QtBot) -> None:
    view = RecordingsView(RecordingsModel(Session(), None), appearance)
    qtbot.addWidget(view)
    current: Recording | None = view.current
    assert current is None
