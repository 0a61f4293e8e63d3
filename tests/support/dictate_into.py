"""The program, its hotkey, and a recording in place of a speaker: python -m tests.support.dictate_into DISPLAY WAV FILE

The text goes into tests/support/text_window.py, which keeps it in FILE. Prints who has the keyboard in the end, and
what is on the clipboard. The environment is that of the program, with a microphone and a home of its own.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from app.anywhere.rules import Rules
from app.paths import settings_file
from app.settings import Settings
from tests.support.screen import Screen, wait_until


def main() -> None:
    display, sound, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    screen = Screen(display)
    settings_file().parent.mkdir(parents=True)
    settings = Settings(settings_file())
    settings.anywhere, settings.welcomed = Rules(hotkey="Ctrl+Alt+Space"), True
    del settings  # it is written now
    with ExitStack() as ends:

        def start(*command: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, env=screen.environment, stdout=subprocess.DEVNULL)
            ends.callback(process.wait)
            ends.callback(process.terminate)
            return process

        subprocess.run(
            ["xclip", "-selection", "clipboard"],
            env=screen.environment,
            input=b"precious",
            stdout=subprocess.DEVNULL,
            check=True,
        )
        start(sys.executable, "-m", "app")
        screen.wait_for_window("WhisperDesktop")
        start(sys.executable, "-m", "tests.support.text_window", str(out))
        screen.wait_for_window("text window")
        screen.key("ctrl+alt+space")
        wait_until(lambda: screen.windows("^Dictation – Listening$") != [], "the microphone is not open")
        subprocess.run(["paplay", "-d", "vmic", sound], env=os.environ, check=True)
        wait_until(out.exists, "nothing was put in")
        screen.key("ctrl+alt+space")
        wait_until(lambda: out.read_text(encoding="utf-8").endswith(" "), "the end is missing")
        wait_until(lambda: screen.clipboard() == "precious", "the clipboard is not what it was")
        print(screen.xdotool("getwindowname", screen.xdotool("getwindowfocus")))
        print(screen.clipboard())


main()
