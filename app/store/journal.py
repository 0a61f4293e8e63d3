"""Writes down what happens to the queue, as it happens, on a thread of its own.

What the engine says is handed over before the window sees it. A text and how far it goes (`RunStats`) are changed by
one transaction or belong together by number, so that a run that was cut off, whenever, goes on where its text ends.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobMessage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    TranscribeFile,
)
from app.session import State
from app.store import segments
from app.store.codec import options_to_json, path_to_blob, stats_to_json, words_to_json
from app.store.errors import StoreError
from gpu.types import RunStats, Segment, TranscribeOptions, Words

TOGETHER_S = 0.1  # what happens within it is one transaction: each waits for the disk
RETRY_S = 2.0

_log = logging.getLogger(__name__)

Change = Callable[[sqlite3.Connection], object]


class Journal:
    """Changes of the queue, in the order in which they are told. Every method returns at once, but for `close`.

    Args:
        connection: of `open_database`; belongs to this object from now on.
        failed: is called on the journal's thread when writing fails. It is tried again until it succeeds.
        recovered: is called there when it does.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        failed: Callable[[StoreError], object],
        recovered: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection, self._failed, self._recovered = connection, failed, recovered
        self._changes: SimpleQueue[Change | None] = SimpleQueue()  # None: the end
        self._closing = threading.Event()
        self._is_behind = False  # belongs to the thread until that has ended
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def add(self, jobs: Sequence[TranscribeFile]) -> None:
        """They wait at the end of the list."""
        for job in jobs:
            self._put(
                "INSERT INTO recording (id, place, path, options, state, model) "
                "VALUES (?, (SELECT coalesce(max(place), 0) + 1 FROM recording), ?, ?, ?, ?)",
                job.job_id, path_to_blob(job.path), options_to_json(job.options), State.WAITING.name,
                _model_to_blob(job.model),
            )  # fmt: skip

    def restart(self, old_id: int, job: TranscribeFile) -> None:
        """A recording begins anew, from nothing, in its place."""
        self._put("DELETE FROM segment WHERE recording = ?", old_id)
        self._put(
            "UPDATE recording SET id = ?, options = ?, state = ?, model = ?, language = NULL, probability = NULL, "
            "stats = NULL, size = NULL, modified_ns = NULL, failure = NULL, warnings = '[]', is_saved = 0 WHERE id = ?",
            job.job_id, options_to_json(job.options), State.WAITING.name, _model_to_blob(job.model), old_id,
        )  # fmt: skip

    def resume(self, old_id: int, job_id: int) -> None:
        """A recording waits to go on where its text is settled, under a new number."""
        self._changes.put(partial(_drop_unsettled, recording=old_id))
        self._put(
            "UPDATE recording SET id = ?, state = ?, failure = NULL WHERE id = ?", job_id, State.WAITING.name, old_id
        )

    def remove(self, job_id: int) -> None:
        self._put("DELETE FROM recording WHERE id = ?", job_id)

    def set_state(self, job_id: int, state: State) -> None:
        self._put("UPDATE recording SET state = ? WHERE id = ?", state.name, job_id)

    def set_options(self, job_id: int, options: TranscribeOptions, model: Path | None = None) -> None:
        """`model`: its own, or None."""
        values = options_to_json(options), _model_to_blob(model)
        self._put("UPDATE recording SET options = ?, model = ? WHERE id = ?", *values, job_id)

    def set_saved(self, job_id: int) -> None:
        """The text as it stands is in a file."""
        self._put("UPDATE recording SET is_saved = 1 WHERE id = ?", job_id)

    def replace_segments(
        self, job_id: int, first: int, n_old: int, new: Sequence[Segment], stats: RunStats | None
    ) -> None:
        """Others are in the place of some segments; those behind them keep their order. `stats` fit what is there
        now: both or neither are written."""
        values = stats_to_json(stats) if stats is not None else None, job_id

        def change(connection: sqlite3.Connection) -> None:
            segments.replace(connection, job_id, first, n_old, kept)
            connection.execute("UPDATE recording SET is_saved = 0, stats = coalesce(?, stats) WHERE id = ?", values)

        kept = tuple(new)
        self._changes.put(change)

    def set_taken(self, path: Path, size: int, modified_ns: int) -> None:
        """A file of a watched folder is not to be taken again as it is now."""
        self._put("INSERT OR REPLACE INTO taken VALUES (?, ?, ?)", path_to_blob(path), size, modified_ns)

    def set_order(self, job_ids: Sequence[int]) -> None:
        for place, job_id in enumerate(job_ids, 1):
            self._put("UPDATE recording SET place = ? WHERE id = ?", place, job_id)

    def take(self, message: JobMessage) -> None:
        """What the engine says about a job. Nothing is kept of one that is not there (any more)."""
        job_id = message.job_id
        match message:
            case JobStarted(path=path):
                self.set_state(job_id, State.RUNNING)
                self._changes.put(lambda connection: _keep_file_facts(connection, job_id, path))
            case JobLanguage(language=language, probability=None):
                self._put("UPDATE recording SET language = ? WHERE id = ?", language, job_id)
            case JobLanguage(language=language, probability=probability):
                self._put(
                    "UPDATE recording SET language = ?, probability = ? WHERE id = ?", language, probability, job_id
                )
            case JobSegment(segment=segment):
                self._changes.put(partial(segments.put, recording=job_id, segment=segment))
                self._put("UPDATE recording SET is_saved = 0 WHERE id = ? AND is_saved", job_id)
            case JobStats(stats=stats):
                self._put("UPDATE recording SET stats = ? WHERE id = ?", stats_to_json(stats), job_id)
            case JobWarning(message=words):
                self._put(
                    "UPDATE recording SET warnings = json_insert(warnings, '$[#]', json(?)) WHERE id = ?",
                    words_to_json(words), job_id,
                )  # fmt: skip
            case JobFinished():
                self.set_state(job_id, State.DONE)
            case JobCancelled():
                self.set_state(job_id, State.CANCELLED)
            case JobFailed():
                self.set_state(job_id, State.FAILED)
                self._put("UPDATE recording SET failure = ? WHERE id = ?", _failure_to_json(message), job_id)

    def close(self) -> bool:
        """Take nothing more, and return when everything is written, or cannot be: whether it is."""
        if not self._closing.is_set():
            self._closing.set()
            self._changes.put(None)
        self._thread.join()
        return not self._is_behind

    def _put(self, statement: str, *values: object) -> None:
        self._changes.put(lambda connection: connection.execute(statement, values))

    def _write(self) -> None:
        batch: list[Change] = []
        ended = has_failed = False
        while not ended:
            if not batch:
                batch, ended = self._next_batch()
            try:
                _apply(self._connection, batch)
            except sqlite3.Error as e:
                _log.error("the list of recordings cannot be written", exc_info=e)
                if not has_failed:
                    self._failed(_not_written(e))
                has_failed = True
                if self._closing.wait(RETRY_S):
                    self._is_behind = True
                    break
            else:
                if has_failed:
                    _log.info("the list of recordings is written again")
                    self._recovered()
                batch, has_failed = [], False
        with suppress(sqlite3.Error):
            self._connection.close()

    def _next_batch(self) -> tuple[list[Change], bool]:
        """Waits for a change, and for what comes right behind it; and whether it is the last."""
        batch = [self._changes.get()]
        self._closing.wait(TOGETHER_S)
        with suppress(Empty):
            while batch[-1] is not None:
                batch.append(self._changes.get_nowait())
        return [change for change in batch if change is not None], batch[-1] is None


