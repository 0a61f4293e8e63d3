"""`models list`, `download` and `remove` as their user meets them: a process, its streams, its exit code."""

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import run as run_cli
from app.paths import default_model
from tests.support.file_server import FileServer, Turn, serving
from tests.support.program import ROOT, Program
from tests.support.speech import AUDIO

pytestmark = pytest.mark.slow

# A catalogue of one model, which the test's own server has, and no mirror outside this machine.
PROGRAM = """
import sys
from pathlib import Path
import app.models.catalogue as catalogue
path = Path(sys.argv.pop(1))
catalogue.catalogue_file = lambda: path
from app.__main__ import main
sys.exit(main())
"""


CONTENT = random.Random(5).randbytes(6_000_000)


class Models:
    """The program with a home, a server and a catalogue of its own."""

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.server = server
        self.home = folder / "home"
        self.home.mkdir()
        self.models = self.home / ".local/share/whisperdesktop-ng/models"
        self.program = Program(folder, self.home)
        shipped = json.loads((ROOT / "resources/models/catalogue.json").read_text("utf-8"))
        [row] = [row for row in shipped["models"] if row["name"] == "base-q5_1"]
        file = server.file()
        row |= {"name": "served-q5_1", "file": "ggml-served.bin", "n_bytes": file.n_bytes, "sha256": file.sha256}
        self.catalogue = folder / "catalogue.json"
        self.catalogue.write_text(json.dumps(shipped | {"models": [row], "mirrors": []}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "HF_"))}
        self.environment = kept | {"PYTHONPATH": str(ROOT), "HOME": str(self.home), "HF_ENDPOINT": server.address}

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.catalogue), *args],
            **{
                "cwd": self.program.folder, "env": self.environment, "encoding": "utf-8",
                "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            } | options,
        )  # fmt: skip

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*args)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(args, process.returncode, out, err)


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    with serving(CONTENT) as server:
        yield Models(tmp_path, server)


def test_fetched_listed_used_and_removed(tmp_path: Path) -> None:
    with serving(default_model().read_bytes()) as server:
        fetch_list_use_and_remove(Models(tmp_path, server), server.content)


def fetch_list_use_and_remove(models: Models, content: bytes) -> None:
    models.server.turns.append(Turn(cut_after=20_000_000))
    done = models.run("models", "download", "served-q5_1")
    path = models.models / "ggml-served.bin"
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert "trying again in" in done.stderr
    assert "60 MB, SHA-256 as published" in done.stderr
    assert path.read_bytes() == content
    assert [entry.name for entry in models.models.iterdir()] == ["ggml-served.bin"]

    again = models.run("models", "download", "SERVED-q5_1", "-q")
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{path}\n", "")
    assert len(models.server.requests) == 2

    speech = str(AUDIO / "librivox_0880.wav")
    used = models.run("transcribe", speech, "--model", "served-q5_1")
    assert "not an ill" in used.stdout
    assert "model: ggml-served (base, Q5_1, 60 MB)" in used.stderr

    listed = json.loads(models.run("models", "list", "--json").stdout)
    [row] = listed["catalogue"]
    assert (row["name"], row["state"], row["n_bytes"]) == ("served-q5_1", "downloaded", len(content))
    assert row["urls"][0].startswith(f"{models.server.address}/")
    [ours] = [found for found in listed["on_disk"] if found["path"] == str(path)]
    assert (ours["verification"], ours["origin"]) == ("verified", "WhisperDesktop NG")
    assert (ours["kind"], ours["size"], ours["quantization"], ours["usable"]) == ("ggml", "base", "Q5_1", True)

    removed = models.run("models", "remove", "served-q5_1")
    assert (removed.returncode, removed.stdout, removed.stderr) == (0, f"deleted {path}\n", "")
    assert list(models.models.iterdir()) == []
    gone = models.run("transcribe", speech, "--model", "served-q5_1")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr == (
        "error: --model: The model served-q5_1 is not on this disk. "
        'Fetch it (60 MB) with "models download served-q5_1", or in the window.\n'
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_what_has_arrived_and_says_so(models: Models) -> None:
    models.server.turns.append(Turn(stall_after=3_000_000))
    process = models.start("models", "download", "served-q5_1", "--output", "out")
    part = models.program.folder / "out" / "ggml-served.bin.part"
    while not part.exists() or part.stat().st_size < 3_000_000:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "of 6 MB are kept; the same command goes on from there" in err
    out_dir = models.program.folder / "out"
    assert {path.name for path in out_dir.iterdir()} == {"ggml-served.bin.part", "ggml-served.bin.part.json"}
    assert "arrived" not in models.run("models", "list").stdout  # that is another folder

    done = models.run("models", "download", "served-q5_1", "--output", "out")
    assert done.returncode == 0
    assert "of 6 MB are there already" in done.stderr
    assert models.server.ranges[-1].startswith("bytes=")
    assert (out_dir / "ggml-served.bin").read_bytes() == CONTENT
    assert [path.name for path in out_dir.iterdir()] == ["ggml-served.bin"]


def test_a_list_for_people(models: Models) -> None:
    (models.home / "mine").mkdir()
    (models.home / "mine" / "cut.bin").write_bytes(default_model().read_bytes()[:2_000_000])
    models.models.mkdir(parents=True)
    (models.models / "ggml-served.bin.part").write_bytes(bytes(3_000_000))
    result = models.run("models", "list", "--folder", str(models.home / "mine"), "--verify")
    assert (result.returncode, result.stderr) == (0, "")
    [row] = [line for line in result.stdout.splitlines() if line.startswith("served-q5_1")]
    assert re.fullmatch(r"served-q5_1 +6 +\d{3} +\d{3}  99 > en +-  50% arrived", row)
    assert "not measured yet" in result.stdout
    assert re.search(r"for this machine: served-q5_1\. It needs about \d{3} MB of the [\d,]+ MB", result.stdout)
    blocks = result.stdout.split("on this disk\n")[1].splitlines()
    assert blocks[:2] == [f"  {default_model()}", "    ggml base Q5_1, 60 MB, built in, verified"]
    assert blocks[2] == f"  {models.home / 'mine' / 'cut.bin'}"
    assert "your folder, unpublished, " in blocks[3]
    assert "cut short" in blocks[3]


def test_a_list_that_nobody_reads_to_its_end(models: Models) -> None:
    process = models.start("models", "list")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait() == 128 + signal.SIGPIPE


def test_the_switch(models: Models) -> None:
    assert models.run("models", "network", "--off").returncode == 0
    result = models.run("models", "download", "served-q5_1")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "error: served-q5_1: The network is switched off in the settings: nothing was fetched. "
        'Switch it on in the network settings, or with "models network --on".\n'
    )
    assert models.server.requests == []
    assert models.run("models", "list").returncode == 0
    assert models.run("models", "network", "--on", "--mirror", models.server.address).returncode == 0
    models.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert models.run("models", "download", "served-q5_1", "--quiet").returncode == 0


