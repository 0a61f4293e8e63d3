"""A hotkey on X11: a passive grab, which no other program can have at the same time."""

from __future__ import annotations

import itertools
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadAccess, CatchError, ConnectionClosedError

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError
from app.anywhere.x11_keyboard import keysym_of, open_display
from gpu.types import Words

_KEYSYMS = {"Alt": (XK.XK_Alt_L, XK.XK_Meta_L), "Meta": (XK.XK_Super_L,)}


class X11Hotkey:
    """One at a time. A thread with a connection of its own waits for it."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._wake = -1

    def hold(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        """Raises `HotkeyError`: another program has it, or the keyboard has not."""
        self.let_go()
        display = open_display()
        try:
            code = _grab(display, keys)
        except HotkeyError:
            display.close()
            raise
        end, self._wake = os.pipe()
        wait = _Wait(display, keys, code, _Calls(pressed, released, lost))
        self._thread = threading.Thread(target=wait.run, args=(end,), name="hotkey", daemon=True)
        self._thread.start()

    def let_go(self) -> None:
        if self._thread is not None:
            os.close(self._wake)
            self._thread.join()
            self._thread = None


class _Calls(NamedTuple):
    pressed: Callable[[], None]
    released: Callable[[], None]
    lost: Callable[[HotkeyError], None]


class _Wait:
    """The thread's part."""

    def __init__(self, display: Display, keys: Combination, code: int, calls: _Calls) -> None:
        self._display, self._keys, self._code, self._calls = display, keys, code, calls
        self._is_down = False
        self._coming: deque[Any] = deque()

    def run(self, end: int) -> None:
        display = self._display
        try:
            while True:
                while self._coming or display.pending_events():
                    self._take(self._coming.popleft() if self._coming else display.next_event())
                ready, _, _ = select.select([display.fileno(), end], [], [])
                if end in ready:
                    break
            display.close()
        except (ConnectionClosedError, OSError):
            words = Words("The X server is gone, and the hotkey with it.")
            self._calls.lost(HotkeyError(words, remedy=Words("Start the program again.")))
        finally:
            os.close(end)
            if self._is_down:
                self._calls.released()

    def _take(self, event: object) -> None:
        kind = getattr(event, "type", None)
        if kind == X.MappingNotify:
            self._display.refresh_keyboard_mapping(event)  # type: ignore[arg-type]
            self._follow_layout()
        elif kind == X.KeyPress and not self._is_down:
            self._is_down = True
            self._calls.pressed()
        elif kind == X.KeyRelease and self._is_down and not self._repeats(event):
            self._is_down = False
            self._calls.released()

    def _repeats(self, release: Any) -> bool:
        """A key that is held goes up and down at the same moment, again and again. Asked late, it may be up by now."""
        held = self._is_held()  # the answer comes behind all events so far
        while self._display.pending_events():
            self._coming.append(self._display.next_event())
        following = self._coming[0] if self._coming else None
        if following is not None and following.type == X.KeyPress:
            return bool(following.time == release.time)  # which is then the press of a key that is down already
        return held

    def _is_held(self) -> bool:
        return bool(self._display.query_keymap()[self._code // 8] >> self._code % 8 & 1)

    def _follow_layout(self) -> None:
        """The character may be on another key now."""
        if self._display.keysym_to_keycode(keysym_of(self._keys.key)) not in (0, self._code):
            self._display.screen().root.ungrab_key(X.AnyKey, X.AnyModifier)
            try:
                self._code = _grab(self._display, self._keys)
            except HotkeyError as e:
                self._calls.lost(e)


def _grab(display: Display, keys: Combination) -> int:
    """Its code."""
    keysym = keysym_of(keys.key)
    code = display.keysym_to_keycode(keysym) if keysym else 0
    if not code:
        words = Words("This keyboard has no key {key}.", key=keys.key)
        raise HotkeyError(words, remedy=Words("Choose another hotkey in the settings of dictation."))
    mask, locks = _masks(display, keys)
    root = display.screen().root
    failed = CatchError(BadAccess)
    for n_locks in range(len(locks) + 1):
        for chosen in itertools.combinations(locks, n_locks):
            modifiers = mask | sum(chosen)
            root.grab_key(code, modifiers, False, X.GrabModeAsync, X.GrabModeAsync, onerror=failed)
    display.sync()
    if failed.get_error():
        root.ungrab_key(code, X.AnyModifier)
        display.sync()
        words = Words("Another program has the hotkey {keys}.", keys=keys)
        raise HotkeyError(words, remedy=Words("Choose another hotkey, or give that program another one."))
    return code


def _masks(display: Display, keys: Combination) -> tuple[int, list[int]]:
    """Of the modifiers, and of the locks that may be on beside them."""
    mapping = display.get_modifier_mapping()

    def mask_of(*keysyms: int) -> int:
        codes = {display.keysym_to_keycode(keysym) for keysym in keysyms} - {0}
        return next((1 << place for place, held in enumerate(mapping) if codes & set(held)), 0)

    masks = {"Ctrl": X.ControlMask, "Shift": X.ShiftMask}
    masks |= {name: mask_of(*keysyms) for name, keysyms in _KEYSYMS.items()}
    for name in keys.modifiers:
        if not masks[name]:
            words = Words("This keyboard has no key {key}.", key=name)
            raise HotkeyError(words, remedy=Words("Choose another hotkey in the settings of dictation."))
    locks = {X.LockMask, mask_of(XK.XK_Num_Lock), mask_of(XK.XK_Scroll_Lock)} - {0}
    return sum(masks[name] for name in keys.modifiers), sorted(locks)
