"""A hotkey on Wayland: the desktop asks the user, and may give other keys than those that were asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from jeepney import MatchRule

from app.anywhere.combination import Combination
from app.anywhere.errors import HotkeyError
from app.anywhere.portal import PATH, Portal, PortalError, new_token, xkb_name
from gpu.types import Words

INTERFACE = "org.freedesktop.portal.GlobalShortcuts"
SHORTCUT = "dictate"
_MODIFIERS = {"Ctrl": "CTRL", "Shift": "SHIFT", "Alt": "ALT", "Meta": "LOGO"}

_log = logging.getLogger(__name__)


class PortalHotkey:
    """Returns at once; what the portal says comes later."""

    def __init__(self) -> None:
        self._wait: _Wait | None = None

    def hold(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        self.let_go()
        self._wait = _Wait(keys, pressed, released, lost)
        self._wait.start()

    def let_go(self) -> None:
        if self._wait is not None:
            self._wait.stop()
            self._wait = None


class _Wait(threading.Thread):
    def __init__(
        self,
        keys: Combination,
        pressed: Callable[[], None],
        released: Callable[[], None],
        lost: Callable[[HotkeyError], None],
    ) -> None:
        super().__init__(name="hotkey", daemon=True)
        self._keys, self._pressed, self._released, self._lost = keys, pressed, released, lost
        self._lock = threading.Lock()
        self._portal: Portal | None = None
        self._stopped = self._is_down = False

    def stop(self) -> None:
        """Nothing is called any more once this has returned."""
        with self._lock:
            self._stopped = True
            if self._portal is not None:
                self._portal.stop()
        self.join()

    def run(self) -> None:
        try:
            portal = Portal()
            with self._lock:
                self._portal = portal
                if self._stopped:
                    portal.stop()
            try:
                self._serve(portal)
            finally:
                portal.close()
        except PortalError as e:
            self._tell(HotkeyError(e.message, remedy=e.remedy))
        except (OSError, EOFError) as e:
            _log.info("the portal ends: %s", e)
            words = Words("The desktop's portal is gone, and the hotkey with it.")
            self._tell(HotkeyError(words, remedy=Words("Start the program again.")))
        finally:
            if self._is_down:
                self._released()

    def _tell(self, error: HotkeyError) -> None:
        if not self._stopped:
            self._lost(error)

    def _serve(self, portal: Portal) -> None:
        made = portal.request(INTERFACE, "CreateSession", "a{sv}", options={"session_handle_token": ("s", new_token())})
        session = made["session_handle"]
        trigger = "+".join(
            [*(_MODIFIERS[name] for name in _MODIFIERS if name in self._keys.modifiers), xkb_name(self._keys.key)]
        )
        described = {"description": ("s", "Dictate"), "preferred_trigger": ("s", trigger)}
        with portal.listening(MatchRule(type="signal", interface=INTERFACE, path=PATH)) as signals:
            bound = portal.request(INTERFACE, "BindShortcuts", "oa(sa{sv})sa{sv}", session, [(SHORTCUT, described)], "")
            _log.info("the desktop gave the hotkey %s", [about for _name, about in bound.get("shortcuts", [])])
            portal.wait(signals, self._take)

    def _take(self, message: Any) -> None:
        member = message.header.fields[3]  # jeepney.HeaderFields.member
        if message.body[1] != SHORTCUT:
            return
        if member == "Activated" and not self._is_down:
            self._is_down = True
            self._pressed()
        elif member == "Deactivated" and self._is_down:
            self._is_down = False
            self._released()
