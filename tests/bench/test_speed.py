import pytest

from tests.bench.runs import JFK as CLIP
from tests.bench.runs import OURS, Runs
from tests.bench.speed import missed_bounds, speedup, summary

JFK = CLIP.reference


def runs(seconds, text=JFK, peak_memory_bytes=1):
    return Runs(seconds, [3.0], [text] * len(seconds), peak_memory_bytes)


def test_speed_is_compared_by_medians():
    engines = {OURS: runs([1.0, 9.0, 1.1]), "whisper.cpp": runs([2.0, 3.3, 99.0])}
    assert speedup(engines, "whisper.cpp") == pytest.approx(3.0)


def test_figures_within_the_bounds_pass():
    engines = {OURS: runs([1.0]), "whisper.cpp": runs([2.5]), "faster-whisper": runs([1.4])}
    assert missed_bounds({"jfk.wav": engines}, [CLIP]) == []


def test_each_missed_bound_is_named():
    ours = runs([1.0], text="And so my fellow", peak_memory_bytes=500 * 10**6)
    engines = {OURS: ours, "whisper.cpp": runs([2.4]), "faster-whisper": runs([1.3])}
    wer, memory, *speed = missed_bounds({"jfk.wav": engines}, [CLIP])
    assert "WER 81.8 %" in wer
    assert "peak memory 500 MB" in memory
    assert [line.split(" x ")[0] for line in speed] == ["jfk.wav: 2.40", "jfk.wav: 1.30"]


def test_one_wrong_text_among_the_runs_counts():
    engine = Runs()
    engine.add(1.0, JFK, None)
    engine.add(1.0, JFK.replace("country", "county"), 7)
    assert engine.worst_wer(JFK) == pytest.approx(100 * 2 / 22)
    assert engine.peak_memory_bytes == 7


def test_the_summary_has_a_row_for_each_engine():
    table = summary({"jfk.wav": {OURS: runs([1.0]), "whisper.cpp": runs([2.5])}}, [CLIP])
    ours, peer = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:])
    assert ours == ["jfk.wav", OURS, "1.00", "1.00-1.00", "0.091", "", "3.00", "0.0", "0"]
    assert peer[5] == "2.50 x"
