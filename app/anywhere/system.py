"""What this system gives for dictation into other programs."""

from __future__ import annotations

import logging
from collections.abc import Callable
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


def open_system(platform: str, token: str, keep_token: Callable[[str], None]) -> System:
    """Args:
    platform: as Qt names it: "xcb", "wayland", "windows", "cocoa".
    token, keep_token: what the desktop gave, so that it need not ask again; the second is called on any thread.
    """
    if platform == "xcb":
        return _open_x11()
    if platform.startswith("wayland"):
        return _open_wayland(token, keep_token)
    if platform == "windows":
        return _open_windows()
    if platform == "cocoa":
        return _open_macos()
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


def _open_wayland(token: str, keep_token: Callable[[str], None]) -> System:
    from app.anywhere.portal_hotkey import PortalHotkey
    from app.anywhere.portal_keyboard import PortalKeyboard

    note = Words(
        "On Wayland the desktop asks whether this program may have a hotkey and press keys, and text is typed. This "
        "has not been tried on a real desktop yet. What cannot be put in stands in the list of recordings."
    )
    return System(PortalKeyboard(token, keep_token), PortalHotkey(), QtClipboardReader(), False, note)


def _open_windows() -> System:
    from app.anywhere.windows import WindowsHotkey, WindowsKeyboard

    note = Words("On Windows dictation into other programs has not been tried yet: please tell what does not work.")
    return System(WindowsKeyboard(), WindowsHotkey(), QtClipboardReader(), False, note)


def _open_macos() -> System:
    from app.anywhere.macos import MacHotkey, MacKeyboard

    note = Words(
        "On macOS dictation into other programs has not been tried yet: please tell what does not work. It needs the "
        "permission “Accessibility” in the system's settings, under privacy."
    )
    return System(MacKeyboard(), MacHotkey(), QtClipboardReader(), False, note)
