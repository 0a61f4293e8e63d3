"""The command line as its user meets it: a process, its streams, its files, its exit code."""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pysubs2
import pytest
import soundfile
import webvtt

from app.cli import run as run_cli
from app.paths import default_model
from gpu.audio import load_audio
from tests.support.audio_files import cut, write_audio, write_video
from tests.support.program import ROOT, Program
from tests.support.speech import AUDIO, make_reading

GOOD = ["speech.wav", "eight.wav", "96khz.wav", "mp4.mp3", "cut.mp3", "cut.flac"]
BAD = {
    "gone.wav": "no file",
    "nothing": "no recording in the folder",
    "zero.wav": "empty",
    "text.wav": "not audio",
    "silent.mp4": "no sound",
    "forbidden.wav": "denied",
}
SPEECH = AUDIO / "librivox_0880.wav"  # 3 s: "he was not an ill disposed young man"
SENTENCE = "not an ill"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program in a folder with recordings good and bad."""
    folder = tmp_path_factory.mktemp("recordings")
    make_reading(folder / "long.flac")
    make_awkward_files(folder)
    return Program(folder, tmp_path_factory.mktemp("home"))


def make_awkward_files(folder: Path) -> None:
    """`speech.wav`, and the same in unusual ways; files that are cut; files that are no recordings."""
    shutil.copy(SPEECH, folder / "speech.wav")
    speech = load_audio(SPEECH)  # (n,), 16 kHz
    soundfile.write(folder / "eight.wav", np.tile(speech[:, None], 8), 16000)  # channels
    soundfile.write(folder / "96khz.wav", np.repeat(speech, 6), 96000, subtype="PCM_24")
    write_audio(folder / "aac.mp4", speech, 16000, "aac").rename(folder / "mp4.mp3")
    cut(AUDIO / "jfk.mp3", folder / "cut.mp3", 0.5)
    soundfile.write(folder / "whole.flac", load_audio(AUDIO / "jfk.wav"), 16000)
    cut(folder / "whole.flac", folder / "cut.flac", 0.5)
    (folder / "zero.wav").touch()
    (folder / "text.wav").write_text("This is no sound at all.\n" * 50)
    (folder / "nothing").mkdir()
    (folder / "nothing" / "notes.txt").touch()
    write_video(folder / "silent.mp4")
    shutil.copy(SPEECH, folder / "forbidden.wav")
    (folder / "forbidden.wav").chmod(0)


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
        assert written == {
            f"{stem}.{name}" for stem in [*stems, "cut", second] for name in ("txt", "srt", "vtt", "tsv", "json")
        }
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


def test_one_file_is_text_and_nothing_else(program: Program) -> None:
    result = program.run("transcribe", "speech.wav", "--quiet", "--language", "English", "--beam-size", "2")
    assert (result.returncode, result.stderr) == (0, "")
    assert SENTENCE in result.stdout
    assert "==" not in result.stdout
    assert not (program.folder / "speech.txt").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of another kind")
def test_a_terminal_sees_progress_and_keeps_only_the_lines(program: Program) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 30, 80, 0, 0))
    process = program.start("transcribe", "speech.wav", stderr=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)
    assert SENTENCE in process.communicate()[0]
    screen = [line.split("\r")[-1] for line in seen.decode().replace("\r\n", "\n").split("\n")]
    assert re.search(r"\rspeech\.wav \|.+\| 3/3 s, ", seen.decode())
    assert [line.split(":")[0] for line in screen] == ["model", "device", "speech.wav", ""]


def test_text_is_utf8_whatever_the_locale_and_the_files_name(program: Program, tmp_path: Path) -> None:
    name = "caf\udce9.flac" if sys.platform == "linux" else "café.flac"  # as an old disk has it, in Latin-1
    shutil.copy(AUDIO / "ast_ru_demo-nogo.flac", program.folder / name)
    arguments = (
        "transcribe",
        name,
        "zero.wav",
        "-f",
        "txt",
        "-o",
        str(tmp_path),
        "--stats-json",
        str(tmp_path / "stats"),
    )
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = program.run(*arguments, env=program.environment | locale)
    assert result.returncode == 1
    assert result.stdout.startswith("== caf")
    assert "демонстрационному" in result.stdout
    assert "демонстрационному" in (tmp_path / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert "демонстрационному" in json.loads((tmp_path / "stats").read_text(encoding="utf-8"))["text"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_decoded(program: Program, tmp_path: Path, stop: signal.Signals) -> None:
    with (tmp_path / "errors").open("w") as errors:
        arguments = ("transcribe", "long.flac", "speech.wav", "-f", "srt", "-o", str(tmp_path / "out"))
        process = program.start(*arguments, stderr=errors)
    assert process.stdout is not None
    heading, first = process.stdout.readline(), process.stdout.readline()
    assert heading == "== long.flac ==\n"
    process.send_signal(stop)
    text = " ".join((first + process.stdout.read()).split())
    assert process.wait() == 128 + stop
    said = (tmp_path / "errors").read_text()
    assert "warning: long.flac: Stopped before its end" in said
    assert "Traceback" not in said
    assert "fellow Americans" not in text  # the end of it
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["long.srt"]
    assert " ".join(cue.plaintext for cue in pysubs2.load(str(tmp_path / "out" / "long.srt"))) == text


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_second_ctrl_c_ends_at_once(program: Program, tmp_path: Path) -> None:
    """Also where the first cannot be heeded yet: while the model is loaded."""
    process = program.start("transcribe", "long.flac", "-q", "-o", str(tmp_path / "out"))
    while not (tmp_path / "out").exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() + process.stderr.readline() == "\nstopping; Ctrl-C again ends at once\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == ""
    assert process.wait() == 130


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of another kind")
class TestStandardOutputGoesAway:
    def test_it_ends_quietly_when_nobody_reads(self, program: Program) -> None:
        process = program.start("transcribe", "long.flac", "speech.wav", "-q")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 128 + signal.SIGPIPE

    def test_files_are_finished_all_the_same(self, program: Program, tmp_path: Path) -> None:
        process = program.start("transcribe", "speech.wav", "-q", "-f", "txt", "-o", str(tmp_path))
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
        assert SENTENCE in (tmp_path / "speech.txt").read_text()

    def test_nobody_need_read_the_statistics(self, program: Program) -> None:
        process = program.start("transcribe", "speech.wav", "zero.wav")
        assert process.stderr is not None
        process.stderr.close()
        assert process.stdout is not None
        assert SENTENCE in process.stdout.read()
        assert process.wait() == 1

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
    def test_a_full_disk_is_one_line(self, program: Program) -> None:
        with Path("/dev/full").open("w") as full:
            result = program.run("transcribe", "speech.wav", "-q", stdout=full)
        assert result.returncode == 1
        assert (
            result.stderr == "error: standard output: It cannot be written: No space left on device. Make room there.\n"
        )


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


def test_a_file_that_cannot_be_written_is_one_line_and_the_others_are_done(program: Program, tmp_path: Path) -> None:
    (tmp_path / "speech.srt").mkdir()
    result = program.run("transcribe", "speech.wav", "eight.wav", "-q", "-f", "srt", "-o", str(tmp_path))
    assert result.returncode == 1
    [error] = result.stderr.splitlines()
    assert error.startswith(f"error: {tmp_path / 'speech.srt'}: It cannot be written: ")
    assert SENTENCE in result.stdout
    assert (tmp_path / "eight.srt").is_file()


def half_a_model() -> bytes:
    data = default_model().read_bytes()
    return data[: len(data) // 2]


def model_with_an_unknown_type() -> bytes:
    """The shipped model with another number in its first tensor's header."""
    data = bytearray(default_model().read_bytes())
    name = b"encoder.positional_embedding"
    at = data.index(name)
    n_dims = struct.unpack_from("<i", data, data.rindex(struct.pack("<i", len(name)), 0, at) - 4)[0]
    struct.pack_into("<i", data, at - 4 * n_dims - 4, 77)
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "cannot be read: "),
        (b"", "empty"),
        (half_a_model, "cut short"),
        (model_with_an_unknown_type, "77"),
    ],
)
def test_an_unusable_model_is_one_line(program: Program, tmp_path: Path, content: object, cause: str) -> None:
    model = tmp_path / "my-model.bin"
    if content is not None:
        model.write_bytes(content() if callable(content) else content)
    result = program.run("transcribe", "speech.wav", "eight.wav", "--model", str(model))
    assert (result.returncode, result.stdout) == (1, "")
    [error] = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert "my-model.bin" in error
    assert cause in error


