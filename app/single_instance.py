"""One window a user: a second start hands its files to the first and ends.

Two would work on the same list of recordings. A lock says who is first, which the system takes back when that one dies;
a local socket, which nobody else on the machine may open, carries the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.paths import APP_ID

ANSWER_MS = 5000  # the first may just be starting
_OK = b"ok\n"
_TOGGLE = {"command": "toggle-dictation"}


class SingleInstance(QObject):
    """The first start, once `claim` has said so.

    Args:
        folder: what the starts share, and only one may use.

    Signals:
        paths_received: of a second start; absolute, a list; empty when the window is only to come to the front.
        toggle_received: dictation is to begin or to end.
    """

    paths_received = Signal(list)
    toggle_received = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._name = f"{APP_ID}-{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]}"
        self._lock = QLockFile(str(folder / "window.lock"))
        self._lock.setStaleLockTime(0)  # however long it has been open: stale is what a dead process holds
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)

    def claim(self) -> bool:
        """Whether this is the first, which listens from now on. Raises `OSError` where the folder cannot be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._lock.tryLock(0):
            if self._lock.error() is QLockFile.LockError.LockFailedError:
                return False
            raise PermissionError(f"{self._folder} cannot be written")
        QLocalServer.removeServer(self._name)  # what a dead process left
        if not self._server.listen(self._name):
            raise OSError(self._server.errorString())
        return True

    def hand_over(self, paths: Sequence[Path]) -> bool:
        """Give files to the first, which comes to the front; whether it has them."""
        return self._send([os.fsencode(path.absolute()).hex() for path in paths])

    def toggle_dictation(self) -> bool:
        """Tell the first to begin or end dictation; whether it has heard."""
        return self._send(_TOGGLE)

    def _send(self, message: object) -> bool:
        end = time.monotonic() + ANSWER_MS / 1000
        while time.monotonic() < end:
            socket = QLocalSocket()
            socket.connectToServer(self._name)
            if socket.waitForConnected(ANSWER_MS):
                socket.write(json.dumps(message).encode() + b"\n")
                while not socket.canReadLine() and socket.waitForReadyRead(ANSWER_MS):
                    pass
                return bytes(socket.readLine().data()) == _OK
            time.sleep(0.05)  # it holds the lock and does not listen yet
        return False

    def release(self) -> None:
        self._server.close()
        self._lock.unlock()

    def _accept(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(socket.deleteLater)
            if socket.canReadLine():
                self._take(socket)

    def _read(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket) and socket.canReadLine():
            self._take(socket)

    def _take(self, socket: QLocalSocket) -> None:
        try:
            message = json.loads(bytes(socket.readLine().data()))
            names = [] if message == _TOGGLE else message
            paths = [Path(os.fsdecode(bytes.fromhex(name))) for name in names]
        except (TypeError, ValueError):
            socket.abort()
            return
        socket.write(_OK)
        socket.flush()
        if message == _TOGGLE:
            self.toggle_received.emit()
        else:
            self.paths_received.emit(paths)