def test_options_of_a_download_hold_for_it_alone(models: Models) -> None:
    models.run("models", "network", "--proxy", "http://127.0.0.1:9")
    models.environment["HF_ENDPOINT"] = "http://models.invalid"
    done = models.run("models", "download", "served-q5_1", "--proxy", models.server.address)  # it is a proxy too
    assert done.returncode == 0
    assert models.server.requests[0][0].startswith("http://models.invalid/")
    assert "http://127.0.0.1:9\n" in models.run("models", "network").stdout


@pytest.mark.parametrize(
    ("turn", "cause"),
    [
        (Turn(status=404), "127.0.0.1 answers 404 Not Found. Try again later"),
        (Turn(content=b"x" * 100), "127.0.0.1 offers 100 bytes, expected 6,000,000 bytes"),
        (
            Turn(status=429, headers={"Retry-After": "86400"}),
            "127.0.0.1 answers 429 Too Many Requests and asks to wait 86400 s. Try again later",
        ),
    ],
)
def test_a_failure_is_one_line_with_cause_and_remedy(models: Models, turn: Turn, cause: str) -> None:
    models.server.every_turn = turn
    result = models.run("models", "download", "served-q5_1")
    assert (result.returncode, result.stdout) == (1, "")
    [error] = result.stderr.splitlines()
    assert error.startswith(f"error: served-q5_1: {cause}")


@pytest.mark.parametrize("command", ["download", "remove"])
def test_an_unknown_name_is_wrong_usage(models: Models, command: str) -> None:
    result = models.run("models", command, "servd-q5_1")
    assert (result.returncode, result.stdout) == (2, "")
    [error] = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert "'servd-q5_1'" in error


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of another kind")
def test_a_terminal_sees_progress(models: Models) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 30, 80, 0, 0))
    process = models.start("models", "download", "served-q5_1", stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # how a terminal ends
        pass
    os.close(ours)
    assert process.wait() == 0
    assert b"ggml-served.bin: " in seen
    assert b"/6.00M" in seen
    assert b"6 MB, SHA-256 as published" in seen


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["models"], "COMMAND"),
        (["models", "fetch"], "fetch"),
        (["models", "download"], "NAME"),
        (["models", "download", "a", "b"], "not understood: b"),
        (["models", "list", "--jsn"], "unknown option: --jsn"),
    ],
)
def test_wrong_usage_is_said_in_few_words(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        sys.exit(run_cli(args))
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize("args", [["models", "--help"], ["models", "list", "--help"], ["transcribe", "--help"]])
def test_help_is_quick(args: list[str]) -> None:
    code = f"import sys\nsys.argv[1:] = {args}\ntry: import app.__main__ as m; m.main()\nfinally: print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"httpx2", "ssl", "numpy", "platformdirs", "psutil", "tqdm"} & set(result.stdout.split())
