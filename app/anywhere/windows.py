"""A hotkey and keys for other programs on Windows, by user32. Not tried there yet; tests see what it is asked for.

https://learn.microsoft.com/windows/win32/api/winuser/
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from ctypes import wintypes
from typing import Any

import psutil

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError, KeyboardError
from app.anywhere.interfaces import Program
from gpu.types import Words

LOOK_S = 0.02
KEY_S = 0.002  # between two keys

_MODIFIERS = {"Alt": (0x1, 0x12), "Ctrl": (0x2, 0x11), "Shift": (0x4, 0x10), "Meta": (0x8, 0x5B)}  # MOD_, VK_
_NO_REPEAT = 0x4000
_KEYS = {
    "Space": 0x20, "Ins": 0x2D, "Del": 0x2E, "Esc": 0x1B, "PgUp": 0x21, "PgDown": 0x22, "End": 0x23, "Home": 0x24,
    "Left": 0x25, "Up": 0x26, "Right": 0x27, "Down": 0x28, "Backspace": 0x08, "Tab": 0x09, "Return": 0x0D,
    "Pause": 0x13, "CapsLock": 0x14, "NumLock": 0x90, "ScrollLock": 0x91, "Print": 0x2C, "Menu": 0x5D,
}  # fmt: skip
_BACKSPACE, _RETURN = 0x08, 0x0D
_WM_HOTKEY, _WM_QUIT = 0x0312, 0x0012
_INPUT_KEYBOARD, _KEY_UP, _UNICODE, _EXTENDED = 1, 0x2, 0x4, 0x1
_EXTENDED_KEYS = frozenset({0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2D, 0x2E, 0x5B})
_DOWN = 0x8000


class KeyInput(ctypes.Structure):
    _fields_ = (
        ("vk", ctypes.c_uint16),
        ("scan", ctypes.c_uint16),
        ("flags", ctypes.c_uint32),
        ("time", ctypes.c_uint32),
        ("extra", ctypes.c_size_t),
    )


class _MouseInput(ctypes.Structure):  # the largest of the union
    _fields_ = (
        ("dx", ctypes.c_int32),
        ("dy", ctypes.c_int32),
        ("data", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("time", ctypes.c_uint32),
        ("extra", ctypes.c_size_t),
    )


class _Either(ctypes.Union):
    _fields_ = (("key", KeyInput), ("mouse", _MouseInput))


class Input(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_uint32), ("of", _Either))


def load_user32() -> Any:
    return ctypes.WinDLL("user32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]


def virtual_key(key: str, user32: Any) -> int:
    """Of a key as Qt names it; 0 where there is none."""
    if len(key) == 1:
        found = int(user32.VkKeyScanW(ord(key.lower()))) & 0xFFFF
        return 0 if found == 0xFFFF else found & 0xFF
    if key.startswith("F") and key[1:].isdecimal() and 1 <= int(key[1:]) <= 24:
        return 0x6F + int(key[1:])
    return _KEYS.get(key, 0)


class WindowsKeyboard:
    pastes = True

    def __init__(self, user32: Any = None) -> None:
        self._user32 = user32 if user32 is not None else load_user32()

    def focused(self) -> Program | None:
        window = self._user32.GetForegroundWindow()
        if not window:
            return None
        process = wintypes.DWORD()
        self._user32.GetWindowThreadProcessId(window, ctypes.byref(process))
        try:
            name = psutil.Process(process.value).name().lower()
        except psutil.Error:  # it may be another user's
            return Program((), int(window))
        return Program((name, name.removesuffix(".exe")), int(window))

    def is_key_held(self) -> bool:
        return any(self._user32.GetAsyncKeyState(key) & _DOWN for key in range(0x08, 0xFF))  # below are the mouse's

    def press(self, keys: Combination) -> None:
        code = virtual_key(keys.key, self._user32)
        if not code:
            words = Words("This keyboard has no key {key}.", key=keys.key)
            remedy = Words("Choose other keys for pasting in the settings of dictation: Shift+Ins, for example.")
            raise KeyboardError(words, remedy=remedy)
        codes = [*(_MODIFIERS[name][1] for name in sorted(keys.modifiers)), code]
        self._send([*(_key(c) for c in codes), *(_key(c, up=True) for c in reversed(codes))])

    def erase(self, n_characters: int) -> None:
        for _ in range(n_characters):
            self._send([_key(_BACKSPACE), _key(_BACKSPACE, up=True)])
            time.sleep(KEY_S)

    def type(self, text: str) -> None:
        for char in text:
            if char in "\r\n":
                self._send([_key(_RETURN), _key(_RETURN, up=True)])
            else:
                raw = char.encode("utf-16-le")
                units = [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]
                self._send([*(_unit(unit) for unit in units), *(_unit(unit, up=True) for unit in units)])
            time.sleep(KEY_S)

    def _send(self, inputs: list[Input]) -> None:
        array = (Input * len(inputs))(*inputs)
        if self._user32.SendInput(len(inputs), array, ctypes.sizeof(Input)) != len(inputs):
            words = Words("Windows lets no key through to the program in front.")
            raise KeyboardError(words, remedy=Words("Programs run as administrator take keys only from such."))


class WindowsHotkey:
    def __init__(self, user32: Any = None) -> None:
        self._user32 = user32 if user32 is not None else load_user32()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def hold(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        self.let_go()
        code = virtual_key(keys.key, self._user32)
        if not code:
            words = Words("This keyboard has no key {key}.", key=keys.key)
            raise HotkeyError(words, remedy=Words("Choose another hotkey in the settings of dictation."))
        modifiers = sum(_MODIFIERS[name][0] for name in keys.modifiers) | _NO_REPEAT
        begun, failed = threading.Event(), threading.Event()
        self._stopped = False

        def run() -> None:
            """The thread that registers it is the one that is told."""
            if not self._user32.RegisterHotKey(None, 1, modifiers, code):
                failed.set()
            begun.set()
            if not failed.is_set():
                self._wait(code, pressed, released)
                self._user32.UnregisterHotKey(None, 1)

        thread = threading.Thread(target=run, name="hotkey", daemon=True)
        thread.start()
        begun.wait()
        if failed.is_set():
            words = Words("Another program has the hotkey {keys}.", keys=keys)
            raise HotkeyError(words, remedy=Words("Choose another hotkey, or give that program another one."))
        self._thread = thread

    def let_go(self) -> None:
        if self._thread is not None:
            self._stopped = True
            self._user32.PostThreadMessageW(self._thread.native_id, _WM_QUIT, 0, 0)
            self._thread.join()
            self._thread = None

    def _wait(self, code: int, pressed: Callable[[], None], released: Callable[[], None]) -> None:
        message = wintypes.MSG()
        while self._user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
            if message.message == _WM_HOTKEY:
                pressed()
                while self._user32.GetAsyncKeyState(code) & _DOWN and not self._stopped:  # nobody tells of its end
                    time.sleep(LOOK_S)
                released()


def _key(code: int, *, up: bool = False) -> Input:
    flags = (_EXTENDED if code in _EXTENDED_KEYS else 0) | (_KEY_UP if up else 0)
    return Input(_INPUT_KEYBOARD, _Either(key=KeyInput(vk=code, flags=flags)))


def _unit(unit: int, *, up: bool = False) -> Input:
    return Input(_INPUT_KEYBOARD, _Either(key=KeyInput(scan=unit, flags=_UNICODE | (_KEY_UP if up else 0))))
