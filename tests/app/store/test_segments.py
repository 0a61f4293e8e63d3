"""Segments put in the place of others: the order in the store is that of a list, and no other row changes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store import segments
from app.store.codec import segment_from_json
from app.store.database import open_database
from tests.support.engine_messages import make_segment


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """With a recording, number 1."""
    with closing(open_database(tmp_path / "recordings.sqlite")) as connection:
        connection.execute("INSERT INTO recording (id, place, path, options, state) VALUES (1, 1, 'x', '{}', 'DONE')")
        connection.execute("BEGIN")  # nothing waits for the disk
        yield connection


def texts(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT value FROM segment WHERE recording = 1 ORDER BY number")
    return [segment_from_json(value).text.strip() for (value,) in rows]


def fill(connection: sqlite3.Connection, n: int) -> list[str]:
    for number in range(n):
        segments.put(connection, 1, make_segment(number, str(number)))
    return [str(number) for number in range(n)]


steps = st.tuples(st.integers(0, 12), st.integers(0, 4), st.integers(0, 4))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(steps, max_size=12), st.integers(0, 12))
def test_as_a_list(connection: sqlite3.Connection, changes: list[tuple[int, int, int]], n_kept: int) -> None:
    connection.execute("DELETE FROM segment")
    expected = fill(connection, 6)
    for step, (first, n_old, n_new) in enumerate(changes):
        first = min(first, len(expected))
        n_old = min(n_old, len(expected) - first)
        new = [f"{step}.{i}" for i in range(n_new)]
        expected[first : first + n_old] = new
        segments.replace(connection, 1, first, n_old, [make_segment(0, text) for text in new])
        assert texts(connection) == expected
    segments.keep_first(connection, 1, n_kept)
    expected = expected[:n_kept]
    segments.put(connection, 1, make_segment(len(expected), "next"))
    assert texts(connection) == [*expected, "next"]


def test_other_rows_stay_as_they_are(connection: sqlite3.Connection) -> None:
    fill(connection, 2000)
    before = connection.total_changes
    segments.replace(connection, 1, 1, 1, [make_segment(0, "a"), make_segment(0, "b")])
    assert connection.total_changes - before == 3


def test_again_and_again_at_the_same_place(connection: sqlite3.Connection) -> None:
    """Beyond what fractions can tell apart."""
    expected = fill(connection, 3)
    for i in range(200):
        segments.replace(connection, 1, 1, 0, [make_segment(0, f"new {i}")])
        expected.insert(1, f"new {i}")
    assert texts(connection) == expected


def test_nothing_is_kept_of_a_recording_that_is_gone(connection: sqlite3.Connection) -> None:
    segments.replace(connection, 2, 0, 0, [make_segment(0)])
    segments.put(connection, 2, make_segment(0))
    assert connection.execute("SELECT count(*) FROM segment").fetchone() == (0,)


def test_in_the_middle_of_a_long_text_no_other_text_is_read(connection: sqlite3.Connection) -> None:
    """Rows are counted in an index: hundreds of edits of a text of hours are written in a second."""
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT number FROM segment INDEXED BY segment_order "
        "WHERE recording = 1 ORDER BY number LIMIT 3 OFFSET 9"
    ).fetchall()
    assert "COVERING INDEX segment_order" in plan[0][3]
