"""Text that is being spoken: what is settled, and behind it, grey and slanted, what may still change."""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QTextEdit, QWidget

from app.widgets.appearance import Appearance

MARGIN = 8


class LiveTextView(QTextEdit):
    """Read only. What is committed is never touched again; the view follows it unless somebody has scrolled away."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dictated")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(MARGIN)
        self._appearance = appearance
        self._n_committed = 0  # characters of the document
        self._tentative = ""
        appearance.changed.connect(self._recolor)
        self._recolor()

    @property
    def committed(self) -> str:
        return self.toPlainText()[: self._n_committed]

    @property
    def tentative(self) -> str:
        return self._tentative

    def begin(self) -> None:
        """Empty, for what is said next."""
        self.clear()
        self._n_committed, self._tentative = 0, ""

    def commit(self, text: str) -> None:
        """More that is settled; what was tentative is over."""
        added = text if self._n_committed else text.lstrip()
        self._n_committed = self._put(added, _larger())
        self._tentative = ""

    def show_tentative(self, text: str) -> None:
        shown = text if self._n_committed else text.lstrip()
        if shown != self._tentative:
            self._tentative = shown
            self._put(shown, self._tentative_format())

    def _put(self, text: str, look: QTextCharFormat) -> int:
        """In the place of all that is not committed; where it ends."""
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - bar.singleStep()
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._n_committed)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text, look)
        if follows:
            bar.setValue(bar.maximum())
        return cursor.position()

    def _tentative_format(self) -> QTextCharFormat:
        look = _larger()
        look.setForeground(QColor(self._appearance.colors.muted))
        look.setFontItalic(True)
        return look

    def _recolor(self) -> None:
        tentative, self._tentative = self._tentative, ""
        self.show_tentative(tentative)


def _larger() -> QTextCharFormat:
    """One step larger than the interface."""
    look = QTextCharFormat()
    look.setProperty(QTextFormat.Property.FontSizeAdjustment, 1)
    return look
