"""A real hotkey, pressed while another program has the keyboard; what arrives there, and on the clipboard then."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.metrics import count_errors
from tests.support.corpus import FREE_AUDIO, read_manifest
from tests.support.homes import window_environment
from tests.support.program import ROOT
from tests.support.screen import Screen, wait_until

TEXT = "Où café naïve — “你好，世界” 🎉👩‍💻 ß Ω"
WORDS = [" " + word for word in TEXT.split(" ")]
SAID = [WORDS, [" Second", " one."], [" Scratch", " that."], [" New", " line."], ["第二行。"]]
ARRIVES = TEXT + "\n第二行。"
TIMEOUT_S = 60

pytestmark = [pytest.mark.needs_display, pytest.mark.slow]

Run = Callable[..., subprocess.Popen[str]]


class Dictating:
    """tests/support/dictating.py."""

    def __init__(self, process: subprocess.Popen[str], screen: Screen) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out, self._screen = process.stdin, process.stdout.fileno(), screen
        self._read = b""
        self.process = process

    def line(self) -> str:
        while b"\n" not in self._read:
            ready, _, _ = select.select([self._out], [], [], TIMEOUT_S)
            assert ready, "it says nothing"
            more = os.read(self._out, 65536)
            assert more, "it has ended"
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode().strip()

    def until(self, last: str) -> list[str]:
        lines = [self.line()]
        while lines[-1] != last:
            assert lines[-1], lines
            lines.append(self.line())
        return lines

    def will_say(self, utterances: list[list[str]]) -> None:
        self._in.write(json.dumps(utterances) + "\n")
        self._in.flush()

    def dictate(self, utterances: list[list[str]]) -> list[str]:
        """With a hotkey that toggles; what it told."""
        self.will_say(utterances)
        self._screen.xdotool("key", "ctrl+alt+space")
        told = self.until("idle")
        self._screen.xdotool("key", "ctrl+alt+space")
        return told + self.until("stopped")


@pytest.fixture
def run(screen: Screen, tmp_path: Path) -> Iterator[Run]:
    """Starts a program with a home of its own."""
    started = []

    def start(*command: str, **options: object) -> subprocess.Popen[str]:
        homes = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
        environment = screen.environment | homes
        environment |= {"PYTHONPATH": str(ROOT), "GSETTINGS_BACKEND": "memory", "LC_ALL": "C.UTF-8"}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stderr=subprocess.DEVNULL, stdin=pipe, stdout=pipe
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@contextmanager
def dictating(run: Run, screen: Screen, **rules: object) -> Iterator[Dictating]:
    rules = {"hotkey": "Ctrl+Alt+Space", "space_behind": False} | rules
    process = run(sys.executable, "-m", "tests.support.dictating", json.dumps(rules))
    program = Dictating(process, screen)
    assert program.line() == "hotkey"
    yield program
    process.kill()
    process.wait()  # the hotkey is free again


def editor(run: Run, screen: Screen, out: Path) -> str:
    run(sys.executable, "-m", "tests.support.text_window", str(out))
    return screen.wait_for_window("text window")


def own_clipboard(run: Run, selection: str, target: str, content: bytes, tmp_path: Path) -> subprocess.Popen[str]:
    file = tmp_path / f"{selection}.bin"
    file.write_bytes(content)
    return run("xclip", "-quiet", "-selection", selection, "-t", target, str(file))


def clipboard(screen: Screen, selection: str, target: str) -> bytes:
    command = ["xclip", "-selection", selection, "-out", "-target", target]
    return subprocess.run(command, env=screen.environment, capture_output=True, check=False, timeout=60).stdout


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_exact_text_arrives_in_other_programs_and_the_clipboard_is_what_it_was(
    screen: Screen, run: Run, tmp_path: Path
) -> None:
    missing = [name for name in ("mousepad", "xterm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    picture = bytes(range(256)) * 8192  # 2 MB come in parts
    own_clipboard(run, "clipboard", "image/x-test", picture, tmp_path)
    own_clipboard(run, "primary", "UTF8_STRING", "wählte 这个".encode(), tmp_path)
    wait_until(lambda: clipboard(screen, "primary", "UTF8_STRING") != b"", "nothing is selected")
    wait_until(lambda: b"image/x-test" in clipboard(screen, "clipboard", "TARGETS"), "nothing is on the clipboard")
    with dictating(run, screen) as program:
        for name in ("qt", "gtk", "xterm"):
            out = tmp_path / f"{name}.txt"
            if name == "qt":
                editor(run, screen, out)
            elif name == "gtk":
                out.touch()
                run("mousepad", "--disable-server", str(out))
                screen.wait_for_window("Mousepad")
            else:
                run("xterm", "-u8", "-T", "a terminal", "-e", "sh", "-c", f"stty iutf8; cat > '{out}'")
                screen.wait_for_window("a terminal")
            assert program.dictate(SAID)[:2] == ["started", "said"]
            screen.xdotool("key", {"qt": "ctrl", "gtk": "ctrl+s", "xterm": "Return"}[name])
            wait_until(lambda out=out: text_of(out).strip() == ARRIVES, f"{name} has {text_of(out)!r}")  # type: ignore[misc]
            assert clipboard(screen, "clipboard", "image/x-test") == picture
            assert clipboard(screen, "primary", "UTF8_STRING").decode() == "wählte 这个"


def test_held_it_dictates_until_it_is_let_go(screen: Screen, run: Run, tmp_path: Path) -> None:
    """Pasted while the user holds Ctrl and Alt, the text would be another command."""
    out = tmp_path / "text"
    editor(run, screen, out)
    with dictating(run, screen, mode="hold", commands=False) as program:
        program.will_say([WORDS])
        screen.xdotool("keydown", "ctrl", "keydown", "alt", "keydown", "space")
        assert program.until("said") == ["started", "said"]
        screen.xdotool("sleep", 1)  # the key repeats meanwhile
        assert text_of(out) == ""
        program.process.send_signal(signal.SIGSTOP)  # it hears late of the end, and of what was repeated before it
        screen.xdotool("sleep", 0.3, "keyup", "space", "keyup", "alt", "keyup", "ctrl")
        program.process.send_signal(signal.SIGCONT)
        assert program.until("idle") == ["stopped", "idle"]
        wait_until(lambda: text_of(out) == TEXT, "the text did not arrive")
        program.will_say([])
        screen.xdotool("key", "ctrl+alt+space")
        assert program.until("stopped") == ["started", "said", "stopped"]  # and nothing before it


def test_typed_where_the_clipboard_cannot_be_kept(screen: Screen, run: Run, tmp_path: Path) -> None:
    """Its owner answers no more: it is not taken from it."""
    out = tmp_path / "text"
    owner = own_clipboard(run, "clipboard", "UTF8_STRING", b"precious", tmp_path)
    wait_until(lambda: clipboard(screen, "clipboard", "UTF8_STRING") == b"precious", "nothing is on the clipboard")
    editor(run, screen, out)
    owner.send_signal(signal.SIGSTOP)
    with dictating(run, screen, commands=False) as program:
        program.dictate([WORDS])
        wait_until(lambda: text_of(out) == TEXT, f"typed: {text_of(out)!r}")
        owner.send_signal(signal.SIGCONT)
        assert clipboard(screen, "clipboard", "UTF8_STRING") == b"precious"


def test_another_program_has_the_hotkey(screen: Screen, run: Run) -> None:
    with dictating(run, screen, hotkey="Ctrl+F9"):
        rules = json.dumps({"hotkey": "Ctrl+F9"})
        second = Dictating(run(sys.executable, "-m", "tests.support.dictating", rules), screen)
        assert second.line() == "Another program has the hotkey Ctrl+F9."


def test_the_locks_make_no_difference(screen: Screen, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "text"
    editor(run, screen, out)
    with dictating(run, screen, hotkey="F9") as program:
        for number, lock in enumerate(("Num_Lock", "Caps_Lock"), 1):
            screen.xdotool("key", lock)
            program.will_say([[" word"]])
            screen.xdotool("key", "F9")
            program.until("idle")
            screen.xdotool("key", lock, "key", "F9")
            program.until("stopped")
            wait_until(lambda n=number: text_of(out) == "word" * n, f"{lock}: {text_of(out)!r}")  # type: ignore[misc]


def test_what_nobody_takes_stays_on_the_clipboard(screen: Screen, run: Run) -> None:
    """xev shows keys and takes no text."""
    run("xev")
    screen.wait_for_window("Event Tester")
    with dictating(run, screen) as program:
        assert f"left {TEXT!r}: The program did not take the text." in program.dictate([WORDS])
        assert clipboard(screen, "clipboard", "UTF8_STRING").decode() == TEXT


@pytest.mark.long
def test_speech_gets_from_the_microphone_to_the_cursor(screen: Screen, tmp_path: Path) -> None:
    """The whole program, with the real model; the display that shows the words leaves the keyboard where it is."""
    clip = next(clip for clip in read_manifest(FREE_AUDIO) if clip.path.stem == "librivox_0880")
    out = tmp_path / "text"
    display = screen.environment["DISPLAY"]
    script = (
        f'. "{ROOT}/tests/tools/virtual_mic.sh"\n'
        f'"{sys.executable}" -m tests.support.dictate_into "{display}" "{clip.path}" "{out}"\nvm_stop'
    )
    environment = window_environment(tmp_path / "home") | {"QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert count_errors(clip.reference, text_of(out), "en").percent <= 15
    assert text_of(out).endswith(" ")
    assert done.stdout.splitlines()[-2:] == ["text window", "precious"]
