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
    before, old, behind = _around(connection, recording, first, n_old)
    numbers = _between(before, behind, len(new))
    if any(a >= b for a, b in pairwise([before, *numbers, behind]) if a is not None and b is not None):
        keep_first(connection, recording, None)  # too often at the same place for a float
        before, old, behind = _around(connection, recording, first, n_old)
        numbers = _between(before, behind, len(new))
    _delete(connection, recording, old)
    connection.executemany(
        "INSERT INTO segment (recording, number, value) SELECT id, ?, ? FROM recording WHERE id = ?",
        [(number, segment_to_json(segment), recording) for number, segment in zip(numbers, new, strict=True)],
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
    """Of the rows from `first` on; -1: all. The index is counted through, not the texts."""
    rows = connection.execute(
        "SELECT number FROM segment INDEXED BY segment_order WHERE recording = ? ORDER BY number LIMIT ? OFFSET ?",
        (recording, n, first),
    )
    return [number for (number,) in rows]


def _around(
    connection: sqlite3.Connection, recording: int, first: int, n_old: int
) -> tuple[float | None, list[float], float | None]:
    """The numbers of some rows; before and behind them those of their neighbours, None at the ends."""
    begin = max(first - 1, 0)
    found = _numbers(connection, recording, begin, first - begin + n_old + 1)
    before, found = (found[0], found[1:]) if begin < first else (None, found)
    return before, found[:n_old], found[n_old] if len(found) > n_old else None


def _between(before: float | None, behind: float | None, n: int) -> list[float]:
    """`n` numbers in order, spread over what is free."""
    if before is None:
        before = (n if behind is None else behind) - n - 1
    step = 1.0 if behind is None else (behind - before) / (n + 1)
    return [before + step * (place + 1) for place in range(n)]
