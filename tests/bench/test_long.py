from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.long import Case, chart, summary, target_table, targets
from tests.bench.models import OURS_BEAM, Model
from tests.bench.peers import FASTER_BATCH, FASTER_WHISPER, WHISPER_CPP
from tests.bench.runs import JFK, OURS, Runs

BASE = Model("base", Path("base.bin"), Path("base"))
LONG = Case("long", replace(JFK, name="long"), 1, long=True)
SHORT = Case("jfk.wav", JFK, 1)
NOISE = Case("noise", replace(JFK, name="noise"), 1)
WRONG = JFK.reference.replace("country", "county", 1)


def runs(seconds, text=JFK.reference, peak_memory_bytes=400 * 10**6, process_s=None):
    return Runs([seconds], [process_s or seconds + 1.4], [text], peak_memory_bytes)


GOOD = {
    OURS: runs(10.0),
    OURS_BEAM: runs(16.0),
    WHISPER_CPP: runs(40.0, WRONG),
    FASTER_WHISPER: runs(20.0),
    FASTER_BATCH: runs(12.0),
}


def verdicts(results, case=LONG):
    return {target.what.removeprefix("long"): target.verdict for target in targets(results, [case])}


def test_what_is_within_the_bounds_is_met():
    found = verdicts({"long": GOOD})
    assert found.pop(": time over faster-whisper's") == "met, not the goal"
    assert found.pop(": time over faster-whisper, batch 8's") == "met, not the goal"
    assert set(found.values()) == {"met"}


def test_each_missed_bound_is_named():
    slow = GOOD | {OURS: runs(13.0, WRONG, 601 * 10**6), OURS_BEAM: runs(21.0, WRONG + " and more")}
    missed = {what for what, verdict in verdicts({"long": slow}).items() if verdict == "missed"}
    assert missed == {
        ": time over whisper.cpp's",
        ": time over faster-whisper's",
        ": time over faster-whisper, batch 8's",
        ": WER %, at most 0.5 above the best peer's",
        ", beam 5: WER %, at most the best peer's",
        ", beam 5: WER %, at most greedy's",
        ", beam 5: time over greedy's",
        ": peak memory in MB",
    }


def test_a_short_clip_tells_the_time_to_start_up():
    results = {"jfk.wav": {OURS: runs(1.0, process_s=2.6), WHISPER_CPP: runs(4.0), FASTER_WHISPER: runs(2.0)}}
    whisper_cpp, faster, start_up = targets(results, [SHORT])
    assert (whisper_cpp.measured, faster.measured) == (0.25, 0.5)
    assert start_up.measured == pytest.approx(1.6)
    assert not start_up.is_met


def test_noise_is_compared_with_the_best_peer():
    results = {"noise": {OURS: runs(1.0, WRONG), WHISPER_CPP: runs(4.0, WRONG), FASTER_WHISPER: runs(2.0)}}
    [target] = targets(results, [NOISE])
    assert (target.bound, target.is_met) == (0.0, False)


def test_each_speaker_has_words_of_their_own():
    sides = ("red green blue", "black white")
    case = Case("stereo", replace(JFK, name="stereo", reference="red green blue black white"), 1, sides=sides)
    assert case.options == ["--split-channels", "True"]
    ours = runs(1.0, "Red green blue. Black white.")
    peer = runs(4.0, "Red green blue black.")
    ours.printed.append("Speaker 1: Red green\nSpeaker 2: blue. Black white.\n")
    together, apart = targets({"stereo": {OURS: ours, WHISPER_CPP: peer}}, [case])
    assert (together.measured, together.bound) == (0.0, 20.0)
    assert (apart.measured, apart.bound) == (40.0, 20.0), "left out on one side, and too much on the other"


def test_engines_are_left_out_where_there_is_nothing_to_compare():
    assert SHORT.engines(BASE) == [OURS, WHISPER_CPP, FASTER_WHISPER]
    assert LONG.engines(replace(BASE, ctranslate2=None)) == [OURS, OURS_BEAM, WHISPER_CPP]
    alone = {name: GOOD[name] for name in LONG.engines(replace(BASE, ctranslate2=None))}
    assert ": time over whisper.cpp's" in verdicts({"long": alone})


def test_the_tables_and_the_chart_have_a_row_for_each():
    lines = summary({"long": GOOD}, [LONG], BASE).splitlines()
    row = [cell.strip() for cell in lines[4].split("|")[1:-1]]
    assert row == ["long", WHISPER_CPP, "40.00", "40.00-40.00", "3.636", "0.25", "4.5", "0", "400", "41.40"]
    assert len(target_table(targets({"long": GOOD}, [LONG])).splitlines()) == 2 + 9
    bars = chart({"long": GOOD}, LONG, BASE).bars
    assert [(bar.label, bar.value, bar.is_ours) for bar in bars][:3] == [
        (OURS, 10.0, True),
        (OURS_BEAM, 16.0, True),
        (WHISPER_CPP, 40.0, False),
    ]
