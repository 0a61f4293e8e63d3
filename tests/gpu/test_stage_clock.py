"""Stages on a clock that the test turns."""

import mmap
import threading
from contextlib import nullcontext

import pytest

from gpu import stage_clock
from gpu.stage_clock import StageClock, stage


@pytest.fixture
def now(monkeypatch):
    """What time it is; the test sets it."""
    now = [0.0]
    monkeypatch.setattr(stage_clock.time, "perf_counter", lambda: now[0])
    return now


def test_a_stage_is_without_those_inside_it(now):
    clock = StageClock()
    for _ in range(2):
        with clock.stage("outer") as done:
            done.n_items = 3
            now[0] += 1.0
            with clock.stage("inner"):
                now[0] += 10.0
                with clock.stage("innermost"):
                    now[0] += 100.0
            with clock.stage("inner"):
                now[0] += 20.0
            now[0] += 2.0
    seconds = {name: total.seconds for name, total in clock.stages.items()}
    assert seconds == {"innermost": 200.0, "inner": 60.0, "outer": 6.0}
    assert clock.stages["outer"].n_items == 6
    assert all(total.beside_s == 0 for total in clock.stages.values())


def test_a_stage_counts_when_it_fails(now):
    clock = StageClock()

    def work():
        with clock.stage("outer"), clock.stage("inner"):
            now[0] += 1.0
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert clock.stages["inner"].seconds == 1.0
    assert clock.stages["outer"].seconds == 0.0


def test_other_threads_work_beside_it(now):
    clock = StageClock()

    def work():
        with clock.stage("read"):
            now[0] += 5.0

    with clock.stage("encode"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert (clock.stages["read"].seconds, clock.stages["read"].beside_s) == (0.0, 5.0)
    assert clock.stages["encode"].seconds == 5.0


def test_memory_is_looked_at_when_a_stage_ends():
    clock = StageClock()
    with clock.stage("fill"):
        held = mmap.mmap(-1, 50_000_000)  # goes back to the system when it is closed
        held.write(b"x" * len(held))
    held.close()
    with clock.stage("rest"):
        pass
    fill, rest = clock.stages["fill"], clock.stages["rest"]
    assert fill.used >= 50_000_000
    assert rest.used < fill.used - 25_000_000
    assert rest.peak > 0.95 * fill.used, "what was, remains the peak"


def test_without_a_clock_there_is_nothing_to_do():
    assert isinstance(stage(None, "encode"), nullcontext)
