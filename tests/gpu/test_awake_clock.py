"""The machine's sleep is no time of work."""

import sys
import time

import pytest

from gpu import awake_clock


def test_it_goes_on_while_the_machine_is_awake() -> None:
    before, monotonic = awake_clock.awake_s(), time.monotonic()
    while time.monotonic() < monotonic + 0.02:
        pass
    assert awake_clock.awake_s() - before == pytest.approx(time.monotonic() - monotonic, abs=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="clocks of Linux")
def test_a_night_of_sleep_is_told_and_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before, slept = awake_clock.awake_s(), awake_clock.slept_s()
    real = time.clock_gettime

    def after_a_night(clock: int) -> float:
        """As Linux has it: CLOCK_BOOTTIME has gone on, CLOCK_MONOTONIC has not."""
        return real(clock) + (28_800 if clock == time.CLOCK_BOOTTIME else 0)

    monkeypatch.setattr(time, "clock_gettime", after_a_night)
    assert awake_clock.slept_s() - slept == pytest.approx(28_800, abs=0.1)
    assert awake_clock.awake_s() - before < 10
