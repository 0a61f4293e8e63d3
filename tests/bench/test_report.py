from tests.bench.report import table, write_section


def test_each_section_is_replaced_in_its_place(tmp_path):
    path = tmp_path / "docs" / "benchmarks.md"
    write_section("speed", "fast", path)
    write_section("accuracy", "right", path)
    path.write_text(path.read_text(encoding="utf-8") + "\nwritten by hand\n", encoding="utf-8")
    write_section("speed", "faster\n", path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Benchmarks\n")
    assert "\nfast\n" not in text
    assert [text.count(word) for word in ("faster", "right", "written by hand", "speed: begin", "speed: end")] == [
        1
    ] * 5
    assert text.index("faster") < text.index("right") < text.index("written by hand")


def test_writing_the_same_section_again_changes_nothing(tmp_path):
    path = tmp_path / "benchmarks.md"
    write_section("speed", "fast", path)
    before = path.read_bytes()
    write_section("speed", "fast", path)
    assert path.read_bytes() == before


def test_a_table_is_markdown_with_aligned_columns():
    assert table(["engine", "s"], [["ours", "1.25"], ["a", "10"]]).splitlines() == [
        "| engine |    s |",
        "| ------ | ---: |",
        "| ours   | 1.25 |",
        "| a      |   10 |",
    ]


def test_what_a_long_recording_meets_stands_in_sections_of_its_own(tmp_path):
    path = tmp_path / "benchmarks.md"
    names = ("long", "load", "growth")
    for text in ("first", "second"):
        for name in names:
            write_section(name, f"## {name}, {text}", path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("## ")] == [f"## {name}, second" for name in names]
