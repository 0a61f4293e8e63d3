from dataclasses import replace
from pathlib import Path

from tests.bench.models import Model
from tests.bench.peers import WHISPER_CPP
from tests.bench.runs import JFK, OURS, Runs
from tests.bench.weight_types import SHIPPED, types_section

LONG = replace(JFK, name="long", reference="red green blue black")


def runs(seconds: float, text: str = LONG.reference) -> Runs:
    return Runs([seconds], [seconds + 1.4], [text], peak_memory_bytes=400 * 10**6)


def test_a_row_for_each_type_and_engine_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(3_000_000))
    both, alone = Model("base Q8_0", tmp_path / "a.bin"), Model("base Q2_K", tmp_path / "a.bin")
    results = {
        both.name: {OURS: runs(12.0, "red green blue"), SHIPPED: runs(10.0), WHISPER_CPP: runs(48.0)},
        alone.name: {OURS: runs(9.0), SHIPPED: runs(10.0)},
    }
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in types_section(results, [both, alone], LONG).splitlines()
        if line.startswith("| base")
    ]
    assert rows == [
        ["base Q8_0", OURS, "3", "12.00", "1.20", "", "25.0", "1", "400"],
        ["base Q8_0", WHISPER_CPP, "3", "48.00", "", "0.25", "0.0", "0", "400"],
        ["base Q2_K", OURS, "3", "9.00", "0.90", "", "0.0", "0", "400"],
    ]
