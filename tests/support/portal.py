"""A desktop's portal on a bus of the tests' own: it keeps what it is asked for, and presses the hotkey when told to."""

import threading
from contextlib import suppress
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

PATH = "/org/freedesktop/portal/desktop"
NAME = "org.freedesktop.portal"


class PortalServer(threading.Thread):
    """
    Attributes:
        refuses: methods that the user does not allow.
        unknown: methods that this portal lacks.
        calls: of methods, with their bodies.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._connection = open_dbus_connection()
        self._connection.send_and_get_reply(message_bus.RequestName(f"{NAME}.Desktop"))
        self._session = ""
        self.refuses: set[str] = set()
        self.unknown: set[str] = set()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.is_bound = threading.Event()

    def run(self) -> None:
        with suppress(OSError, EOFError, TimeoutError):
            while True:
                message = self._connection.receive()
                if message.header.message_type is MessageType.method_call:
                    self._answer(message)

    def stop(self) -> None:
        self._connection.sock.shutdown(2)
        self.join()
        self._connection.close()

    def signal(self, member: str, shortcut: str = "dictate") -> None:
        address = DBusAddress(PATH, interface=f"{NAME}.GlobalShortcuts")
        self._connection.send(new_signal(address, member, "osta{sv}", (self._session, shortcut, 0, {})))

    def body(self, method: str) -> tuple[Any, ...]:
        return next(body for name, body in self.calls if name == method)

    def _answer(self, message: Any) -> None:
        fields = message.header.fields
        method, sender = fields[HeaderFields.member], fields[HeaderFields.sender]
        if method in self.unknown:
            error = "org.freedesktop.DBus.Error.UnknownMethod"
            self._connection.send(new_error(message, error, "s", (f"No such method {method}",)))
            return
        self.calls.append((method, message.body))
        options = message.body[-1] if message.body and isinstance(message.body[-1], dict) else {}
        if "handle_token" not in options:
            self._connection.send(new_method_return(message))
            return
        request = f"{PATH}/request/{sender[1:].replace('.', '_')}/{options['handle_token'][1]}"
        self._connection.send(new_method_return(message, "o", (request,)))
        results: dict[str, Any] = {}
        if method == "CreateSession":
            self._session = f"{PATH}/session/{options['session_handle_token'][1]}"
            results = {"session_handle": ("s", self._session)}
        elif method == "BindShortcuts":
            results = {
                "shortcuts": (
                    "a(sa{sv})",
                    [(name, {"trigger_description": ("s", "F9")}) for name, _ in message.body[1]],
                )
            }
        elif method == "Start":
            results = {"devices": ("u", 1), "restore_token": ("s", "kept")}
        address = DBusAddress(request, interface=f"{NAME}.Request")
        self._connection.send(new_signal(address, "Response", "ua{sv}", (int(method in self.refuses), results)))
        if method in ("BindShortcuts", "Start"):
            self.is_bound.set()
