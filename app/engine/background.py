"""Short work that may wait for a disk, kept off the window's thread and apart from the engine's."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from gpu.errors import Cancelled, ExplainedError

T = TypeVar("T")

_EXPECTED = (OSError, ExplainedError, Cancelled)  # the user is told, or wanted it

_log = logging.getLogger(__name__)


class Background(QObject):
    """Runs each piece of work on a thread of its own and brings the outcome back to this object's thread."""

    _outcome = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._outcome.connect(self._take)

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        *,
        must_finish: bool = False,
    ) -> None:
        """Do `work`, then call `done` with its result, or `failed` with what it raised.

        Args:
            must_finish: the program does not end before the work has (writing a file; not looking through a folder).
        """
        thread = threading.Thread(target=self._do, args=(work, done, failed), name="background", daemon=not must_finish)
        thread.start()

    def _do(self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        try:
            result = work()
        except Exception as e:  # noqa: BLE001 - nobody above this thread could show it
            if not isinstance(e, _EXPECTED):
                _log.error("unexpected error in the background", exc_info=e)
            outcome = partial(failed, e)
        else:
            outcome = partial(done, result)
        with suppress(RuntimeError):  # the window, and this object with it, may be gone when the work ends
            self._outcome.emit(outcome)

    def _take(self, outcome: Callable[[], None]) -> None:
        outcome()
