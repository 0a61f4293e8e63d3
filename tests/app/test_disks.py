"""Disks that are full, may not be written, or are taken out: what is there stays, and it is said what is wrong."""

import errno
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.crash import RunMarker
from app.document.export import save
from app.document.transcript import Transcript
from app.engine.messages import JobFailed, JobSegment, JobStarted, JobStats, TranscribeFile
from app.recordings import Recordings
from app.session import State
from app.settings import Settings
from app.store.database import open_database
from app.store.errors import StoreError
from app.store.journal import Journal
from app.store.restore import restore
from gpu.audio import open_audio
from gpu.errors import AudioGoneError
from gpu.types import TranscribeOptions, Words
from tests.support.engine_messages import make_segment, make_stats
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.speech import AUDIO

TEXT = "word " * 50
TIMEOUT_MS = 20_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def long_transcript(path: Path) -> Transcript:
    transcript = Transcript(path)
    for number in range(500):
        transcript.append(make_segment(number, TEXT))
    return transcript


def test_a_text_that_does_not_fit_leaves_the_old_file_and_nothing_else(disk: SmallDisk) -> None:
    path = disk.path / "talk.srt"
    path.write_text("as it was")
    disk.fill(n_left=20_000)
    with pytest.raises(OSError, match=r".*") as raised:
        save(long_transcript(path), path, "srt")
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_text() == "as it was"
    assert {file.name for file in disk.path.iterdir()} == {"talk.srt", "ballast"}


def test_the_window_says_that_a_disk_is_full_or_may_not_be_written(
    application: Application, disk: SmallDisk, qtbot: QtBot
) -> None:
    bar = application.window.message_bar
    [recording] = application.recordings.model.add([Path("/talk.mp3")], TranscribeOptions())
    recording.transcript = long_transcript(recording.path)
    recording.state = State.DONE
    disk.fill()
    application.save(recording, disk.path / "talk.txt", "txt")
    qtbot.waitUntil(lambda: "No space left on device" in bar.text, timeout=TIMEOUT_MS)
    assert "Choose another folder, or make room on the disk." in bar.text
    disk.make_room()
    disk.forbid_writing()
    application.save(recording, disk.path / "talk.txt", "txt")
    qtbot.waitUntil(lambda: "Read-only file system" in bar.text, timeout=TIMEOUT_MS)
    assert not recording.is_saved


def test_the_list_survives_a_full_disk(disk: SmallDisk) -> None:
    """What could not be written is written when there is room again; nothing is lost meanwhile."""
    file = disk.path / "recordings.sqlite"
    failed, recovered = threading.Event(), threading.Event()
    journal = Journal(open_database(file), lambda _error: failed.set(), recovered.set)
    journal.add([TranscribeFile(1, Path("/talk.mp3"), TranscribeOptions())])
    disk.fill()
    for number in range(500):
        journal.take(JobSegment(1, make_segment(number, TEXT)))
    journal.take(JobStats(1, replace(make_stats(1500.0), n_segments=500, settled_s=1500.0)))
    assert failed.wait(20)
    disk.make_room()
    assert recovered.wait(20)
    assert journal.close()
    with closing(open_database(file)) as connection:
        [found] = restore(connection)
    assert len(found.transcript.segments) == 500


def test_a_list_that_cannot_be_written_to_the_end_says_so(disk: SmallDisk, caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()
    journal = Journal(open_database(disk.path / "recordings.sqlite"), lambda _error: failed.set())
    journal.add([TranscribeFile(1, Path("/talk.mp3"), TranscribeOptions())])
    disk.fill()
    for number in range(500):
        journal.take(JobSegment(1, make_segment(number, TEXT)))
    assert failed.wait(20)
    assert not journal.close()


def test_a_list_that_may_not_be_written_is_told(disk: SmallDisk) -> None:
    open_database(disk.path / "recordings.sqlite").close()
    disk.forbid_writing()
    with pytest.raises(StoreError, match="cannot be used"):
        open_database(disk.path / "recordings.sqlite")


def test_while_the_list_is_not_kept_closing_asks(application: Application, disk: SmallDisk, qtbot: QtBot) -> None:
    """And not any more when there is room again."""
    recordings: Recordings = application.recordings
    window = application.window
    recordings.open(disk.path / "recordings.sqlite")
    qtbot.waitUntil(lambda: window.recordings_are_kept, timeout=TIMEOUT_MS)
    [recording] = recordings._insert([Path("/talk.mp3")], TranscribeOptions())
    disk.fill()
    assert recordings._journal is not None
    for number in range(500):
        segment = make_segment(number, TEXT)
        recording.transcript.append(segment)
        recordings._journal.take(JobSegment(recording.job_id, segment))
    recording.state = State.DONE
    qtbot.waitUntil(lambda: not window.recordings_are_kept, timeout=TIMEOUT_MS)
    assert "not kept" in window.message_bar.text
    assert window.loss is not None
    disk.make_room()
    qtbot.waitUntil(lambda: window.recordings_are_kept, timeout=TIMEOUT_MS)
    assert window.message_bar.text == "The list of recordings is kept again"
    assert window.loss is None


def test_the_program_does_without_log_marker_and_settings(disk: SmallDisk, capsys: pytest.CaptureFixture[str]) -> None:
    handler = RotatingFileHandler(disk.path / "a.log", maxBytes=1000)
    disk.fill()
    handler.emit(logging.makeLogRecord({"msg": "no room for it " * 10_000}))
    marker = RunMarker(disk.path / "running.json", disk.path / "fault.txt")
    assert marker.begin() is None
    marker.end()
    settings = Settings(disk.path / "window.ini")
    settings.log_level = "debug"
    assert settings.log_level == "debug"
    handler.close()
    assert "No space left" in capsys.readouterr().err


def test_a_recording_on_a_disk_that_is_taken_out_is_read_on_or_said_to_be_gone(disk: SmallDisk, tmp_path: Path) -> None:
    """A file that is only deleted is read to its end: the system keeps it until it is closed."""
    path = disk.path / "talk.wav"
    path.write_bytes((AUDIO / "jfk.wav").read_bytes())
    with open_audio(path) as audio:
        path.unlink()
        assert sum(map(len, audio.blocks())) / 16_000 == pytest.approx(11.0, abs=0.1)
        assert audio.warnings == []


def test_what_was_taken_away_on_the_way_can_be_resumed(application: Application) -> None:
    [recording] = application.recordings.model.add([Path("/stick/talk.mp3")], TranscribeOptions())
    stats = replace(make_stats(30.0), n_segments=1, settled_s=30.0)
    for message in (
        JobStarted(recording.job_id, recording.path),
        JobSegment(recording.job_id, make_segment(0)),
        JobStats(recording.job_id, stats),
        JobFailed(recording.job_id, recording.path, AudioGoneError.__name__, Words("It is gone."), Words("Resume.")),
    ):
        application.recordings.take(message)
    assert recording.state is State.FAILED
    assert recording.can_resume
