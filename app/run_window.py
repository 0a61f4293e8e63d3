"""The window program from its start to its end."""

from __future__ import annotations

import gc
import logging
import platform
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import __version__
from app.application import Application
from app.crash import RunMarker
from app.ending import Ending
from app.garbage import GarbageCollector
from app.hooks import install_hooks, take_qt_message
from app.paths import APP_ID, APP_NAME, fault_file, recordings_file, resources_dir, run_marker, settings_file
from app.settings import Settings
from app.single_instance import SingleInstance

_log = logging.getLogger(__name__)


def run_window(paths: list[Path]) -> int:
    """Open the window, with files and folders to transcribe; returns the exit status when it is closed.

    Where it is open already, that one takes them.
    """
    qInstallMessageHandler(take_qt_message)
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
            qInstallMessageHandler(None)
            return _hand_over(instance, paths)
    except OSError as e:
        _log.warning("nobody can tell whether the window is open already: %s", e)
    _log.info("%s %s begins, Python %s, %s", APP_NAME, __version__, platform.python_version(), platform.platform())
    marker = RunMarker(run_marker(), fault_file())
    bad_end = marker.begin()
    application = Application(Settings(settings_file()))
    install_hooks(application.unexpected.emit)

    def finish() -> None:
        application.stop()
        marker.end()

    ending = Ending(qt, application.window, finish)
    instance.paths_received.connect(application.take_from_another_start)
    instance.toggle_received.connect(application.anywhere.toggle)
    application.start(paths, kept)
    if bad_end is not None:
        application.help.take_bad_end(bad_end)
    gc.freeze()  # what the program is made of stays: the collector need not hold up the window to see that
    GarbageCollector(qt)
    status = qt.exec()
    finish()
    ending.release()
    instance.release()
    qInstallMessageHandler(None)  # what comes after the interpreter's end cannot be taken
    _log.info("ended")
    return status


def toggle_dictation() -> int:
    """Let the program that is open begin or end dictation into the program in front; returns the exit status."""
    qt = QCoreApplication([APP_ID])
    instance = SingleInstance(recordings_file().parent)
    try:
        is_open = not instance.claim()
    except OSError:
        is_open = False
    if is_open and instance.toggle_dictation():
        return 0
    instance.release()
    del qt
    print(f"error: {APP_NAME} is not open, or does not answer. Start it first.", file=sys.stderr)
    return 1


def _hand_over(instance: SingleInstance, paths: list[Path]) -> int:
    if instance.hand_over(paths):
        print(f"{APP_NAME} is open already: it has the files." if paths else f"{APP_NAME} is open already.")
        return 0
    print(f"error: {APP_NAME} is open already, but does not answer. End it, and start it again.", file=sys.stderr)
    return 1
