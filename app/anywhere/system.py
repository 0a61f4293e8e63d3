"""What this system gives for dictation into other programs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from app.anywhere.clipboard import QtClipboardReader
from app.anywhere.errors import KeyboardError
from app.anywhere.interfaces import ClipboardReader, Hotkey, Keyboard
from gpu.types import Words

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class System:
    """Args:
    keyboard: None: text only gets to the clipboard.
    hotkey: None: there is none.
    blocking_reader: it is to be called on a thread of its own.
    note: what is to be known about it; None where all works.
    """

    keyboard: Keyboard | None
    hotkey: Hotkey | None
    reader: ClipboardReader
    blocking_reader: bool
    note: Words | None


def open_system(platform: str) -> System:
    """Args:
    platform: as Qt names it: "xcb", "wayland", "windows", "cocoa".
    """
    if platform == "xcb":
        return _open_x11()
    note = Words("On this system text only gets to the clipboard, and there is no hotkey.")
    return System(None, None, QtClipboardReader(), False, note)


def _open_x11() -> System:
    from app.anywhere.x11_clipboard import X11ClipboardReader
    from app.anywhere.x11_hotkey import X11Hotkey
    from app.anywhere.x11_keyboard import X11Keyboard

    try:
        keyboard = X11Keyboard()
    except KeyboardError as e:
        _log.warning("no keys for other programs: %s", e)
        return System(None, X11Hotkey(), X11ClipboardReader(), True, e.message)
    return System(keyboard, X11Hotkey(), X11ClipboardReader(), True, None)
