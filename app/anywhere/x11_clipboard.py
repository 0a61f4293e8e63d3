"""What other programs have put on the clipboard of X11, read on any thread: who does not answer holds it up.

https://x.org/releases/current/doc/xorg-docs/icccm/icccm.html#Peer_to_Peer_Communication_by_Means_of_Selections
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Callable
from typing import Any

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.xobject.drawable import Window

from app.anywhere.errors import ClipboardError
from app.anywhere.interfaces import Selection
from app.anywhere.x11_keyboard import open_display
from gpu.types import Words

TIMEOUT_S = 2.0  # without an answer
MOST_BYTES = 256 << 20
_CHUNK = 1 << 20  # bytes
# Text under older names; the first is what the others are made from.
_TEXT = ("UTF8_STRING", "text/plain;charset=utf-8", "STRING")
_EMPTY: dict[str, bytes] = {}


class X11ClipboardReader:
    def __init__(self) -> None:
        self._late: Display | None = None

    def read(self, selection: Selection) -> dict[str, bytes]:
        """Everything under its MIME type; text (UTF-8) as text/plain. One thread at a time."""
        if self._late is not None:
            self._late.close()
            self._late = None
        display = open_display()
        try:
            found = _Reading(display).read(selection.upper())
        except ClipboardError:
            self._late = display  # some programs end when whom they answer late is gone
            raise
        display.close()
        return found


class _Reading:
    def __init__(self, display: Display) -> None:
        self._display = display
        screen = display.screen()
        self._window: Window = screen.root.create_window(0, 0, 1, 1, 0, screen.root_depth)
        self._window.change_attributes(event_mask=X.PropertyChangeMask)
        self._property = display.intern_atom("WHISPERDESKTOP_CLIPBOARD")
        self._incr = display.intern_atom("INCR")
        self._room = MOST_BYTES

    def read(self, name: str) -> dict[str, bytes]:
        selection = self._display.intern_atom(name)
        if self._display.get_selection_owner(selection) == X.NONE:
            return _EMPTY
        targets = self._fetch(selection, "TARGETS")
        if targets is None:
            return _EMPTY
        atoms = struct.unpack(f"={len(targets) // 4}I", targets)
        names = [self._display.get_atom_name(atom) for atom in atoms if atom]
        found: dict[str, bytes] = {}
        for target in names:
            if "/" in target and not target.startswith("text/plain"):
                data = self._fetch(selection, target)
                if data is not None:
                    found[target] = data
        text = next((target for target in (*_TEXT, "text/plain") if target in names), None)
        data = self._fetch(selection, text) if text is not None else None
        if data is not None:
            found["text/plain"] = data.decode("latin-1").encode() if text == "STRING" else data
        return found

    def _fetch(self, selection: int, target: str) -> bytes | None:
        """None where the owner does not give it after all."""
        window, wanted = self._window, self._property
        window.delete_property(wanted)
        window.convert_selection(selection, self._display.intern_atom(target), wanted, X.CurrentTime)
        event = self._wait(lambda e: e.type == X.SelectionNotify)
        if event.property == X.NONE:
            return None
        kind, data = self._take_property()
        if kind != self._incr:
            return data
        parts = [b""]
        while True:
            self._wait(lambda e: e.type == X.PropertyNotify and e.atom == wanted and e.state == X.PropertyNewValue)
            _, data = self._take_property()
            if not data:
                return b"".join(parts)
            parts.append(data)

    def _take_property(self) -> tuple[int, bytes]:
        """Its type and bytes; it is deleted, which asks for the next part where there is one."""
        parts, offset, kind = [], 0, X.NONE
        while True:
            got = self._window.get_property(self._property, X.AnyPropertyType, offset, _CHUNK // 4)
            if got is None:
                break
            kind = got.property_type
            raw = got.value if isinstance(got.value, bytes) else _packed(got.format, got.value)
            parts.append(raw)
            self._room -= len(raw)
            if self._room < 0:
                words = Words("There is more on the clipboard than can be kept: over {n} MB.", n=MOST_BYTES >> 20)
                raise ClipboardError(words, remedy=Words("The text is typed instead."))
            offset += len(raw) // 4
            if not got.bytes_after:
                break
        self._window.delete_property(self._property)
        self._display.flush()
        return kind, b"".join(parts)

    def _wait(self, is_it: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + TIMEOUT_S
        while True:
            while self._display.pending_events():
                event = self._display.next_event()
                if is_it(event):
                    return event
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._display], [], [], left)[0]:
                words = Words("The program that filled the clipboard does not answer.")
                raise ClipboardError(words, remedy=Words("The text is typed instead."))


def _packed(width: int, values: Any) -> bytes:
    """Numbers of 16 or 32 bits as the server has them."""
    if width == Xatom.STRING or width == 8:
        return bytes(values)
    return struct.pack(f"={len(values)}{'H' if width == 16 else 'I'}", *values)
