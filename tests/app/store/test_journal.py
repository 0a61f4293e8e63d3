"""The queue on the disk: what was told is there when the file is opened next, whenever the program ended."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    TranscribeFile,
)
from app.session import Recording, State
from app.store.database import VERSION, open_database
from app.store.errors import StoreError
from app.store.journal import Journal
from app.store.restore import restore
from gpu.types import RunStats, TranscribeOptions, Words
from tests.support.engine_messages import make_segment, make_stats


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recordings.sqlite"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp3"
    path.write_bytes(b"sound")
    return path


def write(file: Path, tell: Callable[[Journal], object]) -> None:
    errors: list[StoreError] = []
    journal = Journal(open_database(file), errors.append)
    tell(journal)
    journal.close()
    assert errors == []


def read(file: Path) -> list[Recording]:
    with closing(open_database(file)) as connection:
        return restore(connection)


def job(number: int, path: Path, options: TranscribeOptions | None = None) -> TranscribeFile:
    return TranscribeFile(number, path, options or TranscribeOptions())


def settled(n_segments: int, audio_s: float) -> RunStats:
    return replace(make_stats(audio_s), n_segments=n_segments, settled_s=audio_s)


def tell_half(journal: Journal, path: Path) -> None:
    """Two segments that are settled, and one that is not."""
    journal.add([job(7, path)])
    journal.take(JobStarted(7, path))
    journal.take(JobLanguage(7, "de", 0.9))
    journal.take(JobSegment(7, make_segment(0)))
    journal.take(JobSegment(7, make_segment(1)))
    journal.take(JobStats(7, settled(2, 6.0)))
    journal.take(JobSegment(7, make_segment(2)))


def test_an_unfinished_recording_goes_on_where_its_text_is_settled(file: Path, recording: Path) -> None:
    write(file, lambda journal: tell_half(journal, recording))
    for _ in range(2):  # as often as the program ends before it goes on
        [found] = read(file)
        assert (found.state, found.path, found.transcript.language) == (State.WAITING, recording, "de")
        assert found.transcript.segments == [make_segment(0), make_segment(1)]
        going_on = found.job.settled
        assert going_on is not None
        assert (going_on.until_s, going_on.n_segments, going_on.language) == (6.0, 2, "de")
        assert going_on.text == found.transcript.text


def test_a_file_that_has_changed_begins_anew(file: Path, recording: Path) -> None:
    write(file, lambda journal: tell_half(journal, recording))
    recording.write_bytes(b"another sound")
    [found] = read(file)
    assert found.transcript.segments == []
    assert found.job.settled is None
    assert "has changed" in found.warnings[0]


def test_a_file_that_is_away_keeps_its_text(file: Path, recording: Path) -> None:
    write(file, lambda journal: tell_half(journal, recording))
    recording.unlink()
    [found] = read(file)
    assert len(found.transcript.segments) == 2


def test_what_is_over_comes_back_whole(file: Path, recording: Path) -> None:
    failed = JobFailed(3, recording, "AudioError", Words("{name} is bad.", name="x"), Words("Copy it."))

    def tell(journal: Journal) -> None:
        options = TranscribeOptions(language="zh", beam_size=5)
        journal.add([job(1, recording, options), job(2, recording), job(3, recording)])
        for number in (1, 2, 3):
            journal.take(JobStarted(number, recording))
            journal.take(JobSegment(number, make_segment(0, "文字 \N{GRINNING FACE}")))
        journal.take(JobWarning(1, Words("It is cut off.")))
        journal.take(JobWarning(1, Words("It is odd.")))
        journal.take(JobStats(1, settled(1, 3.0)))
        journal.take(JobFinished(1, settled(1, 3.0)))
        journal.set_saved(1)
        journal.take(JobCancelled(2, None))
        journal.take(failed)

    write(file, tell)
    done, cancelled, broken = read(file)
    assert [r.state for r in (done, cancelled, broken)] == [State.DONE, State.CANCELLED, State.FAILED]
    assert all(r.transcript.segments == [make_segment(0, "文字 \N{GRINNING FACE}")] for r in (done, cancelled, broken))
    assert done.options == TranscribeOptions(language="zh", beam_size=5)
    assert done.warnings == ["It is cut off.", "It is odd."]
    assert (done.is_saved, cancelled.is_saved) == (True, False)
    assert done.stats == settled(1, 3.0)
    assert broken.failure == failed
    assert broken.failure.message.template == "{name} is bad."


def test_removed_restarted_resumed_and_put_in_another_order(file: Path, recording: Path) -> None:
    def tell(journal: Journal) -> None:
        tell_half(journal, recording)
        journal.add([job(8, recording), job(9, recording), job(10, recording)])
        journal.take(JobSegment(8, make_segment(0)))
        journal.restart(8, job(11, recording, TranscribeOptions(language="fr")))
        journal.remove(9)
        journal.take(JobSegment(9, make_segment(0)))  # the engine was not told in time
        journal.set_state(10, State.PAUSED)
        journal.resume(7, 12)
        journal.set_order([11, 12, 10])

    write(file, tell)
    found = read(file)
    assert [r.job_id for r in found] == [11, 12, 10]
    anew, resumed, paused = found
    assert (anew.transcript.segments, anew.options.language) == ([], "fr")
    assert resumed.transcript.segments == [make_segment(0), make_segment(1)]
    assert paused.state is State.PAUSED
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT DISTINCT recording FROM segment").fetchall() == [(12,)]


def test_no_program_needs_to_close_it(file: Path, recording: Path) -> None:
    """Another process reads what a living one has written, within the time that changes are put together."""
    journal = Journal(open_database(file), lambda _error: None)
    tell_half(journal, recording)
    written = threading.Event()
    journal._changes.put(lambda _connection: written.set())
    assert written.wait(10)
    journal._changes.put(None)
    journal._thread.join()
    assert len(read(file)[0].transcript.segments) == 2


@pytest.fixture
def full_disk(file: Path) -> sqlite3.Connection:
    """A connection whose file may not grow; `max_page_count` lifts that."""
    connection = open_database(file)
    connection.execute("PRAGMA max_page_count = 8")
    return connection


def test_a_full_disk_is_told_once_and_nothing_is_lost(
    full_disk: sqlite3.Connection, file: Path, recording: Path
) -> None:
    told: list[StoreError] = []
    failed = threading.Event()

    def take(error: StoreError) -> None:
        told.append(error)
        failed.set()

    journal = Journal(full_disk, take)
    journal.add([job(1, recording)])
    for number in range(200):
        journal.take(JobSegment(1, make_segment(number, "word " * 50)))
    assert failed.wait(10)
    [error] = told
    assert "cannot be written" in error.message
    journal._changes.put(lambda _connection: None)
    full_disk.execute("PRAGMA max_page_count = 100000")  # between two tries, which are seconds apart
    journal.take(JobFinished(1, settled(200, 600.0)))
    written = threading.Event()
    journal._changes.put(lambda _connection: written.set())
    assert written.wait(30)
    journal.close()
    [found] = read(file)
    assert len(found.transcript.segments) == 200
    assert found.state is State.DONE
    assert len(told) == 1


def test_a_model_of_its_own_is_kept_changed_and_forgotten(file: Path, recording: Path) -> None:
    large = Path("/models/gro\udcdf.bin")  # names of files may be no text

    def tell(journal: Journal) -> None:
        journal.add([TranscribeFile(number, recording, TranscribeOptions(), model=large) for number in (1, 2, 3)])
        journal.add([job(4, recording)])
        journal.set_options(2, TranscribeOptions(language="fr"), None)
        journal.restart(3, job(5, recording))
        journal.set_options(4, TranscribeOptions(), large)
        journal.resume(1, 6)

    write(file, tell)
    assert [(r.job_id, r.model) for r in read(file)] == [(6, large), (2, None), (5, None), (4, large)]
    assert [r.job.model for r in read(file)] == [large, None, None, large]


def test_a_list_of_the_version_before_gets_its_new_column(file: Path, recording: Path) -> None:
    write(file, lambda journal: journal.add([job(1, recording)]))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP INDEX segment_order")
        connection.execute("ALTER TABLE recording DROP COLUMN model")
        connection.execute("PRAGMA user_version = 2")
    assert [(r.job_id, r.model) for r in read(file)] == [(1, None)]


def test_a_row_nobody_can_read_does_not_hide_the_others(file: Path, recording: Path) -> None:
    write(file, lambda journal: journal.add([job(1, recording), job(2, recording)]))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE recording SET options = 'no json' WHERE id = 1")
        connection.commit()
    assert [r.job_id for r in read(file)] == [2]


def test_files_that_are_no_list_are_refused_in_words(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"This is no database. " * 500)
    with pytest.raises(StoreError, match="cannot be used"):
        open_database(file)
    assert file.read_bytes().startswith(b"This is no database.")
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreError, match="newer version"):
        open_database(file)


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be used"):
        open_database(tmp_path / "taken" / "recordings.sqlite")


EDITED = [make_segment(0).text, " 1 a", " 1 b", " 0 b", make_segment(2).text]


def edit_cancelled(journal: Journal, path: Path) -> None:
    """Cut short behind two segments that are settled; then a person makes four of them."""
    tell_half(journal, path)
    journal.take(JobCancelled(7, settled(2, 6.0)))
    for i, n_segments in enumerate((4, 5)):
        journal.replace_segments(
            7, 1, 1, [make_segment(0, f"{i} a"), make_segment(0, f"{i} b")], settled(n_segments, 9.0)
        )


def test_text_that_was_changed_is_settled_with_it(file: Path, recording: Path) -> None:
    """It is resumed, and the program ends twice before the engine says anything; what follows stands behind it."""

    def tell(journal: Journal) -> None:
        edit_cancelled(journal, recording)
        journal.resume(7, 8)
        journal.take(JobSegment(8, make_segment(5, "next")))

    write(file, tell)
    for _ in range(2):
        [found] = read(file)
        assert [segment.text for segment in found.transcript.segments] == EDITED
        assert found.job.settled is not None
        assert found.job.settled.n_segments == 5
    write(file, lambda journal: journal.take(JobSegment(8, make_segment(5, "next"))))
    with closing(open_database(file)) as connection:
        assert connection.execute("SELECT number FROM segment").fetchall() == [(i,) for i in range(6)]


def test_a_crash_while_the_queue_is_read_loses_no_order(file: Path, recording: Path) -> None:
    """What is taken back is renumbered: wholly or not at all."""

    def tell(journal: Journal) -> None:
        edit_cancelled(journal, recording)
        journal.set_state(7, State.WAITING)

    write(file, tell)
    for n_statements in range(1, 30):
        with closing(open_database(file)) as connection:
            left = [n_statements]

            def stop(left: list[int] = left) -> int:
                left[0] -= 1
                return left[0] < 0

            connection.set_progress_handler(stop, 20)
            with suppress(sqlite3.OperationalError):
                restore(connection)
    [found] = read(file)
    assert [segment.text for segment in found.transcript.segments] == EDITED
