"""The next start knows how the last one ended."""

import faulthandler
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import __version__
from app.crash import BadEnd, RunMarker

ROOT = Path(__file__).parents[2]
RUN = """
import sys
from collections.abc import Iterator
from pathlib import Path
from app.crash import RunMarker
marker = RunMarker(Path(sys.argv[1]), Path(sys.argv[2]))
marker.begin()
print("running", flush=True)
exec(sys.stdin.read())
"""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    yield tmp_path / "log" / "running.json", tmp_path / "log" / "fault.txt"
    faulthandler.enable(sys.__stderr__)  # as pytest has it


def next_start(files: tuple[Path, Path]) -> BadEnd | None:
    """One that ends properly."""
    marker = RunMarker(*files)
    bad_end = marker.begin()
    marker.end()
    return bad_end


def run(files: tuple[Path, Path], then: str) -> int:
    """A process that opens the "window" and does something; its exit status."""
    command = [sys.executable, "-c", RUN, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, input=then, text=True, capture_output=True, check=False, timeout=60)
    assert done.stdout.startswith("running")
    return done.returncode


def test_a_proper_end_is_none_to_speak_of(files: tuple[Path, Path]) -> None:
    assert next_start(files) is None
    assert run(files, "marker.end()") == 0
    assert next_start(files) is None


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_native_crash_leaves_its_trace(files: tuple[Path, Path]) -> None:
    assert run(files, "import faulthandler; faulthandler._sigsegv()") == -signal.SIGSEGV
    bad_end = next_start(files)
    assert bad_end is not None
    assert bad_end.trace.startswith("Fatal Python error: Segmentation fault")
    assert bad_end.version == __version__
    assert bad_end.started.startswith("20")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_kill_leaves_none_and_is_told_once(files: tuple[Path, Path]) -> None:
    assert run(files, "import os; os.kill(os.getpid(), 9)") == -signal.SIGKILL
    bad_end = next_start(files)
    assert bad_end is not None
    assert bad_end.trace == ""
    assert next_start(files) is None


def test_a_trace_of_an_earlier_crash_is_not_told_again(files: tuple[Path, Path]) -> None:
    files[1].parent.mkdir()
    files[1].write_text("Fatal Python error: long ago")
    assert next_start(files) is None
    files[0].write_text(json.dumps({"pid": 0, "written": 0.0}))
    bad_end = next_start(files)
    assert bad_end is not None
    assert bad_end.trace == ""


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0\0"])
def test_a_marker_that_a_power_cut_has_damaged(files: tuple[Path, Path], content: str) -> None:
    files[0].parent.mkdir()
    files[0].write_text(content)
    bad_end = next_start(files)
    assert bad_end is not None
    assert (bad_end.started, bad_end.version) == ("", "")


def test_a_window_that_is_still_open_did_not_end(files: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", RUN, *map(str, files)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        marker = RunMarker(*files)
        assert marker.begin() is None
        marker.end()
        assert files[0].exists()  # it is the other one's
        process.stdin.write("marker.end()")
        process.stdin.close()
        assert process.wait(60) == 0
    assert not files[0].exists()


def test_without_a_place_for_it_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    marker = RunMarker(tmp_path / "file" / "running.json", tmp_path / "file" / "fault.txt")
    assert marker.begin() is None
    marker.end()
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208
