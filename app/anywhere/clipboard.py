"""The clipboard, borrowed: text of ours is on it for a moment, then what was there before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QMetaType, QMimeData
from PySide6.QtGui import QClipboard, QGuiApplication

from app.anywhere.interfaces import Selection

Contents = Mapping[str, bytes]

_MODES = {"clipboard": QClipboard.Mode.Clipboard, "primary": QClipboard.Mode.Selection}
# What managers of clipboards keep no history of: KDE's and those that follow it, Windows', macOS'.
_NO_HISTORY = {
    "x-kde-passwordManagerHint": b"secret",
    "ExcludeClipboardContentFromMonitorProcessing": b"1",
    "org.nspasteboard.TransientType": b"",
}


class _Text(QMimeData):
    """Knows when it was read last."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.read_at: float | None = None
        self.setText(text)
        for kind, data in _NO_HISTORY.items():
            self.setData(kind, data)

    def retrieveData(self, mimetype: str, preferred: QMetaType | QMetaType.Type) -> Any:  # noqa: N802
        if mimetype.startswith("text/plain"):
            self.read_at = time.monotonic()
        return super().retrieveData(mimetype, preferred)


class BorrowedClipboard:
    """One selection. All of it on the window's thread."""

    def __init__(self, selection: Selection) -> None:
        self._mode = _MODES[selection]
        self._before: Contents | None = None
        self._text: _Text | None = None

    @property
    def _clipboard(self) -> QClipboard:
        return QGuiApplication.clipboard()

    @property
    def is_known(self) -> bool:
        """What is there need not be read: it is what we have put back."""
        return self._before is not None and self._owns()

    @property
    def has_text(self) -> bool:
        """Ours is still there."""
        return self._text is not None and self._owns()

    @property
    def read_at(self) -> float | None:
        """By `time.monotonic`, when the text was asked for last."""
        return self._text.read_at if self._text is not None else None

    def take(self, contents: Contents) -> None:
        """What is there, to be put back."""
        self._before = contents

    def put(self, text: str) -> None:
        self._text = _Text(text)
        self._clipboard.setMimeData(self._text, self._mode)

    def give_back(self) -> None:
        """Nothing is done where somebody else has put something there meanwhile."""
        had, before = self.has_text, self._before
        self._text = None
        if not had or before is None:
            self._before = None
        elif not before:
            self._clipboard.clear(self._mode)
            self._before = None  # an empty one belongs to nobody
        else:
            data = QMimeData()
            for kind, content in before.items():
                data.setData(kind, content)
            self._clipboard.setMimeData(data, self._mode)

    def keep_text(self) -> None:
        """The text stays."""
        self._text, self._before = None, None

    def _owns(self) -> bool:
        owns = (
            self._clipboard.ownsSelection if self._mode is QClipboard.Mode.Selection else self._clipboard.ownsClipboard
        )
        return owns()


class QtClipboardReader:
    """Where it is Qt's own thread that reads: Windows and macOS, whose clipboards hold their data themselves."""

    def read(self, selection: Selection) -> Contents:
        data = QGuiApplication.clipboard().mimeData(_MODES[selection])
        if data is None:
            return {}
        return {kind: bytes(data.data(kind).data()) for kind in data.formats()}
