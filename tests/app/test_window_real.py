"""The program as its users meet it: a process with a window on a real X server, a mouse and a keyboard."""

import shutil
import subprocess
from pathlib import Path

import pysubs2
import pytest

from tests.support.program import ROOT
from tests.support.screen import Screen, wait_until
from tests.support.speech import AUDIO

pytestmark = [pytest.mark.needs_display, pytest.mark.slow]

TITLE = "WhisperDesktop NG"
QUIT_S = 15


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def copy_until(screen: Screen, words: str) -> str:
    """Copy the shown transcript, as a user would, until `words` are in it."""
    copied = ""

    def arrived() -> bool:
        nonlocal copied
        screen.key("ctrl+shift+c")
        copied = screen.clipboard()
        return words in copied.lower()

    wait_until(arrived, f"{words!r} did not appear", pause_s=0.5)
    return copied


def save_by_keyboard(screen: Screen, path: Path) -> None:
    screen.key("ctrl+s")
    screen.wait_for_window("Save transcript")
    screen.key("ctrl+a")
    screen.type(str(path))
    screen.key("Return")
    wait_until(path.exists, f"{path} was not written")
    screen.wait_for_window(TITLE)


def quit_by_keyboard(screen: Screen, process: subprocess.Popen[str]) -> None:
    screen.wait_for_window(TITLE)
    screen.key("ctrl+q")
    assert process.wait(QUIT_S) == 0
    _, errors = process.communicate()
    assert "Traceback" not in errors


def test_two_files_dragged_from_another_program_become_text(screen: Screen, home: Path, tmp_path: Path) -> None:
    files = [tmp_path / "ünï côdé 日本 %41#x.wav", tmp_path / "second.wav"]
    shutil.copy(AUDIO / "jfk.wav", files[0])
    shutil.copy(AUDIO / "librivox_0880.wav", files[1])
    source_args = [str(ROOT / "tests" / "tools" / "drag_source.py"), "0", "300", *map(str, files)]
    with (
        screen.run("-m", "app", home=home, ready=TITLE) as program,
        screen.run(*source_args, home=home, ready="Drag source") as source,
    ):
        window, x_source = screen.windows(TITLE)[0], screen.windows("Drag source")[0]
        screen.xdotool("windowmove", "--sync", window, 300, 60)
        screen.xdotool("windowactivate", "--sync", x_source)
        screen.drag(screen.centre(x_source), screen.centre(window))
        assert source.stdout is not None
        assert source.stdout.readline().strip() == "CopyAction"
        screen.wait_for_window(TITLE)
        first = copy_until(screen, "ask what you can do for your country")
        assert "fellow americans" in first.lower()
        save_by_keyboard(screen, tmp_path / "out.srt")
        subtitles = pysubs2.load(str(tmp_path / "out.srt"), encoding="utf-8")
        assert "fellow americans" in " ".join(line.plaintext for line in subtitles).lower()
        assert 0 <= subtitles[0].start < subtitles[-1].end <= 12_000  # milliseconds
        screen.key("Down")  # in the list, to the second recording
        copy_until(screen, "disposed young man")
        screen.picture(tmp_path / "screen.png")
        assert (tmp_path / "screen.png").stat().st_size > 10_000
        quit_by_keyboard(screen, program)


def test_everything_by_keyboard_alone(screen: Screen, home: Path, tmp_path: Path) -> None:
    with screen.run("-m", "app", home=home, ready=TITLE) as program:
        screen.key("ctrl+o")
        screen.wait_for_window("Add recordings")
        screen.type(str(AUDIO / "librivox_0880.wav"))
        screen.key("Return")
        screen.wait_for_window(TITLE)
        copy_until(screen, "disposed young man")
        for name in ("out.txt", "out.vtt"):
            save_by_keyboard(screen, tmp_path / name)
            assert "disposed young man" in (tmp_path / name).read_text(encoding="utf-8").lower()
        quit_by_keyboard(screen, program)


def test_closing_while_it_works_asks_and_then_ends_quickly(screen: Screen, home: Path) -> None:
    recordings = [str(path) for path in sorted(AUDIO.glob("*.wav"))]
    with screen.run("-m", "app", "open", *recordings, home=home, ready=TITLE) as program:
        wait_until(lambda: bool(screen.windows("%.*" + TITLE)), "nothing runs")  # the title tells how far it is
        screen.wait_for_window(TITLE)
        screen.key("ctrl+q")
        screen.wait_for_window("Please confirm")
        screen.key("Escape")
        assert program.poll() is None
        screen.wait_for_window(TITLE)
        screen.key("ctrl+q")
        screen.wait_for_window("Please confirm")
        screen.key("Tab", "space")  # from the safe answer to the other one
        assert program.wait(QUIT_S) == 0
