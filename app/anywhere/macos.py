"""A hotkey and keys for other programs on macOS, by an event tap and Quartz events. Not tried on a Mac yet.

Qt calls the Command key Ctrl there, and Control Meta. https://developer.apple.com/documentation/coregraphics/quartz-event-services
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

from app.anywhere.combination import Combination
from app.anywhere.errors import AnywhereError, HotkeyError, KeyboardError
from app.anywhere.interfaces import Program
from gpu.types import Words

KEY_S = 0.004  # between two keys

_FRAMEWORK = "/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices"
_FLAGS = {"Shift": 1 << 17, "Meta": 1 << 18, "Alt": 1 << 19, "Ctrl": 1 << 20}
_ALL_FLAGS = sum(_FLAGS.values())
_KEY_DOWN, _KEY_UP, _TAP_DISABLED = 10, 11, (0xFFFFFFFE, 0xFFFFFFFF)
_KEY_CODE = 9  # kCGKeyboardEventKeycode
_SESSION_TAP, _AT_HEAD, _MAY_CHANGE, _HID_TAP = 1, 0, 0, 0
_HID_STATE = 1
_RETURN, _BACKSPACE = 36, 51

# Places of keys, with the letters of the US layout (HIToolbox/Events.h).
_PLACES = {
    **{key: code for code, key in enumerate("ASDFHGZXCV")}, "B": 11, "Q": 12, "W": 13, "E": 14, "R": 15, "Y": 16,
    "T": 17, "1": 18, "2": 19, "3": 20, "4": 21, "6": 22, "5": 23, "=": 24, "9": 25, "7": 26, "-": 27, "8": 28, "0": 29,
    "]": 30, "O": 31, "U": 32, "[": 33, "I": 34, "P": 35, "Return": 36, "L": 37, "J": 38, "'": 39, "K": 40, ";": 41,
    "\\": 42, ",": 43, "/": 44, "N": 45, "M": 46, ".": 47, "Tab": 48, "Space": 49, "`": 50, "Backspace": 51, "Esc": 53,
    "Del": 117, "Home": 115, "PgUp": 116, "End": 119, "PgDown": 121, "Left": 123, "Right": 124, "Down": 125, "Up": 126,
    "F1": 122, "F2": 120, "F3": 99, "F4": 118, "F5": 96, "F6": 97, "F7": 98, "F8": 100, "F9": 101, "F10": 109,
    "F11": 103, "F12": 111, "F13": 105, "F14": 107, "F15": 113, "F16": 106, "F17": 64, "F18": 79, "F19": 80, "F20": 90,
}  # fmt: skip
_TAP = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)


def place_of(key: str) -> int | None:
    return _PLACES.get(key)


class _Quartz:
    """The functions that are used, with their types."""

    def __init__(self) -> None:
        library: Any = ctypes.CDLL(_FRAMEWORK)
        pointer, number = ctypes.c_void_p, ctypes.c_uint32
        for name, result, arguments in (
            ("AXIsProcessTrusted", ctypes.c_bool, []),
            ("CGEventTapCreate", pointer, [number, number, number, ctypes.c_uint64, _TAP, pointer]),
            ("CGEventTapEnable", None, [pointer, ctypes.c_bool]),
            ("CGEventGetIntegerValueField", ctypes.c_int64, [pointer, number]),
            ("CGEventGetFlags", ctypes.c_uint64, [pointer]),
            ("CGEventSetFlags", None, [pointer, ctypes.c_uint64]),
            ("CGEventCreateKeyboardEvent", pointer, [pointer, ctypes.c_uint16, ctypes.c_bool]),
            ("CGEventKeyboardSetUnicodeString", None, [pointer, ctypes.c_ulong, pointer]),
            ("CGEventPost", None, [number, pointer]),
            ("CGEventSourceKeyState", ctypes.c_bool, [ctypes.c_int32, ctypes.c_uint16]),
            ("CFMachPortCreateRunLoopSource", pointer, [pointer, pointer, ctypes.c_long]),
            ("CFMachPortInvalidate", None, [pointer]),
            ("CFRunLoopGetCurrent", pointer, []),
            ("CFRunLoopAddSource", None, [pointer, pointer, pointer]),
            ("CFRunLoopRun", None, []),
            ("CFRunLoopStop", None, [pointer]),
            ("CFRelease", None, [pointer]),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        self.library = library
        self.common_modes = ctypes.c_void_p.in_dll(library, "kCFRunLoopCommonModes")

    def check_permission(self, kind: type[AnywhereError]) -> None:
        if not self.library.AXIsProcessTrusted():
            words = Words("macOS does not let this program see or press keys.")
            raise kind(words, remedy=Words("Allow it in the system's settings: Privacy & Security, Accessibility."))


class MacKeyboard:
    pastes = True

    def __init__(self) -> None:
        self._quartz = _Quartz()

    def focused(self) -> Program | None:
        return _frontmost()

    def is_key_held(self) -> bool:
        held = self._quartz.library.CGEventSourceKeyState
        return any(held(_HID_STATE, code) for code in range(128) if code != 57)  # CapsLock

    def press(self, keys: Combination) -> None:
        code = place_of(keys.key)
        if code is None:
            words = Words("This keyboard has no key {key}.", key=keys.key)
            raise KeyboardError(words, remedy=Words("Choose other keys for pasting in the settings of dictation."))
        self._strike(code, sum(_FLAGS[name] for name in keys.modifiers))

    def erase(self, n_characters: int) -> None:
        for _ in range(n_characters):
            self._strike(_BACKSPACE)
            time.sleep(KEY_S)

    def type(self, text: str) -> None:
        for char in text:
            if char in "\r\n":
                self._strike(_RETURN)
            else:
                self._strike(0, text=char)
            time.sleep(KEY_S)

    def _strike(self, code: int, flags: int = 0, text: str = "") -> None:
        self._quartz.check_permission(KeyboardError)
        library = self._quartz.library
        units = text.encode("utf-16-le")
        for down in (True, False):
            event = library.CGEventCreateKeyboardEvent(None, code, down)
            library.CGEventSetFlags(event, flags)
            if text:
                library.CGEventKeyboardSetUnicodeString(event, len(units) // 2, units)
            library.CGEventPost(_HID_TAP, event)
            library.CFRelease(event)


class MacHotkey:
    def __init__(self) -> None:
        self._quartz = _Quartz()
        self._thread: threading.Thread | None = None
        self._loop: Any = None

    def hold(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        self.let_go()
        self._quartz.check_permission(HotkeyError)
        code = place_of(keys.key)
        if code is None:
            words = Words("This keyboard has no key {key}.", key=keys.key)
            raise HotkeyError(words, remedy=Words("Choose another hotkey in the settings of dictation."))
        begun = threading.Event()
        wanted = sum(_FLAGS[name] for name in keys.modifiers)
        arguments = (_Matcher(self._quartz.library, code, wanted, pressed, released), begun)
        self._thread = threading.Thread(target=self._run, args=arguments, name="hotkey", daemon=True)
        self._thread.start()
        begun.wait()
        if self._loop is None:
            self._thread = None
            words = Words("macOS does not let this program see or press keys.")
            raise HotkeyError(
                words, remedy=Words("Allow it in the system's settings: Privacy & Security, Accessibility.")
            )

    def let_go(self) -> None:
        if self._thread is not None:
            self._quartz.library.CFRunLoopStop(self._loop)
            self._thread.join()
            self._thread = self._loop = None

    def _run(self, matcher: _Matcher, begun: threading.Event) -> None:
        library = self._quartz.library
        callback = _TAP(matcher.take)
        mask = 1 << _KEY_DOWN | 1 << _KEY_UP
        tap = matcher.tap = library.CGEventTapCreate(_SESSION_TAP, _AT_HEAD, _MAY_CHANGE, mask, callback, None)
        if not tap:
            begun.set()
            return
        source = library.CFMachPortCreateRunLoopSource(None, tap, 0)
        loop = library.CFRunLoopGetCurrent()
        library.CFRunLoopAddSource(loop, source, self._quartz.common_modes)
        self._loop = loop
        begun.set()
        library.CFRunLoopRun()
        library.CFMachPortInvalidate(tap)
        library.CFRelease(source)
        library.CFRelease(tap)
        matcher.end()


class _Matcher:
    """Takes the hotkey out of what is typed."""

    def __init__(
        self, library: Any, code: int, flags: int, pressed: Callable[[], None], released: Callable[[], None]
    ) -> None:
        self._library, self._code, self._flags = library, code, flags
        self._pressed, self._released = pressed, released
        self._is_down = False
        self.tap: Any = None

    def take(self, _proxy: Any, kind: int, event: Any, _user: Any) -> Any:
        """None keeps the event from all programs."""
        if kind in _TAP_DISABLED:  # the system found it slow
            self._library.CGEventTapEnable(self.tap, True)
            return event
        if self._library.CGEventGetIntegerValueField(event, _KEY_CODE) != self._code:
            return event
        if kind == _KEY_UP and self._is_down:
            self.end()
            return None
        if kind == _KEY_DOWN and self._is_down:
            return None  # it repeats
        if kind == _KEY_DOWN and self._library.CGEventGetFlags(event) & _ALL_FLAGS == self._flags:
            self._is_down = True
            self._pressed()
            return None
        return event

    def end(self) -> None:
        if self._is_down:
            self._is_down = False
            self._released()


def _frontmost() -> Program | None:
    """NSWorkspace.sharedWorkspace.frontmostApplication, by the Objective-C runtime; Qt has loaded AppKit."""
    objc: Any = ctypes.CDLL("/usr/lib/libobjc.dylib")
    objc.objc_getClass.restype = objc.sel_registerName.restype = ctypes.c_void_p

    def send(receiver: Any, message: bytes, result: Any = ctypes.c_void_p) -> Any:
        call = ctypes.CFUNCTYPE(result, ctypes.c_void_p, ctypes.c_void_p)(("objc_msgSend", objc))
        return call(receiver, objc.sel_registerName(message))

    workspace = send(objc.objc_getClass(b"NSWorkspace"), b"sharedWorkspace")
    application = send(workspace, b"frontmostApplication")
    if not application:
        return None
    names = [send(application, message) for message in (b"bundleIdentifier", b"localizedName")]
    texts = [send(name, b"UTF8String", ctypes.c_char_p) for name in names if name]
    number = int(send(application, b"processIdentifier", ctypes.c_int32))
    return Program(tuple(text.decode().lower() for text in texts if text), number)
