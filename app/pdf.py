"""A transcript as PDF, by Qt: it finds the system's fonts of every script, orders what is written from right to left,
and puts the fonts into the file. The one format that needs Qt: `pdf_pages` is imported when it can be used."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.document.subtitles import PLAIN, Layout
from app.document.transcript import Transcript
from gpu.errors import OutputFileError
from gpu.types import Words

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication

_application: QGuiApplication | None = None  # Qt allows one; it must outlive all that is drawn


def to_pdf(transcript: Transcript, layout: Layout = PLAIN) -> bytes:
    """May be called on any thread once `check` was.

    Raises:
        OutputFileError: Qt cannot be used here, or no font has the letters of the text.
    """
    check()
    from app.pdf_pages import draw

    return draw(transcript)


def check() -> None:
    """Make sure that Qt can be used; called first on the main thread where there is no window.

    Raises:
        OutputFileError: why not.
    """
    global _application
    try:
        from PySide6.QtGui import QGuiApplication
    except ImportError as e:
        raise _no_qt(str(e)) from e
    if QGuiApplication.instance() is not None:
        return
    if sys.platform.startswith("linux"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # there may be no display
        _load_platform()
    _application = QGuiApplication(sys.argv[:1])


def _load_platform() -> None:
    """Qt ends the program when its platform cannot be loaded: try it first."""
    from PySide6.QtCore import QLibraryInfo

    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    try:
        ctypes.CDLL(str(plugins / "platforms" / "libqoffscreen.so"))
    except OSError as e:
        raise _no_qt(str(e)) from e


def _no_qt(cause: str) -> OutputFileError:
    return OutputFileError(
        Words("A library for PDF files is missing: {cause}.", cause=cause.rstrip(".")),
        remedy=Words("Install the system libraries that the window needs too, or choose another format."),
    )
