"""What is measured is held against what is wanted."""

from tests.bench.window import missed, table

GOOD = {
    "start_s": 0.8,
    "idle_mb": 93.0,
    "loaded_mb": 362.0,
    "longest_cpu_s": 0.022,
    "longest_wall_s": 0.05,
    "p99_wall_s": 0.019,
}


def test_what_is_too_slow_or_too_large_is_named() -> None:
    assert missed(GOOD) == []
    assert missed(GOOD | {"start_s": 1.6}) == ["start_s 1.6, at most 1.5"]
    assert missed(GOOD | {"idle_mb": 251.0, "longest_cpu_s": 0.051}) == [
        "idle_mb 251, at most 250",
        "longest_cpu_s 0.051, at most 0.05",
    ]


def test_the_table_has_units() -> None:
    assert "0.80 s" in table(GOOD)
    assert "22 ms" in table(GOOD)
