"""Long work that is no transcription: one generator at a time, pumped on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.engine.thread import Mailbox
from gpu.cancel import CancelToken


@dataclass(frozen=True)
class WorkEnded:
    """The last message of every work. `error`: what it raised; None if it came to its end."""

    error: Exception | None


class Worker(QObject):
    """Does one work after another; the next may be started once `WorkEnded` has come.

    Signals:
        message: what the work yields, in order, and then `WorkEnded`; on the thread this object belongs to.
        delivered: a batch of messages is through: the time to repaint.
    """

    message = Signal(object)
    delivered = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._token = CancelToken()
        self._thread: threading.Thread | None = None
        self._mailbox = Mailbox(self)
        self._mailbox.message.connect(self.message)
        self._mailbox.delivered.connect(self.delivered)

    def start(self, work: Callable[[CancelToken], Iterator[object]]) -> None:
        """Begin; returns at once."""
        self._token = CancelToken()
        self._thread = threading.Thread(target=self._pump, args=(work, self._token), name=self._name)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop; `WorkEnded` follows. Returns at once."""
        self._token.cancel()

    def stop(self) -> None:
        """Cancel and wait for the end of the work: until its token is looked at the next time."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()

    def _pump(self, work: Callable[[CancelToken], Iterator[object]], token: CancelToken) -> None:
        error: Exception | None = None
        try:
            for message in work(token):
                self._mailbox.put(message)
        except Exception as e:  # noqa: BLE001 - nobody above this thread could show it
            error = e
        self._mailbox.put(WorkEnded(error))
