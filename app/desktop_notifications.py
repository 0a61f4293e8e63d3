"""Notifications of the desktop: by D-Bus where it has that service (Linux), elsewhere beside an icon in the tray.

What is sent over D-Bus has types that Python has not (`replaces_id` is unsigned), so that Qt must know the service's
own description of its methods: asked for on a thread of its own, as the service may have to be started first.
https://specifications.freedesktop.org/notification-spec/latest/
"""

from __future__ import annotations

import html
import logging
import sys
from functools import partial
from typing import Any

from PySide6.QtCore import Q_ARG, Q_RETURN_ARG, SLOT, QMetaObject, QObject, Qt, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusInterface
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon

from app.engine.background import Background
from app.paths import APP_ID, APP_NAME

SERVICE = INTERFACE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

_log = logging.getLogger(__name__)


class DesktopNotifications(QObject):
    """Shows one at a time: a new one takes the place of the last.

    Args:
        icon: of the tray.
        bus: where to look for the service; None where there is no such thing.

    Signals:
        clicked: the notification was.
        unavailable: nobody here shows any.
    """

    clicked = Signal()
    unavailable = Signal()

    def __init__(self, icon: QIcon, bus: QDBusConnection | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon, self._bus = icon, bus
        self._shown = 0  # the service's number of the last one
        self._tray: QSystemTrayIcon | None = None
        self._background = Background(self)
        if bus is not None and bus.isConnected():
            slot: Any = SLOT("on_action_invoked(uint,QString)")  # a str, whatever the stubs say
            bus.connect(SERVICE, PATH, INTERFACE, "ActionInvoked", self, slot)

    def show(self, title: str, text: str) -> None:
        """Returns at once."""
        bus = self._bus
        if bus is None or not bus.isConnected():
            self._show_in_tray(title, text)
            return
        work = partial(_notify, bus, self._shown, title, text)
        self._background.run(work, self._take_number, lambda _error: self._show_in_tray(title, text))

    @Slot("uint", str)
    def on_action_invoked(self, number: int, _action: str) -> None:
        if number == self._shown:
            self.clicked.emit()

    def _take_number(self, number: int) -> None:
        self._shown = number

    def _show_in_tray(self, title: str, text: str) -> None:
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            self.unavailable.emit()
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._icon, self)
            self._tray.setToolTip(APP_NAME)
            self._tray.messageClicked.connect(self.clicked)
            self._tray.activated.connect(self.clicked)
        self._tray.show()
        self._tray.showMessage(title, text, self._icon)

    def hide(self) -> None:
        """The icon in the tray goes when the user has come."""
        if self._tray is not None:
            self._tray.hide()


def session_bus() -> QDBusConnection | None:
    return QDBusConnection.sessionBus() if sys.platform.startswith("linux") else None


def _notify(bus: QDBusConnection, replaces: int, title: str, text: str) -> int:
    """The number of the notification. Raises `OSError` where there is no service."""
    service = QDBusInterface(SERVICE, PATH, INTERFACE, bus)
    if not service.isValid():
        _log.info("no notifications: %s", service.lastError().message())
        raise OSError(service.lastError().message())
    number: object = QMetaObject.invokeMethod(
        service,
        "Notify",
        Qt.ConnectionType.DirectConnection,
        Q_RETURN_ARG("uint"),
        Q_ARG("QString", APP_NAME),
        Q_ARG("uint", replaces),
        Q_ARG("QString", APP_ID),
        Q_ARG("QString", title),
        Q_ARG("QString", html.escape(text, quote=False)),  # the body may be marked up
        Q_ARG("QStringList", ["default", APP_NAME]),
        Q_ARG("QVariantMap", {"desktop-entry": APP_ID}),
        Q_ARG("int", -1),
    )
    assert isinstance(number, int)
    return number
