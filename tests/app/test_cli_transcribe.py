"""What `transcribe` does with recordings, good and bad: text, files, figures, errors."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pysubs2
import pytest
import webvtt

from app.document.export import FORMATS
from tests.support.awkward_recordings import BAD, GOOD, SENTENCE
from tests.support.program import Program
from tests.support.speech import AUDIO


@pytest.fixture(scope="module")
def everything(program: Program) -> subprocess.CompletedProcess[str]:
    """One run over all of them, into every format."""
    names = sorted([*GOOD, *BAD], key=lambda name: name[-2::-1])  # good and bad mixed
    options = "--format all --output_dir out --stats-json stats.jsonl --temperature_increment_on_fallback None"
    return program.run("transcribe", *names, *options.split())


def lines_with(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


class TestEverything:
    def test_some_failed_and_the_others_are_done(self, everything: subprocess.CompletedProcess[str]) -> None:
        assert everything.returncode == 1
        headings = re.findall(r"^== (.*) ==$", everything.stdout, re.M)
        assert sorted(headings) == sorted(GOOD)
        for text in re.split(r"^== .* ==$", everything.stdout, flags=re.M)[1:]:
            assert SENTENCE in text or "fellow Americans" in text

    def test_each_failure_is_one_line_with_cause_and_remedy(self, everything: subprocess.CompletedProcess[str]) -> None:
        errors = lines_with(everything.stderr, "error: ")
        assert len(errors) == len(BAD)
        assert "Traceback" not in everything.stderr
        for name, cause in BAD.items():
            [line] = [line for line in errors if name in line]
            assert cause in line
            assert re.fullmatch(r"error: [^.]*(\.\w+[^.]*)*\. [A-Z].*\.", line), line

    def test_truncated_files_are_done_as_far_as_they_go_with_a_warning(
        self, everything: subprocess.CompletedProcess[str]
    ) -> None:
        warnings = "\n".join(lines_with(everything.stderr, "warning: "))
        for name in ("cut.mp3", "cut.flac"):
            assert re.search(rf"{name}.*rest is missing", warnings)

    def test_statistics_say_device_model_and_speed(self, everything: subprocess.CompletedProcess[str]) -> None:
        assert re.search(r"^model: ggml-base-q5_1 \(base, Q5_1, 60 MB\), loaded in [\d.]+ s$", everything.stderr, re.M)
        assert re.search(r"^device: CPU, .+ \(.+\)$", everything.stderr, re.M)
        figures = (
            r"audio 3\.0 s, processing [\d.]+ s, real-time factor [\d.]+, language English \(\d+%\), peak memory \d+ MB"
        )
        assert re.search(rf"^speech\.wav: {figures}$", everything.stderr, re.M)
        assert re.search(rf"^{len(GOOD)} of \d+ files: audio ", everything.stderr, re.M)

    def test_files_parse_and_hold_the_text(
        self, everything: subprocess.CompletedProcess[str], program: Program
    ) -> None:
        out = program.folder / "out"
        assert SENTENCE in (out / "speech.txt").read_text(encoding="utf-8")
        [cue, *_] = pysubs2.load(str(out / "speech.srt"))
        assert SENTENCE in cue.plaintext
        assert 0 <= cue.start < cue.end <= 3500
        assert SENTENCE in webvtt.read(out / "speech.vtt")[0].text
        with (out / "speech.tsv").open(encoding="utf-8", newline="") as file:
            header, (start, end, text), *_ = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        assert header == ["start", "end", "text"]
        assert int(start) < int(end)
        assert SENTENCE in text
        result = json.loads((out / "speech.json").read_text(encoding="utf-8"))
        assert result["language"] == "en"
        assert SENTENCE in result["text"] == "".join(segment["text"] for segment in result["segments"])
        assert -1 < result["segments"][0]["avg_logprob"] < 0

    def test_no_file_overwrites_another(self, everything: subprocess.CompletedProcess[str], program: Program) -> None:
        """cut.mp3 and cut.flac want the same name, and nothing is left over from writing."""
        stems = ["speech", "eight", "96khz", "mp4"]
        written = {path.name for path in (program.folder / "out").iterdir()}
        first, second = [name for name in re.findall(r"^== (.*) ==$", everything.stdout, re.M) if "cut" in name]
        assert f"{second}.srt" in "\n".join(lines_with(everything.stderr, f"warning: {second}"))
        assert written == {f"{stem}.{name}" for stem in [*stems, "cut", second] for name in FORMATS if name != "pdf"}
        americans = (program.folder / "out" / ("cut.txt" if first == "cut.mp3" else "cut.mp3.txt")).read_text()
        assert "fellow Americans" in americans

    def test_statistics_for_machines(self, everything: subprocess.CompletedProcess[str], program: Program) -> None:
        rows = [json.loads(line) for line in (program.folder / "stats.jsonl").read_text(encoding="utf-8").splitlines()]
        assert sorted(row["path"] for row in rows) == sorted(GOOD)
        for row in rows:
            assert row["real_time_factor"] == pytest.approx(row["processing_s"] / row["audio_s"])
            assert row["load_s"] > 0
            assert 50e6 < row["peak_memory_bytes"] < 2e9
            assert (row["model"], row["device"], row["language"]) == ("ggml-base-q5_1", "cpu", "en")
            assert row["text"].strip("., ") in re.sub(r"\s+", " ", everything.stdout)


@pytest.mark.slow
def test_one_file_is_text_and_nothing_else(program: Program) -> None:
    result = program.run("transcribe", "speech.wav", "--quiet", "--language", "English", "--beam-size", "2")
    assert (result.returncode, result.stderr) == (0, "")
    assert SENTENCE in result.stdout
    assert "==" not in result.stdout
    assert not (program.folder / "speech.txt").exists()


@pytest.mark.slow
def test_text_is_utf8_whatever_the_locale_and_a_file_that_cannot_be_written_is_one_line(
    program: Program, tmp_path: Path
) -> None:
    name = "caf\udce9.flac" if sys.platform == "linux" else "café.flac"  # as an old disk has it, in Latin-1
    shutil.copy(AUDIO / "ast_ru_demo-nogo.flac", program.folder / name)
    (tmp_path / "speech.txt").mkdir()
    stats = tmp_path / "stats"
    options = ("-f", "txt", "-o", str(tmp_path), "--stats-json", str(stats))
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = program.run("transcribe", "speech.wav", name, *options, env=program.environment | locale)
    assert result.returncode == 1
    [error] = lines_with(result.stderr, "error: ")
    assert error.startswith(f"error: {tmp_path / 'speech.txt'}: It cannot be written: ")
    assert SENTENCE in result.stdout
    assert "\n== caf" in result.stdout
    assert "\ncaf" in result.stderr
    assert "демонстрационному" in result.stdout
    assert "демонстрационному" in (tmp_path / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert "демонстрационному" in json.loads(stats.read_text(encoding="utf-8").splitlines()[-1])["text"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
@pytest.mark.parametrize(
    ("folder", "cause"), [("speech.wav/out", "Not a directory"), ("locked/out", "Permission denied")]
)
def test_an_output_folder_that_cannot_be_written_is_known_before_the_work(
    program: Program, folder: str, cause: str
) -> None:
    (program.folder / "locked").mkdir(mode=0o500, exist_ok=True)
    result = program.run("transcribe", "speech.wav", "-o", folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"error: {folder}: It cannot be written: {cause}. Choose another place.\n"


@pytest.mark.slow
def test_words_on_the_command_line(program: Program) -> None:
    """Switches with and without a value; every word in json, as subtitles of two words, highlighted in turn."""
    shutil.copy(AUDIO / "librivox_0880.wav", program.folder / "words.wav")
    options = "--word_timestamps --highlight-words True --max-words-per-line 2 -f json -f ass -f srt -o words"
    run = program.run("transcribe", "words.wav", *options.split())
    assert run.returncode == 0, run.stderr
    result = json.loads((program.folder / "words" / "words.json").read_text(encoding="utf-8"))
    words = [word for segment in result["segments"] for word in segment["words"]]
    assert "".join(word["word"] for word in words) == result["text"]
    assert set(words[0]) == {"word", "start", "end", "probability"}
    events = pysubs2.load(str(program.folder / "words" / "words.ass"))
    assert all(len(event.plaintext.split()) <= 2 and "{\\k" in event.text for event in events)
    assert " ".join(event.plaintext for event in events).split() == result["text"].split()
    assert (program.folder / "words" / "words.srt").read_text(encoding="utf-8").count("<u>") >= len(words) - 2


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ("--highlight-words", "--highlight-words needs --word-timestamps"),
        ("--max-line-count 2", "--max-line-count needs --max-line-width"),
        ("--max-cjk-width 16", "--max-cjk-width needs --max-line-width"),
        ("--subtitles cinema", "invalid choice"),
        ("--min-gap-ms -1", "not a whole number"),
        ("--word-timestamps=yes", "neither True nor False"),
    ],
)
def test_subtitle_options_that_make_no_sense(program: Program, options: str, cause: str) -> None:
    run = program.run("transcribe", "words.wav", *options.split())
    assert run.returncode == 2
    assert cause in run.stderr
