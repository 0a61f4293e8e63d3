"""The lines of the log that are shown."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor

from app.log_tail import LogEntry
from app.widgets.appearance import Appearance

MAX_ENTRIES = 4_000  # a change of the filter goes through all


class LogModel(QAbstractListModel):
    """One row a line. Entries that do not count or lack the text that is looked for are left out, whole.

    Signals:
        widened: all lines are wider than before.
    """

    widened = Signal()

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)
        self._lines: list[tuple[int, str]] = []  # with the level of their entry
        self._level, self._text = logging.NOTSET, ""
        self._n_characters = 0  # of the longest line
        self.character = QSize(8, 16)  # of the font, which is as wide everywhere
        appearance.changed.connect(self._on_appearance)

    def add(self, entries: list[LogEntry]) -> None:
        """What was written after the others. One of no level goes on with the last one."""
        if entries and entries[0].level == logging.NOTSET and self._entries:
            last = self._entries.pop()
            self._entries.append(LogEntry(last.level, last.lines + entries[0].lines))
            self._entries.extend(entries[1:])
            self._show_all()
            return
        if len(self._entries) + len(entries) > MAX_ENTRIES:
            self._entries.extend(entries)
            self._show_all()
            return
        self._entries.extend(entries)
        lines = [line for entry in entries if self._is_shown(entry) for line in _lines(entry)]
        if lines:
            first = len(self._lines)
            self.beginInsertRows(QModelIndex(), first, first + len(lines) - 1)
            self._lines += lines
            self.endInsertRows()
            self._measure(lines)

    def show_only(self, level: int, text: str) -> None:
        """Entries of at least this level with this text in them."""
        self._level, self._text = level, text.strip().lower()
        self._show_all()

    @property
    def text(self) -> str:
        """All that is shown."""
        return "\n".join(line for _, line in self._lines)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        level, line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line
        if role == Qt.ItemDataRole.SizeHintRole:  # the view takes all lines to be like the first
            return QSize(self.character.width() * (self._n_characters + 2), self.character.height() + 2)
        if role == Qt.ItemDataRole.ForegroundRole:  # the level stands in the line, too
            colors = self._appearance.colors
            if level >= logging.ERROR:
                return QColor(colors.danger)
            if level >= logging.WARNING:
                return QColor(colors.warning)
        return None

    def _show_all(self) -> None:
        self.beginResetModel()
        self._lines = [line for entry in self._entries if self._is_shown(entry) for line in _lines(entry)]
        self.endResetModel()
        self._measure(self._lines)

    def _measure(self, lines: list[tuple[int, str]]) -> None:
        longest = max((_width(line) for _, line in lines), default=0)
        if longest > self._n_characters:
            self._n_characters = longest
            self.widened.emit()

    def _is_shown(self, entry: LogEntry) -> bool:
        return entry.level >= self._level and (not self._text or entry.has(self._text))

    def _on_appearance(self) -> None:
        if self._lines:
            self.dataChanged.emit(self.index(0), self.index(len(self._lines) - 1), [Qt.ItemDataRole.ForegroundRole])


def _width(line: str) -> int:
    """In characters; Chinese ones are twice as wide."""
    return len(line) if line.isascii() else 2 * len(line)


def _lines(entry: LogEntry) -> list[tuple[int, str]]:
    return [(entry.level, line) for line in entry.lines]
