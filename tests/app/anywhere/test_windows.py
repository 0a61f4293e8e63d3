"""What Windows is asked for. Nothing here has seen Windows: user32 is made up, and keeps what it is given."""

import ctypes
import os
import queue
from typing import Any

import psutil
import pytest

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError, KeyboardError
from app.anywhere.windows import Input, WindowsHotkey, WindowsKeyboard

CTRL_V = Combination.parse("Ctrl+V")


class User32:
    """
    Attributes:
        sent: (virtual key or UTF-16 unit, is it let go) of each.
        messages: for the thread of the hotkey.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[int, bool]] = []
        self.messages: queue.Queue[int] = queue.Queue()
        self.registered: list[tuple[int, int]] = []
        self.held: set[int] = set()
        self.is_taken = self.is_blocked = False

    def VkKeyScanW(self, code: int) -> int:  # noqa: N802
        return ord(chr(code).upper()) if chr(code).isascii() else 0xFFFF

    def GetForegroundWindow(self) -> int:  # noqa: N802
        return 77

    def GetWindowThreadProcessId(self, _window: int, process: Any) -> int:  # noqa: N802
        process._obj.value = os.getpid()
        return 1

    def GetAsyncKeyState(self, key: int) -> int:  # noqa: N802
        return 0x8000 if key in self.held else 0

    def SendInput(self, n: int, inputs: Any, size: int) -> int:  # noqa: N802
        assert size == ctypes.sizeof(Input)
        if self.is_blocked:
            return 0
        keys = [one.of.key for one in inputs]
        self.sent += [(key.vk or key.scan, bool(key.flags & 2)) for key in keys]
        return n

    def RegisterHotKey(self, _window: None, _number: int, modifiers: int, key: int) -> bool:  # noqa: N802
        self.registered.append((modifiers, key))
        return not self.is_taken

    def UnregisterHotKey(self, _window: None, _number: int) -> None:  # noqa: N802
        self.registered.pop()

    def GetMessageW(self, message: Any, *_rest: object) -> int:  # noqa: N802
        message._obj.message = self.messages.get()
        return message._obj.message != 0x0012

    def PostThreadMessageW(self, _thread: int, message: int, *_rest: int) -> None:  # noqa: N802
        self.messages.put(message)


@pytest.fixture
def user32() -> User32:
    return User32()


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="of 64 bits")
def test_the_record_has_the_size_that_windows_expects() -> None:
    assert ctypes.sizeof(Input) == 40


def test_keys(user32: User32) -> None:
    keyboard = WindowsKeyboard(user32)
    keyboard.press(CTRL_V)
    assert user32.sent == [(0x11, False), (0x56, False), (0x56, True), (0x11, True)]
    user32.sent.clear()
    keyboard.type("é🎉\n")
    assert [unit for unit, up in user32.sent if not up] == [0xE9, 0xD83C, 0xDF89, 0x0D]
    user32.sent.clear()
    keyboard.erase(2)
    assert user32.sent == [(0x08, False), (0x08, True)] * 2
    with pytest.raises(KeyboardError, match="no key É"):
        keyboard.press(Combination.parse("Ctrl+é"))
    user32.is_blocked = True
    with pytest.raises(KeyboardError, match="lets no key through"):
        keyboard.press(CTRL_V)


def test_who_has_the_keyboard(user32: User32) -> None:
    keyboard = WindowsKeyboard(user32)
    program = keyboard.focused()
    assert program is not None
    assert (program.window, program.names[0]) == (77, psutil.Process().name().lower())
    assert not keyboard.is_key_held()
    user32.held = {0x11}
    assert keyboard.is_key_held()


def test_the_hotkey(user32: User32) -> None:
    hotkey, heard = WindowsHotkey(user32), queue.Queue[str]()
    keys = Combination.parse("Ctrl+Alt+Space")
    calls = (lambda: heard.put("pressed"), lambda: heard.put("released"), lambda _e: None)
    hotkey.hold(keys, *calls)
    assert user32.registered == [(0x4003, 0x20)]
    user32.held = {0x20}
    user32.messages.put(0x0312)
    assert heard.get(timeout=20) == "pressed"
    assert heard.empty()
    user32.held = set()
    assert heard.get(timeout=20) == "released"
    hotkey.let_go()
    assert user32.registered == []
    user32.is_taken = True
    with pytest.raises(HotkeyError, match="Another program has the hotkey Ctrl\\+Alt\\+Space"):
        hotkey.hold(keys, *calls)
