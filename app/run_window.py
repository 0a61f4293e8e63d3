"""The window program from its start to its end."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import __version__
from app.application import Application
from app.garbage import GarbageCollector
from app.paths import APP_ID, APP_NAME, recordings_file, resources_dir, settings_file
from app.settings import Settings
from app.single_instance import SingleInstance

_log = logging.getLogger(__name__)


def run_window(paths: list[Path]) -> int:
    """Open the window, with files and folders to transcribe; returns the exit status when it is closed.

    Where it is open already, that one takes them.
    """
    qt = QApplication([APP_ID])
    qt.setApplicationName(APP_ID)
    qt.setApplicationDisplayName(APP_NAME)
    qt.setApplicationVersion(__version__)
    qt.setDesktopFileName(APP_ID)
    qt.setWindowIcon(QIcon(str(resources_dir() / "icons" / f"{APP_ID}.svg")))
    kept = recordings_file()
    instance = SingleInstance(kept.parent)
    try:
        if not instance.claim():
            return _hand_over(instance, paths)
    except OSError as e:
        _log.warning("nobody can tell whether the window is open already: %s", e)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the terminal: Qt's loop runs no Python handler
    application = Application(Settings(settings_file()))
    sys.excepthook = partial(_report_unexpected, application)
    instance.paths_received.connect(application.take_from_another_start)
    application.start(paths, kept)
    gc.freeze()  # what the program is made of stays: the collector need not hold up the window to see that
    GarbageCollector(qt)
    status = qt.exec()
    application.stop()
    instance.release()
    return status


def _hand_over(instance: SingleInstance, paths: list[Path]) -> int:
    if instance.hand_over(paths):
        print(f"{APP_NAME} is open already: it has the files." if paths else f"{APP_NAME} is open already.")
        return 0
    print(f"error: {APP_NAME} is open already, but does not answer. End it, and start it again.", file=sys.stderr)
    return 1


def _report_unexpected(
    application: Application, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """The last resort for what nobody caught: into the log, and in words into the window."""
    _log.critical("unexpected error", exc_info=(kind, error, traceback))
    application.unexpected.emit(f"{kind.__name__}: {error}")