def _apply(connection: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """All of them, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            change(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _drop_unsettled(connection: sqlite3.Connection, recording: int) -> None:
    found = connection.execute(
        "SELECT coalesce(json_extract(stats, '$.n_segments'), 0) FROM recording WHERE id = ?", (recording,)
    ).fetchone()
    if found is not None:
        segments.keep_first(connection, recording, *found)


def file_facts(path: Path) -> tuple[int, int] | None:
    """Size and time of a file, by which a change of it is noticed; None if it is not there."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


def _keep_file_facts(connection: sqlite3.Connection, job_id: int, path: Path) -> None:
    size, modified_ns = file_facts(path) or (None, None)
    connection.execute("UPDATE recording SET size = ?, modified_ns = ? WHERE id = ?", (size, modified_ns, job_id))


def _model_to_blob(model: Path | None) -> bytes | None:
    return None if model is None else path_to_blob(model)


def _failure_to_json(failure: JobFailed) -> str:
    message, remedy = (json.loads(words_to_json(words)) for words in (failure.message, failure.remedy))
    return json.dumps({"kind": failure.kind, "message": message, "remedy": remedy}, ensure_ascii=False)


def _not_written(error: sqlite3.Error) -> StoreError:
    return StoreError(
        Words("The list of recordings and their texts cannot be written: {reason}.", reason=error),
        remedy=Words("Make room on the disk; it is tried again and again. Until then, save texts yourself."),
    )
