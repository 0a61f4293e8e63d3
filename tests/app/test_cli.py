"""The command line where it does not come to transcribing: wrong words, unusable models, help."""

import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.cli import run as run_cli
from app.paths import default_model
from tests.support.program import ROOT, Program


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
    assert re.fullmatch(r"error: --device cuda: The GPU cannot be used: .*\. .*\.\n", result.stderr)


def test_nothing_to_do_is_known_before_the_model_is_loaded(program: Program) -> None:
    result = program.run("transcribe", "gone.wav", "nothing", "--model", "gone.bin")
    assert (result.returncode, result.stdout) == (1, "")
    assert [line[:7] for line in result.stderr.splitlines()] == ["error: "] * 2
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
