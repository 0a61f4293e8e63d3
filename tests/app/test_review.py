"""From one doubtful segment to the next, and the switch for unsure words."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.application import Application
from app.session import Recording, State
from app.settings import Settings
from gpu.types import Segment, TranscribeOptions, Word
from tests.support.engine_messages import make_segment


def make_unsure(number: int) -> Segment:
    return replace(make_segment(number, "Hm."), words=(Word(" Hm.", 3.0 * number, 3.0 * number + 3.0, 0.3),))


@pytest.fixture
def recording(application: Application, tmp_path: Path) -> Recording:
    """Of seven segments the third and the sixth are doubtful."""
    [recording] = application.recordings._insert([tmp_path / "talk.wav"], TranscribeOptions())
    segments = [make_segment(i, f"Text {i}.") for i in range(7)]
    segments[2], segments[5] = make_unsure(2), replace(segments[5], doubts=("no speech",))
    recording.transcript.segments, recording.state = segments, State.DONE
    application.window.show()
    application.window.recordings_view.select(recording)
    return recording


@pytest.mark.parametrize("budget_s", [0.0, 0.006])
def test_from_one_to_the_next_and_round(
    application: Application, recording: Recording, budget_s: float, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.widgets.slices.BUDGET_S", budget_s)
    review, view = application.review, application.window.page.view
    view.clearSelection()
    for action, row in (
        (review.next_doubtful, 2),
        (review.next_doubtful, 5),
        (review.next_doubtful, 2),
        (review.previous_doubtful, 5),
        (review.previous_doubtful, 2),
    ):
        action.trigger()
        qtbot.waitUntil(lambda row=row: view.selected_rows == [row])


def test_where_nothing_is_doubtful_it_says_so(application: Application, recording: Recording, qtbot: QtBot) -> None:
    view = application.window.page.view
    application.editor.delete([2, 5])
    view.select_row(3)
    application.review.next_doubtful.trigger()
    qtbot.waitUntil(lambda: "Nothing doubtful" in application.window.message_bar.text)
    assert view.selected_rows == [3]


def test_what_is_typed_is_kept_on_the_way(application: Application, recording: Recording) -> None:
    view = application.window.page.view
    view.select_row(0)
    application.window.edit_menu.edit.trigger()
    from app.widgets.segment_delegate import SegmentEdit

    edit = view.findChild(SegmentEdit)
    assert edit is not None
    edit.setPlainText("Mine.")
    application.review.next_doubtful.trigger()
    assert recording.transcript.segments[0].text == " Mine."
    assert view.selected_rows == [2]


def test_without_a_text_there_is_nothing_to_go_to(application: Application) -> None:
    assert not application.review.next_doubtful.isEnabled()
    assert not application.review.previous_doubtful.isEnabled()


def test_the_switch_is_in_the_view_menu_and_remembered(application: Application, recording: Recording) -> None:
    review = application.review
    menu: QMenu = application.window.actions_.view_menu
    assert review.mark_words in menu.actions()
    assert review.mark_words.isChecked()
    review.mark_words.trigger()
    assert not application.window.page.view._delegate.layouts.marks_words
    assert not Settings(Path(application._settings._store.fileName())).mark_words


def test_the_commands_have_keys_that_can_be_changed(application: Application) -> None:
    keys = {name: action.shortcut().toString() for name, action in application.settings._actions.items()}
    assert keys["review.next_doubtful"] == "F8"
    assert keys["review.previous_doubtful"] == "Shift+F8"
    assert "review.mark_words" in keys
    used = [key for key in keys.values() if key]
    assert len(used) == len(set(used))
