"""The program's log: what went wrong inside, with traceback, for a bug report. Nothing is ever sent anywhere."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from app.paths import log_file

_MAX_BYTES = 1_000_000
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


def start_logging() -> None:
    """Send warnings and errors to `log_file()`, or to standard error where that cannot be written."""
    path = log_file()
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        handler = logging.StreamHandler()
    logging.basicConfig(level=logging.WARNING, format=_FORMAT, handlers=[handler])
    logging.captureWarnings(True)
