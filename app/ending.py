"""The program ends properly also when it is told to by the system: signals, and the end of the user's session."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtGui import QGuiApplication, QSessionManager

from app.widgets.main_window import MainWindow

# Ctrl-C in the terminal, the end of it, and what service managers and `kill` send; Windows has some of them.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_log = logging.getLogger(__name__)


class Ending(QObject):
    """Closes the window, without a question: what is not done goes on at the next start.

    Qt's loop runs no Python handlers; a byte through a socket wakes it. The same signal once more ends the program
    at once.

    Args:
        finish: saves everything. Called when the session ends, as the process may be killed right after it.
    """

    def __init__(self, qt: QGuiApplication, window: MainWindow, finish: Callable[[], object]) -> None:
        super().__init__(qt)
        self._qt, self._window, self._finish = qt, window, finish
        self._session_ends = False
        self._ours, self._others = socket.socketpair()
        for end in (self._ours, self._others):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        signal.set_wakeup_fd(self._others.fileno(), warn_on_full_buffer=False)
        known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        heeded = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]  # `nohup`
        self._before = {number: signal.signal(number, lambda _number, _frame: None) for number in heeded}
        qt.commitDataRequest.connect(self._on_session_end)
        qt.aboutToQuit.connect(self._on_quit)

    def release(self) -> None:
        """Signals have the effect again that they had."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._ours.close()
        self._others.close()

    def _on_signal(self) -> None:
        received = self._ours.recv(64)
        for number in received:
            _log.info("told to end by %s", signal.Signals(number).name)
            signal.signal(number, signal.SIG_DFL)
        self._window.close_for_good()
        self._qt.quit()

    def _on_session_end(self, manager: QSessionManager) -> None:
        """The user logs out: what would be lost is asked about, if that is allowed."""
        if self._window.loss is not None and not self._window.recordings_are_kept and manager.allowsInteraction():
            manager.cancel()
            self._window.close()
            return
        _log.info("the session ends")
        self._window.finish_edits()
        self._session_ends = True

    def _on_quit(self) -> None:
        if self._session_ends:
            self._finish()
