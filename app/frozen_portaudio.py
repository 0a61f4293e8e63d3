"""Run by a frozen Linux program before anything else: `sounddevice` finds the PortAudio that came along.

It asks the system alone, in whose folders that one is not. The system's own is preferred: it fits the sound server.
"""

import ctypes.util
import sys
from pathlib import Path

_ask_system = ctypes.util.find_library


def find_library(name: str) -> str | None:
    found = _ask_system(name)
    bundled = Path(getattr(sys, "_MEIPASS", "")) / "libportaudio.so.2"
    if found is None and name == "portaudio" and bundled.is_file():
        return str(bundled)
    return found


ctypes.util.find_library = find_library
