"""The desktop's portal, through which programs on Wayland ask for what they may not take.

https://flatpak.github.io/xdg-desktop-portal/docs/
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from jeepney import DBusAddress, MatchRule, MessageType, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from app.anywhere.errors import AnywhereError
from app.paths import APP_ID
from gpu.types import Words

BUS_NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
_REGISTRY = DBusAddress(PATH, BUS_NAME, "org.freedesktop.host.portal.Registry")
_ANSWER_S = 5.0  # of what asks nobody
_tokens = itertools.count()

# What Qt calls keys, as xkbcommon does; letters and figures are their own names.
_NAMES = {
    "Space": "space", "Ins": "Insert", "Del": "Delete", "Esc": "Escape", "PgUp": "Prior", "PgDown": "Next",
    "Backspace": "BackSpace", "ScrollLock": "Scroll_Lock", "+": "plus", "-": "minus", ",": "comma", ".": "period",
    "/": "slash", ";": "semicolon", "'": "apostrophe", "[": "bracketleft", "]": "bracketright", "\\": "backslash",
    "`": "grave", "=": "equal",
}  # fmt: skip


class PortalError(AnywhereError):
    """The portal is not there, or does not do it."""


class Portal:
    """A connection of its own. Used by one thread; `stop` is for others."""

    def __init__(self) -> None:
        """Raises `PortalError`."""
        try:
            self._connection: DBusConnection = open_dbus_connection()
        except (OSError, KeyError, ValueError) as e:
            raise _missing(str(e)) from e
        register = new_method_call(_REGISTRY, "Register", "sa{sv}", (APP_ID, {}))
        with suppress(TimeoutError):  # older portals tell programs by other means
            self._connection.send_and_get_reply(register, timeout=_ANSWER_S)

    def stop(self) -> None:
        """Whatever waits ends with an `OSError`."""
        with suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()

    def call(self, interface: str, method: str, signature: str, *body: Any) -> tuple[Any, ...]:
        """Raises `PortalError` where it refuses, `OSError` where it is gone."""
        address = DBusAddress(PATH, BUS_NAME, interface)
        reply = self._connection.send_and_get_reply(
            new_method_call(address, method, signature, body), timeout=_ANSWER_S
        )
        if reply.header.message_type is MessageType.error:
            raise _missing(str(reply.body[0]) if reply.body else "")
        return tuple(reply.body)

    def request(
        self, interface: str, method: str, signature: str, *body: Any, options: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Something that the user may be asked about, however long that takes; the last argument is made of options.

        Raises:
            PortalError: it is refused.
            OSError: the portal is gone, or `stop` was called.
        """
        token = new_token()
        sender = self._connection.unique_name.removeprefix(":").replace(".", "_")
        path = f"{PATH}/request/{sender}/{token}"
        rule = MatchRule(type="signal", interface="org.freedesktop.portal.Request", member="Response", path=path)
        with self.listening(rule) as answers:
            chosen = {"handle_token": ("s", token), **(options or {})}
            self.call(interface, method, signature, *body, chosen)
            code, results = self._connection.recv_until_filtered(answers).body
        if code:
            words = Words("The desktop, or you, did not allow it.")
            raise PortalError(words, remedy=Words("Allow it when the desktop asks, or in its settings."))
        return {name: value for name, (_signature, value) in results.items()}

    @contextmanager
    def listening(self, rule: MatchRule) -> Any:
        """A queue of the messages that fit."""
        self._connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=_ANSWER_S)
        with self._connection.filter(rule, bufsize=None) as queue:
            yield queue

    def wait(self, queue: Any, take: Callable[[Any], None]) -> None:
        """Hand on what comes, until `stop`: then `OSError`."""
        while True:
            take(self._connection.recv_until_filtered(queue))


def new_token() -> str:
    return f"whisperdesktop_{os.getpid()}_{next(_tokens)}"


def xkb_name(key: str) -> str:
    return key.lower() if len(key) == 1 and key.isalnum() else _NAMES.get(key, key)


def _missing(reason: str) -> PortalError:
    words = Words("The desktop's portal does not answer: {reason}.", reason=reason or "D-Bus")
    return PortalError(
        words, remedy=Words("Give a shortcut of the desktop this command: whisperdesktop --toggle-dictation.")
    )
