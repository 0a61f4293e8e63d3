"""How a command of the command line ends: exit codes, and Ctrl-C at any moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

from gpu.cancel import CancelToken

T = TypeVar("T")

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SIGNAL = 128  # plus the signal's number, as shells count
SIGPIPE = 13

_STDERR = 2
_POLL_S = 0.1  # how often the main thread looks up for signals; Windows does not wake it


def on_a_thread(work: Iterator[T]) -> Generator[T, None, None]:
    """The same items, made on a thread of their own: a signal reaches the main thread whatever the engine does."""
    queue: SimpleQueue[T | None] = SimpleQueue()

    def pump() -> None:
        try:
            for item in work:
                queue.put(item)
        finally:
            queue.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="engine") as pool:
        pumped = pool.submit(pump)
        while True:
            try:
                item = queue.get(timeout=_POLL_S)
            except Empty:
                continue
            if item is None:
                break
            yield item
        pumped.result()


@contextmanager
def cancelling_on_signals(cancel: CancelToken) -> Iterator[list[int]]:
    """While the block runs, the first Ctrl-C cancels and a second one ends the program at once. Yields what came."""
    received: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            os._exit(EXIT_SIGNAL + number)
        cancel.cancel()
        with suppress(OSError):  # written past Python's buffer, which may be in use
            os.write(_STDERR, b"\nstopping; Ctrl-C again ends at once\n")

    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, on_signal) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
