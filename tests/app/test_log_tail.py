"""The log as it grows: whole lines, entries with their tracebacks, and nothing lost when the file is rotated."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from app.log_tail import LogEntry, LogTail, entries_of

FIRST = "2026-01-01 10:00:00,000 INFO MainThread app.x: begins"
SECOND = "2026-01-01 10:00:01,000 ERROR engine app.y: failed"
TRACE = ("Traceback (most recent call last):", "ValueError: no")


def write(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_lines_of_an_entry_stay_together() -> None:
    entries = entries_of([FIRST, SECOND, *TRACE])
    assert entries == [LogEntry(logging.INFO, (FIRST,)), LogEntry(logging.ERROR, (SECOND, *TRACE))]
    assert entries[1].has("valueerror")
    assert not entries[0].has("valueerror")


def test_only_what_is_new_is_read_and_only_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    tail = LogTail(path)
    with pytest.raises(FileNotFoundError):
        tail.read()
    write(path, FIRST + "\n" + SECOND[:30])
    assert [entry.lines for entry in tail.read()] == [(FIRST,)]
    assert tail.read() == []
    write(path, SECOND[30:] + "\n")
    assert [entry.lines for entry in tail.read()] == [(SECOND,)]
    write(path, "\n".join(TRACE) + "\n")
    assert tail.read() == [LogEntry(logging.NOTSET, TRACE)]  # goes on with the last one


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    write(path, (FIRST + "é\n") * 20_000)
    entries = LogTail(path).read()
    assert 1_000 < len(entries) < 20_000
    assert all(entry.lines == (FIRST + "é",) for entry in entries)


def test_nothing_is_lost_when_the_log_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    handler = RotatingFileHandler(path, maxBytes=1000, backupCount=2)
    handler.setFormatter(logging.Formatter("2026-01-01 10:00:00,000 INFO %(message)s"))
    tail, seen = LogTail(path), []
    for number in range(100):
        handler.emit(logging.makeLogRecord({"msg": str(number)}))
        if number % 7 == 0:
            seen += tail.read()
    handler.close()
    seen += tail.read()
    assert [entry.lines[0].split()[-1] for entry in seen] == [str(number) for number in range(100)]
