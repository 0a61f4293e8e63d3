"""A text file that dictations are appended to, each below its date. Qt-free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue


class DictationFile:
    """Written by a thread of its own, word by word: what is there already stays as it is.

    Args:
        path: made where it is not there yet. began: when the dictation did.
        failed: is told once, on that thread, why it cannot be written.
    """

    def __init__(self, path: Path, began: datetime, failed: Callable[[OSError], object]) -> None:
        self._path, self._began, self._failed = path, began, failed
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="dictation file", daemon=False)
        self._thread.start()

    def add(self, text: str) -> None:
        """Returns at once."""
        self._texts.put(text)

    def close(self) -> None:
        """Nothing more comes; returns at once."""
        self._texts.put(None)

    def wait(self) -> None:
        """For everything to be written."""
        self._thread.join()

    def _write(self) -> None:
        text = self._texts.get()
        if text is None:  # nothing was said: nothing is written
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                before = "\n\n" if file.tell() else ""
                file.write(f"{before}{self._began:%Y-%m-%d %H:%M}\n\n{text.lstrip()}")
                while text is not None:
                    file.flush()
                    text = self._texts.get()
                    file.write(text or "\n")
        except OSError as e:
            self._failed(e)
