"""On which thread windows in cycles are destroyed."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.garbage import GarbageCollector, collect_what_is_due
from app.long_lived import long_lived

MANY = 200_000  # objects: Python's own collector would run hundreds of times


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.stop()


class Leaf(QObject):
    """Part of a cycle; tells on which thread it ended."""

    def __init__(self, ended_on: list[int]) -> None:
        super().__init__()
        self.itself = self
        self._ended_on = ended_on

    def __del__(self) -> None:
        self._ended_on.append(threading.get_ident())


def allocate_elsewhere() -> None:
    thread = threading.Thread(target=lambda: [[] for _ in range(MANY)])
    thread.start()
    thread.join()


def test_a_busy_thread_does_not_destroy_what_belongs_to_qt(collector: GarbageCollector, qtbot: QtBot) -> None:
    ended_on: list[int] = []
    Leaf(ended_on)
    allocate_elsewhere()
    assert ended_on == []
    kept: list[list[None]] = [[] for _ in range(MANY)]
    qtbot.waitUntil(lambda: bool(ended_on))
    assert ended_on == [threading.get_ident()]
    del kept


def test_without_it_python_would(qtbot: QtBot) -> None:
    gc.enable()
    ended_on: list[int] = []
    Leaf(ended_on)
    allocate_elsewhere()
    assert ended_on != [threading.get_ident()]
    assert len(ended_on) == 1


def test_old_generations_have_their_turn(collector: GarbageCollector) -> None:
    objects, young, old = gc.get_threshold()
    before = gc.get_stats()[2]["collections"]
    for _ in range((young + 2) * (old + 2)):
        kept: list[list[None]] = [[] for _ in range(2 * objects)]
        collect_what_is_due()
        del kept
    assert gc.get_stats()[2]["collections"] > before


def test_stopped_python_collects_again(collector: GarbageCollector) -> None:
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()


def test_texts_of_hours_are_looked_through_once(collector: GarbageCollector) -> None:
    """What is in cycles among the rest has gone before."""
    ended_on: list[int] = []
    Leaf(ended_on)
    grown: list[list[None]] = [[] for _ in range(MANY)]
    for _ in range(gc.get_threshold()[2] + 1):
        gc.collect(1)
    before = gc.get_freeze_count()
    collect_what_is_due()
    assert gc.get_freeze_count() >= before + MANY
    assert len(ended_on) == 1
    gc.unfreeze()
    del grown


def test_what_comes_at_once_is_not_looked_through(collector: GarbageCollector) -> None:
    before = gc.get_freeze_count()
    few = list(long_lived([None] for _ in range(10)))
    assert gc.get_freeze_count() == before
    many = list(long_lived([None] for _ in range(10_000)))
    assert gc.get_freeze_count() >= before + 10_000
    gc.unfreeze()
    del few, many
