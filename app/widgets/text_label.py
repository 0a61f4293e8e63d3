"""A label for sentences of any kind: wrapped, plain, selectable."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

# A name without a space may break after this many characters; else the window would grow as wide as the name.
MAX_UNBROKEN = 20
_LONG_WORD = re.compile(rf"(\S{{{MAX_UNBROKEN}}})(?=\S)")
_BREAK = "\N{ZERO WIDTH SPACE}"


class TextLabel(QLabel):
    """Never wider than its layout wants it: long names break anywhere. `text` is what was set."""

    def __init__(self, parent: QWidget | None = None, *, centered: bool = False) -> None:
        super().__init__(parent, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if centered:
            self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def setText(self, text: str) -> None:  # noqa: N802
        super().setText(_LONG_WORD.sub(rf"\1{_BREAK}", text))

    def text(self) -> str:
        return super().text().replace(_BREAK, "")
