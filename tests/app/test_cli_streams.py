"""`transcribe` among terminals, pipes and signals."""

import contextlib
import os
import re
import signal
import struct
import sys
from pathlib import Path

import pysubs2
import pytest

from tests.support.awkward_recordings import SENTENCE
from tests.support.program import Program


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
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
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["long.srt"]
    cues = pysubs2.load(str(tmp_path / "out" / "long.srt"))
    assert " ".join(cue.plaintext for cue in cues) == text
    assert cues[-1].end < 180_000, "of four minutes"


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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of another kind")
class TestStandardOutputGoesAway:
    @pytest.mark.long
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
