"""No recording's files overwrite another's, nor a recording."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.export import FORMATS
from app.document.output_files import OutputFiles
from app.document.transcript import Transcript
from gpu.types import Segment


def names(outputs: OutputFiles, *recordings: Path) -> list[list[str]]:
    return [[path.name for path in outputs.paths(recording)] for recording in recordings]


def test_files_are_named_after_the_recording(tmp_path: Path) -> None:
    talk, dotted = Path("a/talk.mp3"), Path("b/2024.05.01 talk.m4a")
    outputs = OutputFiles(tmp_path / "new" / "folder", ["srt", "json"], [talk, dotted])
    assert names(outputs, talk, dotted) == [["talk.srt", "talk.json"], ["2024.05.01 talk.srt", "2024.05.01 talk.json"]]
    assert outputs.renamed == []


def test_the_second_of_a_name_keeps_its_suffix(tmp_path: Path) -> None:
    recordings = [Path("talk.wav"), Path("talk.mp3"), Path("other/talk.mp3"), Path("other/TALK.wav")]
    outputs = OutputFiles(tmp_path, ["srt"], recordings)
    assert names(outputs, *recordings) == [["talk.srt"], ["talk.mp3.srt"], ["talk.mp3-2.srt"], ["TALK.wav.srt"]]
    assert outputs.renamed == recordings[1:]


def test_a_recording_named_like_an_output_is_not_overwritten(tmp_path: Path) -> None:
    recording = tmp_path / "talk.txt"
    outputs = OutputFiles(tmp_path, ["txt"], [recording])
    assert names(outputs, recording) == [["talk.txt.txt"]]


@given(st.lists(st.sampled_from(["a", "A", "a.wav", "a.mp3", "a.wav.srt", "x/a.wav", "a.srt", "b.a.wav"]), unique=True))
def test_all_files_are_different(tmp_path_factory: pytest.TempPathFactory, found: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    recordings = [folder / name for name in found]
    outputs = OutputFiles(folder, tuple(FORMATS), recordings)
    written = [str(path).casefold() for recording in recordings for path in outputs.paths(recording)]
    assert len(set(written)) == len(FORMATS) * len(recordings)
    assert set(written).isdisjoint(str(recording).casefold() for recording in recordings)


def test_save_writes_every_format(tmp_path: Path) -> None:
    recording = Path("talk.wav")
    texts = [name for name in FORMATS if name not in ("docx", "pdf")]
    outputs = OutputFiles(tmp_path, texts, [recording])
    transcript = Transcript(recording, "en", [Segment(0, 0.0, 1.0, " Hello.", (), 0.0, -0.2, 1.0, 0.0)])
    assert outputs.save(transcript) == outputs.paths(recording)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        f"talk.{name}": FORMATS[name](transcript) for name in texts
    }


def test_without_formats_nothing_is_touched(tmp_path: Path) -> None:
    outputs = OutputFiles(tmp_path / "new", [], [Path("talk.wav")])
    assert outputs.save(Transcript(Path("talk.wav"))) == []
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as caught:
        OutputFiles(tmp_path / "file" / "out", ["txt"], [Path("talk.wav")])
    assert caught.value.filename == str(tmp_path / "file" / "out")
