"""`models import`, `quantize` and `verify` as their user meets them."""

import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.foreign_models import openai_dims, write_checkpoint
from tests.support.ggml_writer import walk_ggml
from tests.support.program import Program
from tests.support.requantize import SHIPPED_MODEL
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> SyntheticModel:
    return synthetic_model(synthetic_dimensions(64, 1))


@pytest.fixture
def program(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path, tmp_path_factory.mktemp("home"))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_import_quantize_verify(program: Program, model: SyntheticModel) -> None:
    write_checkpoint(program.folder / "tiny.pt", model.weights, openai_dims(model))
    done = program.run("models", "import", "tiny.pt", "tiny.gguf")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"tiny\.pt \(OpenAI custom\): wrote tiny\.gguf \(F16, \d+ MB\)\n", done.stderr)
    done = program.run("models", "quantize", "tiny.gguf", "tiny-q8_0.bin", "q8_0", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(program.folder) == ["tiny-q8_0.bin", "tiny.gguf", "tiny.pt"]
    done = program.run("models", "verify", "tiny-q8_0.bin")
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows, last = done.stdout.splitlines()
    assert header.split() == ["tensor", "type", "shape", "min", "max", "mean", "std", "NaN", "Inf", "error"]
    assert [row.split()[0] for row in rows] == list(dict.fromkeys(row.split()[0] for row in rows))
    assert len(rows) == len(model.weights)
    assert any(re.match(r"decoder\.blocks\.0\.mlp\.0\.weight +Q8_0 +256 x 64 .* onnx 0\.0e\+00$", row) for row in rows)
    assert re.fullmatch(
        rf"{len(rows)} tensors, 0 weights that are no numbers, largest error: onnx \d\.\de[-+]\d\d", last
    )


def test_verify_finds_what_is_broken(program: Program, model: SyntheticModel) -> None:
    content = bytearray(model.write_ggml(program.folder / "good.bin", "Q8_0").read_bytes())
    [broken] = [tensor for tensor in walk_ggml(bytes(content)) if tensor.name == "encoder.blocks.0.mlp_ln.weight"]
    content[broken.data : broken.data + 4] = np.array([np.nan], "<f4").tobytes()
    (program.folder / "broken.bin").write_bytes(content)
    done = program.run("models", "verify", "broken.bin")
    assert done.returncode == 1
    [row] = [line for line in done.stdout.splitlines() if line.endswith("<- bad")]
    assert row.startswith("encoder.blocks.0.mlp_ln.weight")
    assert "1 weights that are no numbers" in done.stdout
    assert re.fullmatch(r"error: broken\.bin: encoder\.blocks\.0\.mlp_ln\.weight cannot.*\. [A-Z].*\.\n", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ("import gone.pt out.bin", 1, "gone.pt"),
        ("import . out.bin", 1, "holds no model"),
        ("import notes.txt out.bin", 1, "Choose a Whisper model: OpenAI's .pt, "),
        ("import notes.txt out.onnx", 2, "out.onnx"),
        ("quantize notes.txt out.bin q4_k", 2, "read, not written"),
        ("quantize notes.txt out.bin q8_0 more", 2, "more"),
        ("verify notes.txt", 1, "notes.txt"),
        ("verify --fast notes.txt", 2, "--fast"),
        ("", 2, "COMMAND"),
    ],
)
def test_errors_are_one_line_with_cause_and_remedy(program: Program, arguments: str, exit_code: int, said: str) -> None:
    (program.folder / "notes.txt").write_text("no model\n" * 100)
    done = program.run("models", *arguments.split())
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert re.fullmatch(r"error: .*(\.\n|\nSee .* --help\n)", done.stderr)
    assert names(program.folder) == ["notes.txt"]


def test_help_names_every_command_and_type(program: Program) -> None:
    overview = program.run("models", "--help").stdout
    commands = (
        "list",
        "download NAME",
        "remove NAME",
        "folders [add|remove DIR]",
        "network [--off]",
        "import SOURCE OUTPUT",
        "quantize INPUT OUTPUT TYPE",
        "verify FILE",
    )
    for command in commands:
        assert command in overview
    assert "q4_0, q4_1, q5_0, q5_1, q8_0" in program.run("models", "quantize", "--help").stdout
    assert "exit codes: 0" in program.run("models", "verify", "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_nothing_behind(program: Program) -> None:
    (program.folder / "model.bin").write_text("what was there before")
    process = program.start("models", "quantize", str(SHIPPED_MODEL), "model.bin", "q4_0")
    while process.poll() is None and not (program.folder / "model.bin.part").exists():
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert names(program.folder) == ["model.bin"]
    assert (program.folder / "model.bin").read_text() == "what was there before"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of another kind")
def test_verify_ends_quietly_when_nobody_reads(program: Program) -> None:
    process = program.start("models", "verify", str(SHIPPED_MODEL))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 128 + signal.SIGPIPE
