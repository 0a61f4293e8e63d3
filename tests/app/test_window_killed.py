"""The program killed while it works: what it has done is there, and it goes on behind that."""

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from app.session import Recording, State
from app.store.database import open_database
from app.store.restore import restore
from gpu.types import Segment
from tests.support.homes import window_environment
from tests.support.screen import wait_until
from tests.support.speech import ENGLISH, make_reading, reading_errors

MOST_ERRORS = 2.0  # percent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return window_environment(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".local" / "share" / "whisperdesktop-ng" / "recordings.sqlite"


@contextmanager
def running(environment: dict[str, str], *paths: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The window, drawn nowhere."""
    command = [sys.executable, "-m", "app", *(["open", *map(str, paths)] if paths else [])]
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def recordings(file: Path) -> list[Recording]:
    """As the next start will find them; the program may be running: nothing is changed."""
    try:
        with closing(open_database(file)) as there, closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            there.backup(copy)
            return restore(copy)
    except sqlite3.OperationalError:  # the very moment in which it is made
        return []


def wait_for(file: Path, process: subprocess.Popen[bytes], what: str) -> list[Recording]:
    """Until the first of the list is done, or, if "text" is enough, has some."""
    found: list[Recording] = []

    def is_there() -> bool:
        assert process.poll() is None
        found[:] = recordings(file) if file.exists() else []
        return bool(found) and (found[0].state is State.DONE or (what == "text" and bool(found[0].transcript.segments)))

    wait_until(is_there, what, pause_s=0.05)
    return found


@pytest.mark.long
def test_killed_it_goes_on_where_it_was(environment: dict[str, str], file: Path, tmp_path: Path) -> None:
    reading = tmp_path / "reading.wav"
    make_reading(reading, 2 * ENGLISH)
    with running(environment, reading) as process:
        wait_for(file, process, "text")
        process.send_signal(signal.SIGKILL)
        process.wait()
    [killed] = recordings(file)
    before = killed.transcript.segments
    assert before
    assert killed.state is State.WAITING
    assert killed.stats is not None
    with running(environment) as process:
        [done] = wait_for(file, process, "done")
    assert done.transcript.segments[: len(before)] == before
    assert done.stats is not None
    assert done.stats.skipped_s == pytest.approx(killed.stats.settled_s)
    assert [segment.id for segment in done.transcript.segments] == list(range(len(done.transcript.segments)))
    assert reading_errors(done.transcript.text, 2 * ENGLISH).percent <= MOST_ERRORS


@pytest.mark.long
def test_killed_at_ten_moments(environment: dict[str, str], file: Path, tmp_path: Path) -> None:
    """Six minutes: no window that was done is done again, and what comes out is what comes out without."""
    moments = random.Random(1)
    reading = tmp_path / "reading.wav"
    clips = 4 * ENGLISH + ENGLISH[:4]  # the same sentences are minutes apart
    assert make_reading(reading, clips) >= 345
    paths = [reading]
    before: list[Segment] = []
    settled_s = 0.0
    for _ in range(10):
        with running(environment, *paths) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(1.0, 5.0))
            process.kill()
        found = recordings(file) if file.exists() else []
        if not found:  # killed before it had heard of the file
            continue
        paths = []
        [killed] = found
        assert killed.transcript.segments[: len(before)] == before
        before = list(killed.transcript.segments)
        if killed.stats is not None:
            assert killed.stats.settled_s >= settled_s
            settled_s = killed.stats.settled_s
        if killed.state is State.DONE:
            break
    with running(environment) as process:
        [done] = wait_for(file, process, "done")
    assert done.transcript.segments[: len(before)] == before
    assert done.stats is not None
    assert done.stats.skipped_s == pytest.approx(settled_s)
    starts = [segment.start for segment in done.transcript.segments]
    assert starts == sorted(starts)
    assert reading_errors(done.transcript.text, clips).percent <= MOST_ERRORS
