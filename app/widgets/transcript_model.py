"""The segments of one transcript as rows: times and text."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.document.doubtful import places
from app.document.transcript import Transcript
from app.widgets.texts import doubt_words, percent, speaker_name, time_span, translate
from gpu.types import Segment

_NOWHERE = QModelIndex()
_READABLE = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
_EDITABLE = _READABLE | Qt.ItemFlag.ItemIsEditable


class Column(enum.IntEnum):
    TIME = 0
    TEXT = 1


class TranscriptModel(QAbstractTableModel):
    """Shows a `Transcript` that others append to: `sync` tells the views about what has come since.

    Signals:
        text_edited: of the row, by the user, to this.
    """

    text_edited = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._segments: list[Segment] = []
        self._n_shown = 0
        self._last: Segment | None = None  # as it was shown
        self.editable = False

    def show(self, transcript: Transcript | None) -> None:
        self.beginResetModel()
        self._segments = transcript.segments if transcript is not None else []
        self._n_shown = len(self._segments)
        self._last = self._segments[-1] if self._segments else None
        self.endResetModel()

    def sync(self) -> None:
        n_segments = len(self._segments)
        if self._n_shown and self._segments[self._n_shown - 1] is not self._last:  # more was said
            self.dataChanged.emit(self.index(self._n_shown - 1, 0), self.index(self._n_shown - 1, len(Column) - 1))
        if n_segments > self._n_shown:
            self.beginInsertRows(_NOWHERE, self._n_shown, n_segments - 1)
            self._n_shown = n_segments
            self.endInsertRows()
        self._last = self._segments[-1] if self._segments else None

    def replace(self, first: int, n_old: int, new: Sequence[Segment]) -> None:
        """Put segments in the place of others, as few rows as possible being others then."""
        n_same = min(n_old, len(new))
        self._segments[first : first + n_same] = new[:n_same]
        if n_same:
            self.dataChanged.emit(self.index(first, 0), self.index(first + n_same - 1, len(Column) - 1))
        if n_old > n_same:
            self.beginRemoveRows(_NOWHERE, first + n_same, first + n_old - 1)
            del self._segments[first + n_same : first + n_old]
        elif len(new) > n_same:
            self.beginInsertRows(_NOWHERE, first + n_same, first + len(new) - 1)
            self._segments[first + n_same : first + n_same] = new[n_same:]
        self._n_shown = len(self._segments)
        self._last = self._segments[-1] if self._segments else None
        if n_old > n_same:
            self.endRemoveRows()
        elif len(new) > n_same:
            self.endInsertRows()

    def segment(self, row: int) -> Segment:
        return self._segments[row]

    def text_of(self, rows: list[int]) -> str:
        return "\n".join(self._segments[row].text.strip() for row in rows)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else self._n_shown

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(Column)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        segment = self._segments[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            is_time = index.column() == Column.TIME
            return time_span(segment.start, segment.end) if is_time else shown_text(segment)
        if role == Qt.ItemDataRole.EditRole and index.column() == Column.TEXT:
            return segment.text.strip()
        if role == Qt.ItemDataRole.ToolTipRole and segment.doubts:
            return "\n".join(doubt_words(doubt) for doubt in segment.doubts)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole and index.column() == Column.TEXT:
            return _described(segment)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            span = time_span(segment.start, segment.end)
            return span if index.column() == Column.TIME else f"{span}: {segment.text.strip()}"
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        """Asked for each cell that is painted."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return _EDITABLE if self.editable and index.column() == Column.TEXT else _READABLE

    def setData(  # noqa: N802
        self, index: QModelIndex | QPersistentModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Tells who edits; the change comes back through `replace`."""
        self.text_edited.emit(index.row(), value)
        return True

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return translate("Transcript", "Time") if section == Column.TIME else translate("Transcript", "Text")
        return None


def shown_text(segment: Segment) -> str:
    """Its text behind who speaks, with a mark where it is doubtful."""
    return speaker_prefix(segment) + segment.text.strip() + (" (?)" if segment.doubts else "")


def speaker_prefix(segment: Segment) -> str:
    return "" if segment.speaker is None else f"{speaker_name(segment.speaker)}: "


def _described(segment: Segment) -> str:
    """What colours and lines say, for screen readers."""
    unsure = [place for place in places(segment) if place.is_unsure]
    text = segment.text.strip()
    words = ", ".join(f"{text[place.start : place.end]} ({percent(place.probability)})" for place in unsure)
    lines = [doubt_words(doubt) for doubt in segment.doubts]
    if words:
        lines.append(translate("Transcript", "Unsure words: {words}").format(words=words))
    return "\n".join(lines)
