"""How fast a run is now: measured against runs whose speed is known."""

from dataclasses import replace

import pytest

from app.engine.pace import Pace, Speed
from tests.support.engine_messages import make_stats


class Run:
    """An engine on a clock of its own."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.heard_s, self.n_decoded = 0.0, 0
        self.pace = Pace(lambda: self.now_s)

    def work(self, seconds: float, audio_s: float = 0.0, n_tokens: int = 0) -> None:
        self.now_s += seconds
        self.heard_s += audio_s
        self.n_decoded += n_tokens
        self.pace.take(replace(make_stats(self.heard_s, 36_000.0), n_decoded=self.n_decoded))

    @property
    def speed(self) -> Speed:
        return self.pace.speed


def test_before_anything_is_done_there_is_none() -> None:
    run = Run()
    assert run.speed == Speed(None, None)
    run.now_s += 5
    assert run.speed.real_time_factor is None


@pytest.mark.parametrize("factor", [0.02, 0.25, 3.0])
def test_an_even_run(factor: float) -> None:
    run = Run()
    for _ in range(40):
        run.work(28 * factor, 28.0, n_tokens=100)
        assert run.speed.real_time_factor == pytest.approx(factor)
    assert run.speed.tokens_per_s == pytest.approx(100 / 28 / factor)


def test_now_is_not_the_average() -> None:
    run = Run()
    for _ in range(20):
        run.work(2.8, 28.0, n_tokens=100)
    for _ in range(4):  # something else wants the processor
        run.work(14.0, 28.0, n_tokens=100)
    assert run.speed.real_time_factor == pytest.approx(0.5)
    assert run.speed.tokens_per_s == pytest.approx(100 / 14)


def test_windows_that_end_together_do_not_look_faster() -> None:
    run = Run()
    for _ in range(6):  # eight windows at once: a long wait, and all of them within a moment
        run.work(40.0, n_tokens=800)
        for _ in range(8):
            run.work(0.5, 28.0)
            assert (run.speed.real_time_factor or 1.0) > 0.15
    assert run.speed.real_time_factor == pytest.approx(44 / 224, rel=0.3)


def test_a_run_that_stalls_is_seen_within_a_second() -> None:
    run = Run()
    for _ in range(20):
        run.work(2.8, 28.0, n_tokens=100)
    factors = []
    for _ in range(30):
        run.now_s += 1.0
        factors.append(run.speed.real_time_factor or 0.0)
    assert factors == sorted(factors)
    assert factors[0] > 0.1
    assert factors[-1] > 0.3
    assert run.speed.tokens_per_s == 0.0


def test_many_words_of_one_window_are_one_measurement() -> None:
    run = Run()
    for _ in range(10_000):
        run.work(0.01, n_tokens=1)
    assert run.speed.real_time_factor is None
    assert run.speed.tokens_per_s == pytest.approx(100, rel=0.05)
    assert len(run.pace._samples) < 1000


def test_what_is_left_out_counts_as_no_work_done() -> None:
    run = Run()
    run.now_s += 2.0
    run.pace.take(replace(make_stats(610.0, 3600.0), skipped_s=600.0))
    assert run.speed.real_time_factor == pytest.approx(0.2)
