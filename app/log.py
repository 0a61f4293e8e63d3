"""The program's log: what it did and what went wrong, with traceback. Nothing is ever sent anywhere."""

from __future__ import annotations

import faulthandler
import logging
from collections import deque
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal, get_args

from app.paths import log_file

LogLevel = Literal["debug", "info", "warning", "error"]
LOG_LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)

_OURS = ("app", "gpu")  # of packages only warnings are of interest
_MAX_BYTES = 1_000_000
_N_BACKUPS = 2
_N_REMEMBERED = 500
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


class _Memory(logging.Handler):
    """The latest lines, for where there is no file."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_N_REMEMBERED)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


_memory = _Memory()


def start_logging() -> None:
    """Write to `log_file()`, or to standard error where that cannot be written. A native crash is told there."""
    path = log_file()
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=_MAX_BYTES, backupCount=_N_BACKUPS, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, format=_FORMAT, handlers=[handler, _memory])
    set_log_level("info")
    logging.captureWarnings(True)
    with suppress(AttributeError, OSError, ValueError):  # no standard error, or one that is no file
        faulthandler.enable()


def set_log_level(level: LogLevel) -> None:
    """What of our own lines is written; of other packages warnings are."""
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())


def remembered_lines() -> list[str]:
    """The latest lines of this run, whether or not they are in a file. One may hold a traceback."""
    return list(_memory.lines)


def last_lines(path: Path, n_bytes: int) -> list[str]:
    """The end of a log, in whole lines. Raises `OSError`."""
    with path.open("rb") as file:
        start = max(file.seek(0, 2) - n_bytes, 0)
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").splitlines()
    return lines[1:] if start else lines
