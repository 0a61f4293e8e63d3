"""A screen of our own (Xvfb with openbox), the program's window on it, and the user's hands (xdotool)."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.program import ROOT

PROGRAMS = ("Xvfb", "openbox", "xdotool", "xprop", "xclip", "import")
SIZE = (1500, 900)
TIMEOUT_S = 240.0
DRAG_STEPS = 12


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def wait_until(condition: Callable[[], bool], what: str, pause_s: float = 0.1) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(pause_s)  # other processes: there is nothing to wait on


class Screen:
    """An X display with a window manager."""

    def __init__(self, display: str) -> None:
        self.environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}

    def xdotool(self, *args: object) -> str:
        command = ["xdotool", *map(str, args)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def windows(self, name: str) -> list[str]:
        """Ids of the visible windows with `name` in their title."""
        command = ["xdotool", "search", "--onlyvisible", "--name", name]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.split()

    def wait_for_window(self, name: str) -> str:
        """Wait for a window, give it the keyboard, and return its id."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = self.windows(name)
            return bool(found)

        wait_until(is_there, f"no window {name!r}")
        window = found[-1]
        self.xdotool("windowactivate", "--sync", window)
        return window

    def key(self, *keys: str) -> None:
        self.xdotool("key", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", 15, text)

    def centre(self, window: str) -> tuple[int, int]:
        shown = self.xdotool("getwindowgeometry", "--shell", window)
        geometry = dict(line.split("=") for line in shown.splitlines())
        x, y, width, height = (int(geometry[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
        return x + width // 2, y + height // 2

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """With the left button, in small steps as a hand does it; the toolkits need time to answer each."""
        self.xdotool("mousemove", *start, "mousedown", 1)
        for step in range(1, DRAG_STEPS + 1):
            x, y = (a + (b - a) * step // DRAG_STEPS for a, b in zip(start, end, strict=True))
            self.xdotool("mousemove", x, y, "sleep", 0.05)
        self.xdotool("sleep", 0.3, "mouseup", 1)

    def clipboard(self) -> str:
        command = ["xclip", "-selection", "clipboard", "-out"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout

    def picture(self, path: Path) -> None:
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=60)

    @contextmanager
    def run(self, *args: str, home: Path, ready: str) -> Iterator[subprocess.Popen[str]]:
        """A Python program with a home of its own, from when a window named `ready` is there; killed if need be."""
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        homes = {name: str(home) for name in names}
        environment = self.environment | homes | {"PYTHONPATH": str(ROOT), "WHISPERDESKTOP_LANG": "en"}
        process = subprocess.Popen(
            [sys.executable, *args], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self.wait_for_window(ready)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


@contextmanager
def start_screen() -> Iterator[Screen]:
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        screen = Screen(f":{pipe.readline().strip()}")
    manager = subprocess.Popen(["openbox"], env=screen.environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_managed(screen), "no window manager")
        yield screen
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait()


def _is_managed(screen: Screen) -> bool:
    command = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    done = subprocess.run(command, env=screen.environment, capture_output=True, text=True, check=False, timeout=60)
    return "0x" in done.stdout
