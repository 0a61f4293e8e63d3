"""Keys for other programs on X11, by its extension XTEST."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.xobject.drawable import Window

from app.anywhere.combination import Combination
from app.anywhere.errors import KeyboardError
from app.anywhere.interfaces import Program
from gpu.types import Words

LEARN_S = 0.2  # until programs have learned what a key means now
KEY_S = 0.004  # between two keys

_NAMES = {
    "Space": "space",
    "Ins": "Insert",
    "Del": "Delete",
    "Esc": "Escape",
    "PgUp": "Prior",
    "PgDown": "Next",
    "Backspace": "BackSpace",
    "ScrollLock": "Scroll_Lock",
    "CapsLock": "Caps_Lock",
    "NumLock": "Num_Lock",
    "SysReq": "Sys_Req",
}
_MODIFIERS = {"Ctrl": "Control_L", "Shift": "Shift_L", "Alt": "Alt_L", "Meta": "Super_L"}
_LOCKS = frozenset({XK.XK_Caps_Lock, XK.XK_Num_Lock, XK.XK_Scroll_Lock})
_CONTROLS = {"\n": XK.XK_Return, "\t": XK.XK_Tab, "\b": XK.XK_BackSpace}


def keysym_of(key: str) -> int:
    """Of a key as Qt names it; 0 where X11 has none."""
    if len(key) == 1:
        return _character(key.lower())
    return XK.string_to_keysym(_NAMES.get(key, key))


def open_display() -> Display:
    """Raises `KeyboardError`."""
    try:
        return Display()
    except (DisplayError, ConnectionClosedError, OSError) as e:
        words = Words("The X server cannot be reached: {reason}.", reason=str(e) or type(e).__name__)
        raise KeyboardError(words, remedy=Words("Start the program in a session of X11.")) from e


class X11Keyboard:
    """One connection, which one thread uses at a time."""

    pastes = True

    def __init__(self) -> None:
        self._display = open_display()
        self._lock = threading.Lock()
        if not self._display.has_extension("XTEST"):
            raise KeyboardError(
                Words("The X server lacks the extension XTEST."),
                remedy=Words("Choose “Clipboard only” in the settings of dictation, and paste by yourself."),
            )

    def close(self) -> None:
        self._display.close()

    def focused(self) -> Program | None:
        with self._asking():
            window = self._display.get_input_focus().focus
            while isinstance(window, Window):
                names = window.get_wm_class()
                if names:
                    return Program(tuple(dict.fromkeys(name.lower() for name in names)), window.id)
                tree = window.query_tree()
                if tree.parent == tree.root or not tree.parent:
                    return Program((), window.id)
                window = tree.parent
            return None

    def is_key_held(self) -> bool:
        with self._asking() as display:
            held = display.query_keymap()
            return any(
                byte >> bit & 1 and display.keycode_to_keysym(8 * place + bit, 0) not in _LOCKS
                for place, byte in enumerate(held)
                if byte
                for bit in range(8)
            )

    def press(self, keys: Combination) -> None:
        with self._asking():
            code = self._display.keysym_to_keycode(keysym_of(keys.key))
            if not code:
                raise KeyboardError(
                    Words("This keyboard has no key {key}.", key=keys.key),
                    remedy=Words("Choose other keys for pasting in the settings of dictation: Shift+Ins, for example."),
                )
            modifiers = [
                self._display.keysym_to_keycode(XK.string_to_keysym(_MODIFIERS[name])) for name in keys.modifiers
            ]
            self._strike(code, modifiers)

    def erase(self, n_characters: int) -> None:
        with self._asking():
            code = self._display.keysym_to_keycode(XK.XK_BackSpace)
            for _ in range(n_characters):
                self._strike(code)
                time.sleep(KEY_S)

    def type(self, text: str) -> None:
        """Characters that no key has are given to keys that have none, some at a time."""
        with self._asking():
            known = self._known_characters()
            spare = self._spare_keys()
            for part in _parts(text, known, len(spare)):
                missing = sorted({char for char in part if char not in known})
                lent = dict(zip(missing, spare, strict=False))
                self._type_part(part, known, lent)

    # ------------------------------------------------------------- inside

    @contextmanager
    def _asking(self) -> Iterator[Display]:
        with self._lock:
            try:
                while self._display.pending_events():  # a layout that has changed
                    event = self._display.next_event()
                    if event.type == X.MappingNotify:
                        self._display.refresh_keyboard_mapping(event)
                yield self._display
            except (XError, ConnectionClosedError, OSError) as e:
                words = Words("The X server cannot be reached: {reason}.", reason=type(e).__name__)
                raise KeyboardError(words, remedy=Words("Start the program again.")) from e

    def _strike(self, code: int, modifiers: Sequence[int] = ()) -> None:
        display = self._display
        for modifier in modifiers:
            display.xtest_fake_input(X.KeyPress, modifier)
        display.xtest_fake_input(X.KeyPress, code)
        display.xtest_fake_input(X.KeyRelease, code)
        for modifier in reversed(modifiers):
            display.xtest_fake_input(X.KeyRelease, modifier)
        display.sync()

    def _type_part(self, part: str, known: dict[str, tuple[int, bool]], lent: dict[str, int]) -> None:
        shift = self._display.keysym_to_keycode(XK.XK_Shift_L)
        self._lend(lent)
        try:
            for char in part:
                code, shifted = known[char] if char in known else (lent[char], False)
                self._strike(code, [shift] if shifted else [])
                time.sleep(KEY_S)
            if lent:
                time.sleep(LEARN_S)  # the last of them are still to be read
        finally:
            self._lend(lent, back=True)

    def _lend(self, keys: dict[str, int], *, back: bool = False) -> None:
        for char, code in keys.items():
            self._display.change_keyboard_mapping(code, [[0 if back else _character(char)] * 2])
        self._display.sync()
        if keys and not back:
            time.sleep(LEARN_S)

    def _known_characters(self) -> dict[str, tuple[int, bool]]:
        """Key and Shift of each, in the layout in force; none where that is not the first."""
        display = self._display
        known = {char: (display.keysym_to_keycode(keysym), False) for char, keysym in _CONTROLS.items()}
        known["\r"] = known["\n"]
        state = display.screen().root.query_pointer().mask
        if state >> 13 & 3 or state & X.LockMask:  # XKB's group
            return known
        for code, keysyms in self._keysyms():
            for level in (1, 0):
                char = _of_keysym(keysyms[level]) if level < len(keysyms) else ""
                if char:
                    known[char] = (code, level == 1)
        return known

    def _keysyms(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Of every key by its code."""
        info = self._display.display.info
        mapping = self._display.get_keyboard_mapping(info.min_keycode, info.max_keycode - info.min_keycode + 1)
        return enumerate(mapping, info.min_keycode)

    def _spare_keys(self) -> list[int]:
        spare = [code for code, keysyms in self._keysyms() if not any(keysyms)]
        if not spare:
            raise KeyboardError(
                Words("Every key of this keyboard has a meaning: none is free for other characters."),
                remedy=Words("Let the text be pasted instead, in the settings of dictation."),
            )
        return spare


def _parts(text: str, known: dict[str, tuple[int, bool]], n_spare: int) -> Iterator[str]:
    """The text in parts that need no more characters than there are spare keys."""
    part, missing = "", set[str]()
    for char in text:
        if char not in known and len(missing | {char}) > n_spare:
            yield part
            part, missing = "", set()
        if char not in known:
            missing.add(char)
        part += char
    if part:
        yield part


def _character(char: str) -> int:
    code = ord(char)
    return code if 0x20 <= code < 0x7F or 0xA0 <= code < 0x100 else 0x01000000 | code


def _of_keysym(keysym: int) -> str:
    """Only what is the same in every program: no dead keys, no other character sets."""
    return chr(keysym) if 0x20 <= keysym < 0x7F or 0xA0 <= keysym < 0x100 else ""
