"""Keys for other programs on Wayland, by the desktop's portal for remote control, which asks the user once.

Which program has the keyboard, and what keys are held, is not told. Text is typed, as the clipboard cannot be borrowed
by a program without the keyboard.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.anywhere.combination import Combination
from app.anywhere.errors import KeyboardError
from app.anywhere.interfaces import Program
from app.anywhere.portal import Portal, PortalError, new_token
from gpu.types import Words

INTERFACE = "org.freedesktop.portal.RemoteDesktop"
KEY_S = 0.005  # between two keys
_KEYBOARD, _UNTIL_REVOKED = 1, 2
_RELEASED, _PRESSED = 0, 1
_BACKSPACE = 0xFF08
_CONTROLS = {"\n": 0xFF0D, "\r": 0xFF0D, "\t": 0xFF09}
_SOMEBODY = Program((), 0)


class PortalKeyboard:
    """
    Args:
        token: from an earlier start, so that the user is not asked again; "" is none.
        keep_token: called with the next one, on any thread.
    """

    pastes = False

    def __init__(self, token: str, keep_token: Callable[[str], None]) -> None:
        self._token, self._keep_token = token, keep_token
        self._lock = threading.Lock()
        self._portal: Portal | None = None
        self._session = ""

    def focused(self) -> Program | None:
        return _SOMEBODY

    def is_key_held(self) -> bool:
        return False

    def press(self, keys: Combination) -> None:
        words = Words("The desktop takes no key {key} from programs.", key=keys)
        raise KeyboardError(words, remedy=Words("The text is typed instead."))

    def erase(self, n_characters: int) -> None:
        with self._lock:
            self._strike([_BACKSPACE] * n_characters)

    def type(self, text: str) -> None:
        with self._lock:
            self._strike([_keysym(char) for char in text])

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _strike(self, keysyms: list[int]) -> None:
        try:
            portal = self._portal or self._open()
            for keysym in keysyms:
                for state in (_PRESSED, _RELEASED):
                    portal.call(INTERFACE, "NotifyKeyboardKeysym", "oa{sv}iu", self._session, {}, keysym, state)
                time.sleep(KEY_S)
        except PortalError as e:
            self._forget()
            raise KeyboardError(e.message, remedy=e.remedy) from e
        except (OSError, EOFError) as e:
            self._forget()
            words = Words("The desktop's portal does not answer: {reason}.", reason=str(e) or type(e).__name__)
            raise KeyboardError(words, remedy=Words("Start the program again.")) from e

    def _open(self) -> Portal:
        """Waits for the user where that has to be asked."""
        portal = Portal()
        try:
            made = portal.request(
                INTERFACE, "CreateSession", "a{sv}", options={"session_handle_token": ("s", new_token())}
            )
            self._session = made["session_handle"]
            options: dict[str, tuple[str, object]] = {"types": ("u", _KEYBOARD), "persist_mode": ("u", _UNTIL_REVOKED)}
            if self._token:
                options["restore_token"] = ("s", self._token)
            portal.request(INTERFACE, "SelectDevices", "oa{sv}", self._session, options=options)
            started = portal.request(INTERFACE, "Start", "osa{sv}", self._session, "")
        except BaseException:
            portal.close()
            raise
        self._token = started.get("restore_token", "")
        self._keep_token(self._token)
        self._portal = portal
        return portal

    def _forget(self) -> None:
        if self._portal is not None:
            self._portal.close()
            self._portal = None


def _keysym(char: str) -> int:
    """X.Org's protocol, appendix A: Latin-1 as it is, the rest of Unicode behind 0x01000000."""
    code = ord(char)
    return _CONTROLS.get(char) or (code if 0x20 <= code < 0x7F or 0xA0 <= code < 0x100 else 0x01000000 | code)
