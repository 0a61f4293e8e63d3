"""The segments of a recording in the store: their order is that of `number`, which may have gaps and fractions.

So a segment that comes between two others changes no other row, however long the transcript is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from app.store.codec import segment_to_json
from gpu.types import Segment


def put(connection: sqlite3.Connection, recording: int, segment: Segment) -> None:
    """At the number it has; nothing if the recording is not there (any more)."""
    connection.execute(
        "INSERT OR REPLACE INTO segment (recording, number, value) SELECT id, ?, ? FROM recording WHERE id = ?",
        (segment.id, segment_to_json(segment), recording),
    )


def replace(connection: sqlite3.Connection, recording: int, first: int, n_old: int, new: Sequence[Segment]) -> None:
    """Others in the place of `n_old` segments from the row `first` on, which counts in their order."""
    numbers = _free_numbers(connection, recording, first, n_old, len(new))
    if any(a >= b for a, b in pairwise(numbers)):  # too often at the same place for a float
        keep_first(connection, recording, None)
        numbers = _free_numbers(connection, recording, first, n_old, len(new))
    _delete(connection, recording, _numbers(connection, recording, first, n_old))
    rows = zip(numbers[1 : 1 + len(new)], new, strict=True)
    connection.executemany(
        "INSERT INTO segment (recording, number, value) SELECT id, ?, ? FROM recording WHERE id = ?",
        [(number, segment_to_json(segment), recording) for number, segment in rows],
    )


def keep_first(connection: sqlite3.Connection, recording: int, n_kept: int | None) -> None:
    """Only so many (None: all) are there any more, and their numbers are 0, 1, 2, ...: others may follow."""
    numbers = _numbers(connection, recording, 0, -1)
    kept = numbers[:n_kept]
    _delete(connection, recording, numbers[len(kept) :])
    if kept == list(range(len(kept))):
        return
    beyond = int(max(*kept, len(kept))) + 1  # in two steps: no two may have the same number meanwhile
    for shift, now in ((beyond, kept), (0, [beyond + place for place in range(len(kept))])):
        connection.executemany(
            "UPDATE segment SET number = ? WHERE recording = ? AND number = ?",
            [(shift + place, recording, number) for place, number in enumerate(now)],
        )


def _delete(connection: sqlite3.Connection, recording: int, numbers: Sequence[float]) -> None:
    connection.executemany(
        "DELETE FROM segment WHERE recording = ? AND number = ?", [(recording, number) for number in numbers]
    )


def _numbers(connection: sqlite3.Connection, recording: int, first: int, n: int) -> list[float]:
    """Of the rows from `first` on; -1: all."""
    rows = connection.execute(
        "SELECT number FROM segment WHERE recording = ? ORDER BY number LIMIT ? OFFSET ?", (recording, n, first)
    )
    return [number for (number,) in rows]


def _free_numbers(connection: sqlite3.Connection, recording: int, first: int, n_old: int, n_new: int) -> list[float]:
    """Numbers for new rows, spread between those before and behind, which stand at both ends."""
    around = _numbers(connection, recording, max(first - 1, 0), n_old + (2 if first else 1))
    before = around.pop(0) if first and around else None
    behind = around[n_old] if len(around) > n_old else None
    if before is None:
        before = (behind if behind is not None else n_new) - n_new - 1
    if behind is None:
        behind = before + n_new + 1
    step = (behind - before) / (n_new + 1)
    return [before, *(before + step * (place + 1) for place in range(n_new)), behind]
