from dataclasses import replace

import psutil

from tests.bench.runs import JFK, Runs
from tests.bench.stress import Load, growth_section, load_section, missed_growth, one_core_busy

HOUR = replace(JFK, seconds=3600.0, reference="one two three four")
DAY = replace(HOUR, seconds=10800.0, reference=" ".join([HOUR.reference] * 3))


def runs(seconds, megabytes=400, text="one two three"):
    return Runs([seconds], [seconds], [text], megabytes * 10**6)


def test_the_other_process_ends_with_the_block():
    before = psutil.Process().children()
    with one_core_busy():
        [other] = [child for child in psutil.Process().children() if child not in before]
        assert other.is_running()
    assert not other.is_running()


def test_throughput_may_fall_by_half():
    assert Load(runs(10.0), runs(20.0)).missed == []
    [missed] = Load(runs(10.0), runs(25.0)).missed
    assert "0.40" in missed
    assert "| one core busy |" in load_section(Load(runs(10.0), runs(25.0)))


def test_time_may_grow_with_length_and_memory_may_not():
    assert missed_growth([(HOUR, runs(100.0)), (DAY, runs(300.0))]) == []
    time, memory = missed_growth([(HOUR, runs(100.0)), (DAY, runs(400.0, 500))])
    assert time.startswith("time an hour grows to 1.33")
    assert memory.startswith("memory grows to 1.25")


def test_words_that_are_missing_show():
    table = growth_section([(HOUR, runs(100.0)), (DAY, runs(300.0, text="one " * 12))], 3)
    assert "75.0%" in table
    assert "100.0%" in table
