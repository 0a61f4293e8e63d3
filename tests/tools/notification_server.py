"""The desktop's service of notifications on a bus of its own: prints what it is to show, one JSON list a line, and
says after each that it was clicked.
"""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import ClassInfo, QCoreApplication, QObject, QTimer, Signal, Slot
from PySide6.QtDBus import QDBusConnection


@ClassInfo({"D-Bus Interface": "org.freedesktop.Notifications"})
class Server(QObject):
    ActionInvoked = Signal("uint", str)

    def __init__(self) -> None:
        super().__init__()
        self._last = 0

    @Slot(str, "uint", str, str, str, "QStringList", "QVariantMap", int, result="uint")
    def Notify(self, *shown: object) -> int:  # noqa: N802
        self._last += 1
        print(json.dumps(shown), flush=True)
        QTimer.singleShot(50, lambda: self.ActionInvoked.emit(self._last, "default"))
        return self._last


def main() -> None:
    app = QCoreApplication(sys.argv)
    server = Server()
    bus = QDBusConnection.sessionBus()
    options = QDBusConnection.RegisterOption.ExportAllSlots | QDBusConnection.RegisterOption.ExportAllSignals
    if not bus.registerObject("/org/freedesktop/Notifications", server, options):
        sys.exit("no bus")
    if not bus.registerService("org.freedesktop.Notifications"):
        sys.exit("the name is taken")
    print("ready", flush=True)
    app.exec()


if __name__ == "__main__":
    main()
