"""The queue as it was when the program ended, however it ended."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.document.transcript import Transcript
from app.engine.messages import JobFailed
from app.long_lived import long_lived
from app.session import Recording, State
from app.store import segments
from app.store.codec import (
    options_from_json,
    path_from_blob,
    segment_from_json,
    stats_from_json,
    words_from_json,
)
from app.store.journal import file_facts
from gpu.types import Words

_log = logging.getLogger(__name__)

_COLUMNS = (
    "id, path, size, modified_ns, options, state, language, probability, stats, failure, warnings, is_saved, model"
)


def restore(connection: sqlite3.Connection) -> list[Recording]:
    """All recordings in their order. What ran waits, and will go on where its text ends; text behind that is dropped.

    A row that this version cannot read is left out, and stays in the file.
    """
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN IMMEDIATE")  # what is taken back is taken back wholly, and waits for the disk once
        rows = connection.execute(f"SELECT {_COLUMNS} FROM recording ORDER BY place").fetchall()
        recordings = list(_readable(connection, rows))
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.row_factory = None
    return recordings


def taken_files(connection: sqlite3.Connection) -> dict[Path, tuple[int, int]]:
    """Files of watched folders that were taken, with size and time as they were."""
    rows = connection.execute("SELECT path, size, modified_ns FROM taken").fetchall()
    return {path_from_blob(path): (size, modified_ns) for path, size, modified_ns in rows}


def _readable(connection: sqlite3.Connection, rows: list[sqlite3.Row]) -> Iterator[Recording]:
    for row in rows:
        try:
            yield _recording(connection, row)
        except (KeyError, TypeError, ValueError) as e:
            _log.error("recording %s in the list cannot be read", row["id"], exc_info=e)


def _recording(connection: sqlite3.Connection, row: sqlite3.Row) -> Recording:
    path = path_from_blob(row["path"])
    recording = Recording(
        job_id=row["id"],
        path=path,
        options=options_from_json(row["options"]),
        transcript=Transcript(path, row["language"]),
        state=State[row["state"]],
        probability=row["probability"],
        stats=stats_from_json(row["stats"]) if row["stats"] else None,
        warnings=[words_from_json(json.dumps(words)) for words in json.loads(row["warnings"])],
        is_saved=bool(row["is_saved"]),
        model=path_from_blob(row["model"]) if row["model"] is not None else None,
    )
    if row["failure"]:
        failure = json.loads(row["failure"])
        message, remedy = (words_from_json(json.dumps(failure[part])) for part in ("message", "remedy"))
        recording.failure = JobFailed(recording.job_id, path, failure["kind"], message, remedy)
    if recording.state is State.RUNNING:
        recording.state = State.WAITING
    if recording.state is State.WAITING:
        _take_back(connection, recording, (row["size"], row["modified_ns"]))
    values = connection.execute("SELECT value FROM segment WHERE recording = ? ORDER BY number", (recording.job_id,))
    recording.transcript.segments = list(long_lived(segment_from_json(value) for (value,) in values))
    return recording


def _take_back(connection: sqlite3.Connection, recording: Recording, facts: tuple[int | None, int | None]) -> None:
    """Of an unfinished run only what is settled counts; nothing where the file has become another one."""
    begun = recording.stats is not None
    if begun and file_facts(recording.path) not in (facts, None):
        recording.stats = recording.transcript.language = recording.probability = None
        recording.warnings = [Words("The file has changed since it was begun: it is transcribed from its beginning.")]
    n_settled = recording.stats.n_segments if recording.stats else 0
    segments.keep_first(connection, recording.job_id, n_settled)
    connection.execute(
        "UPDATE recording SET state = ?, stats = CASE WHEN ? THEN stats END WHERE id = ?",
        (State.WAITING.name, recording.stats is not None, recording.job_id),
    )
