"""Playback in the whole window. The sound card is the one thing that is made up: what would be heard is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.messages import JobFinished, JobSegment, JobStarted
from app.playback.errors import PlaybackError
from app.playback.player import Passage, Player
from app.session import Recording
from app.settings import Settings
from app.widgets.segment_delegate import SegmentEdit
from gpu.types import TranscribeOptions, Words
from tests.support.engine_messages import make_segment, make_stats
from tests.support.homes import use_home

JFK = Path(__file__).parents[1] / "data" / "audio" / "jfk.wav"
N_SEGMENTS = 60


class SilentCard(Player):
    """Plays what is asked for to nobody."""

    def __init__(self, desk) -> None:
        super().__init__(desk._stopped.emit)
        self.heard: list[Passage] = []

    def play(self, passage: Passage) -> None:
        self.heard.append(passage)
        self._passage, self._position_s = passage, passage.start_s

    @property
    def position_s(self) -> float:
        return self._position_s


@pytest.fixture
def card(application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentCard]:
    use_home(tmp_path, monkeypatch)
    card = application.playback.player = SilentCard(application.playback)
    application.window.show()
    yield card
    card.pause()


@pytest.fixture
def recording(application: Application, card: SilentCard) -> Recording:
    """Done, and shown."""
    model = application.recordings.model
    (recording,) = model.add([JFK], TranscribeOptions())
    model.session.apply(JobStarted(recording.job_id, JFK))
    for number in range(N_SEGMENTS):
        model.session.apply(JobSegment(recording.job_id, make_segment(number)))
    model.session.apply(JobFinished(recording.job_id, make_stats(200.0, 200.0)))
    application.window.recordings_view.select(recording)
    application._refresh([recording])
    return recording


def test_there_is_no_player_without_text(application: Application, card: SilentCard) -> None:
    assert not application.playback.bar.isVisible()
    assert not application.playback.menu.toggle.isEnabled()


def test_a_time_that_is_clicked_is_heard(application: Application, card: SilentCard, recording: Recording) -> None:
    application.window.page.view.time_clicked.emit(5)
    assert card.heard[-1].start_s == recording.transcript.segments[5].start
    assert application.playback.bar.isVisible()


def test_space_in_the_text_plays_and_pauses(
    application: Application, card: SilentCard, recording: Recording, qtbot: QtBot
) -> None:
    view = application.window.page.view
    view.selectRow(7)
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert card.heard[-1].start_s == recording.transcript.segments[7].start
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert not card.is_playing
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert len(card.heard) == 2, "and goes on where it was"


def test_the_text_follows(application: Application, card: SilentCard, recording: Recording, qtbot: QtBot) -> None:
    view = application.window.page.view
    application.playback.hear_row(0)
    card._position_s = recording.transcript.segments[50].start + 0.1
    qtbot.waitUntil(lambda: view._delegate.heard_row == 50)
    assert view.rowAt(view.viewport().height() // 2) > 20


def test_speed_loop_and_steps(application: Application, card: SilentCard, recording: Recording) -> None:
    desk = application.playback
    segments = recording.transcript.segments
    desk.hear_row(3)
    desk.menu.faster.trigger()
    assert card.heard[-1].speed == 1.25
    desk.menu.loop.trigger()
    assert desk.bar.loop.isChecked()
    assert card.heard[-1].loop_s == segments[3].start
    assert (card.heard[-1].start_s, card.heard[-1].end_s) == (segments[3].start, segments[3].end)
    desk.menu.after.trigger()
    assert card.heard[-1].start_s == segments[4].start
    desk.menu.loop.trigger()
    desk.menu.forward.trigger()
    assert card.heard[-1].start_s == pytest.approx(segments[4].start + 5.0)
    assert card.heard[-1].loop_s is None


def test_the_volume_is_set_by_all_ways_and_remembered(
    application: Application, card: SilentCard, recording: Recording, tmp_path: Path, qtbot: QtBot
) -> None:
    desk, control = application.playback, application.playback.bar.volume
    assert (card.volume, control.slider.value()) == (1.0, 100)
    desk.menu.softer.trigger()
    desk.menu.softer.trigger()
    assert card.volume == pytest.approx(0.8**3)
    qtbot.keyClick(control.slider, Qt.Key.Key_Left)
    assert control.slider.value() == 75
    desk.menu.louder.trigger()
    assert Settings(tmp_path / "window.ini").volume == control.slider.value() == 85
    assert "85" in control.slider.toolTip()
    qtbot.keyClick(control.mute, Qt.Key.Key_Space)
    assert (card.volume, desk.menu.mute.isChecked()) == (0.0, True)
    desk.menu.mute.trigger()
    assert card.volume == pytest.approx(0.85**3)
    assert not control.mute.isChecked()
    desk.menu.mute.trigger()
    desk.menu.louder.trigger()  # whoever makes it louder wants to hear
    assert not desk.menu.mute.isChecked()
    assert card.volume == pytest.approx(0.95**3)
    control.slider.setValue(0)
    assert card.volume == 0.0
    assert Settings(tmp_path / "window.ini").volume == 0


def test_a_volume_that_is_nonsense_is_full(tmp_path: Path) -> None:
    for kept, volume in (("loud", 100), ("-3", 100), ("400", 100), ("40", 40), ("", 100)):
        QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat).setValue("volume", kept)
        assert Settings(tmp_path / "window.ini").volume == volume


def test_an_edge_that_is_dragged_can_be_undone(
    application: Application, card: SilentCard, recording: Recording
) -> None:
    segment = recording.transcript.segments[4]
    application.playback.bar.waveform.retime_wanted.emit(4, segment.start, segment.end - 0.5)
    assert recording.transcript.segments[4].end == pytest.approx(segment.end - 0.5)
    application.window.edit_menu.undo.trigger()
    assert recording.transcript.segments[4] == segment


def test_a_boundary_that_is_dragged_is_one_change(
    application: Application, card: SilentCard, recording: Recording
) -> None:
    before = list(recording.transcript.segments)
    application.playback.bar.waveform.boundary_wanted.emit(4, before[4].end + 0.5)
    first, second = recording.transcript.segments[4:6]
    assert first.end == second.start == before[4].end + 0.5
    application.window.edit_menu.undo.trigger()
    assert recording.transcript.segments == before


def test_edges_are_set_where_it_is_heard(application: Application, card: SilentCard, recording: Recording) -> None:
    desk = application.playback
    desk.hear_row(4)
    segment = recording.transcript.segments[4]
    card._position_s = segment.start + 0.5
    desk.menu.starts_here.trigger()
    assert recording.transcript.segments[4].start == segment.start + 0.5
    card._position_s = segment.end - 0.5
    desk.menu.ends_here.trigger()
    assert recording.transcript.segments[4].end == segment.end - 0.5


def test_keys_in_the_text(application: Application, card: SilentCard, recording: Recording, qtbot: QtBot) -> None:
    view, segments = application.window.page.view, recording.transcript.segments
    view.setFocus()
    view.selectRow(7)
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    assert card.heard == [], "nobody who only passes through hears anything"
    qtbot.keyClick(view, Qt.Key.Key_Space)
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    assert card.heard[-1].start_s == segments[8].start
    qtbot.keyClick(view, Qt.Key.Key_Backtab)
    assert card.heard[-1].start_s == segments[7].start
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert card.heard[-1].start_s == pytest.approx(segments[7].start + 5.0)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert card.heard[-1].start_s == pytest.approx(segments[7].start)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert card.heard[-1].speed == 1.25
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not card.is_playing
    assert not application.playback.bar.waveform.takes_tab


def test_the_text_that_is_edited_gets_its_keys(
    application: Application, card: SilentCard, recording: Recording, qtbot: QtBot
) -> None:
    view = application.window.page.view
    view.selectRow(3)
    application.window.edit_menu.edit.trigger()
    [edit] = view.viewport().findChildren(SegmentEdit)
    edit.selectAll()
    qtbot.keyClicks(edit, "a b")
    assert edit.toPlainText() == "a b"
    assert card.heard == []
    application.playback.menu.toggle.trigger()
    assert card.is_playing
    qtbot.keyClick(edit, Qt.Key.Key_Escape)


def test_what_went_wrong_stands_in_the_bar(application: Application, card: SilentCard, recording: Recording) -> None:
    bar = application.playback.bar
    error = PlaybackError(Words("{name} cannot be read: {reason}.", name="a", reason="gone"), remedy=Words("Look."))
    application.playback._on_stopped(error)
    assert "gone" in bar.problem.text()
    assert bar.problem.isVisible()
    application.playback.hear_row(1)
    assert not bar.problem.isVisible()


def test_another_recording_is_silent(application: Application, card: SilentCard, recording: Recording) -> None:
    application.playback.hear_row(1)
    application.remove(recording)
    assert not card.is_playing
