"""What is written by itself: names, places, and that nothing is replaced that should not be."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.auto_save import PatternError, SaveRule, file_stem, parse_pattern, save_by_rule
from app.document.transcript import Transcript
from tests.support.engine_messages import make_segment

DAY = datetime.date(2026, 3, 1)


def transcript(path: Path) -> Transcript:
    return Transcript(path, "de", [make_segment(0, "Guten Tag.")])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_beside_the_recording_in_all_formats_that_are_wanted(tmp_path: Path) -> None:
    written = save_by_rule(transcript(tmp_path / "talk.mp3"), SaveRule(("srt", "txt")))
    assert names(tmp_path) == ["talk.srt", "talk.txt"]
    assert sorted(written) == [tmp_path / "talk.srt", tmp_path / "talk.txt"]
    assert (tmp_path / "talk.txt").read_text(encoding="utf-8") == "Guten Tag.\n"


def test_a_folder_is_made(tmp_path: Path) -> None:
    save_by_rule(transcript(tmp_path / "talk.mp3"), SaveRule(("txt",), tmp_path / "texts" / "2026"))
    assert names(tmp_path / "texts" / "2026") == ["talk.txt"]


def test_what_is_there_stays_and_the_number_is_the_same_for_all(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text("mine")
    rule = SaveRule(("srt", "txt"))
    save_by_rule(transcript(tmp_path / "talk.mp3"), rule)
    assert names(tmp_path) == ["talk (2).srt", "talk (2).txt", "talk.srt"]
    save_by_rule(transcript(tmp_path / "talk.mp3"), rule)
    assert "talk (3).srt" in names(tmp_path)
    assert (tmp_path / "talk.srt").read_text() == "mine"


def test_what_is_there_is_replaced_if_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("old")
    save_by_rule(transcript(tmp_path / "talk.mp3"), SaveRule(("txt",), replace=True))
    assert names(tmp_path) == ["talk.txt"]
    assert (tmp_path / "talk.txt").read_text(encoding="utf-8") == "Guten Tag.\n"


def test_the_recording_is_never_replaced(tmp_path: Path) -> None:
    """FFmpeg may find sound in a file of any name."""
    recording = tmp_path / "talk.txt"
    recording.write_bytes(b"sound")
    save_by_rule(transcript(recording), SaveRule(("txt",), replace=True))
    assert recording.read_bytes() == b"sound"
    assert names(tmp_path) == ["talk (2).txt", "talk.txt"]


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        save_by_rule(transcript(tmp_path / "talk.mp3"), SaveRule(("txt",), tmp_path / "taken"))


@pytest.mark.parametrize(
    ("pattern", "stem"),
    [
        ("{name}", "talk.one"),
        ("{date} {name} ({language})", "2026-03-01 talk.one (de)"),
        ("{name}.{extension}", "talk.one.mp3"),
        ("文字 {name} {{}}", "文字 talk.one {}"),
        (" . ", "talk.one"),
    ],
)
def test_patterns(pattern: str, stem: str) -> None:
    assert file_stem(pattern, transcript(Path("/x/talk.one.mp3")), DAY) == stem


@pytest.mark.parametrize(
    "pattern", ["{nmae}", "{name", "name}", "{}", "{0}", "{name!r}", "{name:>9}", "a/b", "a\\b", "a\nb"]
)
def test_patterns_that_give_no_name_are_refused_in_words(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert "{name}" in caught.value.remedy


@given(st.text())
def test_any_pattern_is_refused_or_names_a_file_in_the_folder(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except PatternError:
        return
    stem = file_stem(pattern, transcript(Path("/x/talk.mp3")), DAY)
    assert stem
    assert Path("/folder", f"{stem}.txt").parent == Path("/folder")
