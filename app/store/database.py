"""The file that holds the queue: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.store.errors import StoreError
from gpu.types import Words

VERSION = 4  # of the tables; each step to it is one script

_STEPS = (
    """
    CREATE TABLE recording (
        id INTEGER PRIMARY KEY,      -- of its latest job
        place INTEGER NOT NULL,      -- in the list
        path BLOB NOT NULL,
        size INTEGER,                -- of the file when it was begun, with its time: is it still the same?
        modified_ns INTEGER,
        options TEXT NOT NULL,       -- JSON, as all that follows without a type of its own
        state TEXT NOT NULL,
        language TEXT,
        probability REAL,
        stats TEXT,                  -- say where an unfinished run goes on, and with how many segments before it
        failure TEXT,
        warnings TEXT NOT NULL DEFAULT '[]',
        is_saved INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE segment (
        recording INTEGER NOT NULL REFERENCES recording(id) ON UPDATE CASCADE ON DELETE CASCADE,
        number INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (recording, number)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE taken (             -- files of watched folders that are not to be taken again
        path BLOB PRIMARY KEY,
        size INTEGER NOT NULL,       -- as it was then: one that is not so now is another recording
        modified_ns INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE recording ADD COLUMN model BLOB",  # path of the file of one of its own
    "CREATE INDEX segment_order ON segment (recording, number)",  # to count rows without reading texts
)


def open_database(path: Path) -> sqlite3.Connection:
    """The connection, with all tables in it; each change is on the disk when it is committed (WAL, synchronous FULL).

    Raises:
        StoreError: the file is no database of this program, is of a newer version, or cannot be read and written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _bring_up_to_date(connection, path)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as e:
        raise StoreError(
            Words("The list of recordings in {path} cannot be used: {reason}.", path=path, reason=e),
            remedy=Words("Make room on the disk and allow writing there; a damaged file may be moved away."),
        ) from e
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """All steps or none; another process that does the same waits."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        [found] = connection.execute("PRAGMA user_version").fetchone()
        if found > VERSION:
            raise StoreError(
                Words("The list of recordings in {path} is of a newer version of this program.", path=path),
                remedy=Words("Use that version, or move the file away."),
            )
        for step in _STEPS[found:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
