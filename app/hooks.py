"""Whatever goes wrong where nobody catches it goes into the log, and what a person should know to the window."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger(__name__)
_qt_log = logging.getLogger("qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def install_hooks(tell: Callable[[str], object]) -> None:
    """Catch exceptions that nobody caught, on any thread, and what Qt has to say.

    Args:
        tell: is given an exception in one line, on the thread where it happened.
    """

    def unexpected(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is None:
            error = kind()
        _log.critical("unexpected error", exc_info=(kind, error, traceback))
        tell(f"{kind.__name__}: {error}")

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            unexpected(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def unraisable(arguments: sys.UnraisableHookArgs) -> None:
        """Of a destructor, for instance: nothing a person could do anything about."""
        error = arguments.exc_value or arguments.exc_type()
        message = arguments.err_msg or "an exception was ignored"
        _log.error("%s in %r", message, arguments.object, exc_info=(arguments.exc_type, error, arguments.exc_traceback))

    sys.excepthook = unexpected
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
    qInstallMessageHandler(take_qt_message)


def take_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Into the log, under the category's name; what ends the program also where somebody may see it."""
    if kind is QtMsgType.QtFatalMsg and sys.stderr is not None:
        print(message, file=sys.stderr)
    category = getattr(context, "category", None)
    logger = logging.getLogger(f"qt.{category}") if category and category != "default" else _qt_log
    logger.log(_LEVELS.get(kind, logging.WARNING), "%s", message)
