"""The list of recordings: its rows, what they say, and that every state can be drawn."""

from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPersistentModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QDropEvent
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
    before = list(model.session)
    first = QPersistentModelIndex(model.index(0))
    model.arrange([*before[1:3], before[0], *before[3:]])
    assert [recording.path for recording in model.session] == [*PATHS[1:3], PATHS[0], *PATHS[3:]]
    assert first.row() == 2
    assert model.recording(first.row()) is before[0]


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
    model.remove([failed])
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


def test_several_rows_go_at_once(model: RecordingsModel) -> None:
    rows = list(model.session)
    kept = QPersistentModelIndex(model.index(3))
    model.remove([rows[5], rows[0], rows[1], rows[4]])
    assert list(model.session) == [rows[2], rows[3]]
    assert kept.row() == 1
    assert all(model.session.recording(recording.job_id) is None for recording in (rows[0], rows[5]))


@pytest.fixture
def view(model: RecordingsModel, appearance: Appearance, qtbot: QtBot) -> RecordingsView:
    view = RecordingsView(model, appearance)
    qtbot.addWidget(view)
    view.resize(300, 500)
    view.show()
    qtbot.waitExposed(view)
    return view


def select(view: RecordingsView, *rows: int) -> None:
    view.setCurrentIndex(view.model().index(rows[0], 0))
    for row in rows[1:]:
        view.selectionModel().select(view.model().index(row, 0), QItemSelectionModel.SelectionFlag.Select)


def test_several_are_selected_in_the_order_of_the_list(view: RecordingsView, model: RecordingsModel) -> None:
    select(view, 4, 1)
    assert view.current is model.recording(4)
    assert view.selected == [model.recording(1), model.recording(4)]
    view.clearSelection()
    assert view.selected == [model.recording(4)]


@pytest.mark.parametrize(("row", "share", "before"), [(3, 0.2, 3), (3, 0.8, 4), (-1, 0.0, 6)])
def test_rows_are_dropped_between_others(
    view: RecordingsView, model: RecordingsModel, row: int, share: float, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the middle of a row, or below all."""
    monkeypatch.setattr(QDropEvent, "source", lambda _event: view)
    select(view, 0, 1)
    rect = view.visualRect(model.index(row)) if row >= 0 else view.viewport().rect()
    y = rect.top() + share * rect.height() if row >= 0 else view.viewport().height() - 2
    dropped: list[tuple[list[Recording], int]] = []
    view.dropped.connect(lambda recordings, at: dropped.append((recordings, at)))
    action, button = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton
    view.dropEvent(QDropEvent(QPointF(20, y), action, QMimeData(), button, Qt.KeyboardModifier.NoModifier))
    assert dropped == [([model.recording(0), model.recording(1)], before)]


def test_the_menu_key_asks_for_the_menu_at_the_current_row(view: RecordingsView, model: RecordingsModel) -> None:
    asked: list[QPoint] = []
    view.menu_wanted.connect(asked.append)
    view.select(model.recording(2))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), view.mapToGlobal(QPoint(0, 0)))
    view.contextMenuEvent(event)
    [position] = asked
    assert view.indexAt(view.viewport().mapFromGlobal(position)).row() == 2