def test_a_gpu_is_not_pretended(program: Program) -> None:
    result = program.run("transcribe", "speech.wav", "--device", "cuda")
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(
        r"error: --device cuda: The GPU cannot be used: .*\. Choose the device auto or cpu\.\n", result.stderr
    )


def test_nothing_to_do_is_known_before_the_model_is_loaded(program: Program) -> None:
    result = program.run("transcribe", "gone.wav", "nothing", "--model", "gone.bin")
    assert (result.returncode, result.stdout) == (1, "")
    assert len(lines_with(result.stderr, "error: ")) == len(result.stderr.splitlines()) == 2
    assert "gone.bin" not in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["transscribe"], "transscribe"),
        (["transcribe"], "FILE"),
        (["transcribe", "a.wav", "--lang", "de"], "unknown option: --lang"),
        (["transcribe", "a.wav", "--language", "germann"], "'germann'. Did you mean 'german'?"),
        (["transcribe", "a.wav", "--format", "doc"], "doc"),
        (["transcribe", "a.wav", "--beam-size", "0"], "--beam-size"),
        (["transcribe", "a.wav", "--beam_size", "many"], "--beam-size"),
        (["transcribe", "a.wav", "--temperature", "-1"], "--temperature"),
        (["transcribe", "a.wav", "--temperature", "nan"], "--temperature"),
        (["transcribe", "a.wav", "--temperature", "inf"], "--temperature"),
        (["README.md"], "to transcribe it: "),
        (["transcribe", "a.wav", "--temperature-increment-on-fallback", "0"], "--temperature-increment-on-fallback"),
        (["transcribe", "a.wav", "--condition-on-previous-text", "yes"], "neither True nor False"),
        (["transcribe", "a.wav", "--device", "tpu"], "--device"),
        (["transcribe", "a.wav", "--threads", "-2"], "--threads"),
    ],
)
def test_wrong_usage_is_said_in_few_words(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        sys.exit(run_cli(args))
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith("error: ")
    assert words in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize("args", [["--help"], ["transcribe", "--help"], ["--version"]])
def test_help_is_quick(args: list[str]) -> None:
    """No engine, no arithmetic, no Qt is loaded for it."""
    code = f"import sys\nsys.argv[1:] = {args}\ntry: import app.__main__ as m; m.main()\nfinally: print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "av", "onnxruntime", "PySide6", "tqdm", "psutil", "platformdirs"} & set(result.stdout.split())


def test_files_may_stand_behind_options(program: Program) -> None:
    result = program.run("transcribe", "gone-1.wav", "--language", "de", "gone-2.wav")
    assert re.findall(r"gone-\d", result.stderr) == ["gone-1", "gone-2"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds out about the screen in another way")
@pytest.mark.parametrize("args", [[], ["open", "speech.wav"]])
def test_without_a_screen_there_is_no_window(program: Program, args: list[str]) -> None:
    screen = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in program.environment.items() if name not in screen}
    result = program.run(*args, env=environment)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"error: the window cannot be opened: .*\. Recordings can be .* FILE\.\.\.\n", result.stderr)


def test_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with pytest.raises(SystemExit):
        run_cli(["--version"])
    assert capsys.readouterr().out == f"WhisperDesktop NG {project['version']}\n"
