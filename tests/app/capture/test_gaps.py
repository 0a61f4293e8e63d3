"""Sound that is missing, found by the clock: of devices as they are, with lumps, drift and wrong rates."""

import random

import pytest

from app.capture.gaps import GapMeter

RATE = 48_000
BLOCK_S = 0.01


class Device:
    """Gives sound to a meter, in blocks that come late by chance."""

    def __init__(self, says: int = RATE, gives: float = RATE) -> None:
        self.meter = GapMeter(says)
        self._gives, self._random = gives, random.Random(7)
        self.now, self.n_frames, self.missing_s = 0.0, 0.0, 0.0

    def play(self, seconds: float, lump_s: float = BLOCK_S, jitter_s: float = 0.02) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += lump_s
            self.n_frames += lump_s * self._gives
            late = self._random.uniform(0, jitter_s)
            self.missing_s += self.meter.look(self.now + late, round(self.n_frames))

    def lose(self, seconds: float) -> None:
        self.now += seconds


def test_nothing_is_missing_of_a_device_that_is_only_late() -> None:
    for lump_s, jitter_s in ((0.01, 0.005), (0.02, 0.08), (0.2, 0.09)):
        device = Device()
        device.play(60, lump_s, jitter_s)
        assert device.missing_s == 0


@pytest.mark.parametrize("drift", [0.9995, 1.0005])
def test_a_clock_that_is_wrong_is_no_gap(drift: float) -> None:
    device = Device(gives=drift * RATE)
    device.play(1800, lump_s=0.05)
    assert device.missing_s == 0


@pytest.mark.parametrize("lost_s", [0.15, 0.5, 3.0, 60.0])
def test_what_is_lost_is_found_once(lost_s: float) -> None:
    device = Device()
    device.play(10)
    device.lose(lost_s)
    device.play(10)
    device.lose(lost_s)
    device.play(10)
    assert device.missing_s == pytest.approx(2 * lost_s, abs=0.08)


def test_after_a_stall_it_waits_for_what_comes_late() -> None:
    device = Device()
    device.play(5)
    device.meter.stall()
    device.now += 4.0
    device.n_frames += 3.0 * RATE  # the sound server had kept that
    settled = None
    while settled is None:
        device.play(0.01)
        settled = device.meter.settle(device.now)
    assert settled == pytest.approx(1.0, abs=0.05)
    device.play(5)
    assert device.missing_s == 0


@pytest.mark.parametrize(
    ("says", "gives", "is_really"),
    [(48_000, 48_000, 48_000), (48_000, 16_000, 16_000), (44_100, 48_000, 48_000), (48_000, 47_900, 48_000)],
)
def test_a_device_that_says_another_rate_than_it_has(says: int, gives: float, is_really: int) -> None:
    device = Device(says, gives)
    device.play(3.0, jitter_s=0.01)
    assert device.meter.true_rate(device.now, round(device.n_frames)) == is_really


def test_a_rate_that_no_device_has_is_not_believed() -> None:
    device = Device(48_000, 40_000)
    device.play(3.0)
    assert device.meter.true_rate(device.now, round(device.n_frames)) == 48_000
