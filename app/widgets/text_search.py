"""Which segments of a transcript hold a text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QModelIndex, QObject, Signal

from app.document.editing import finder
from app.widgets.slices import Slices
from app.widgets.transcript_model import TranscriptModel

TOGETHER = 256  # rows that are looked through at a time


class TextSearch(QObject):
    """Finds in slices; what is found follows changes of the transcript until `stop`.

    Attributes:
        rows: those that hold the text, as far as they are known.

    Signals:
        changed: others are found, or all are.
    """

    changed = Signal()

    def __init__(self, model: TranscriptModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.rows: list[int] = []
        self._wanted: tuple[str, bool] | None = None  # text and whether case counts; None: nothing is looked for
        self._waiting: Sequence[int] = ()  # rows that may hold it, behind those that are found
        self._slices = Slices(self)
        self._slices.passed.connect(self.changed)
        model.dataChanged.connect(self._on_changed)
        model.rowsInserted.connect(self._on_inserted)
        model.rowsRemoved.connect(self._on_removed)
        model.modelReset.connect(self._begin_anew)

    @property
    def is_complete(self) -> bool:
        return not self._waiting

    def look_for(self, text: str, *, match_case: bool) -> None:
        """Where more of the text was typed, it is among what was found, or still to be looked through."""
        before, self._wanted = self._wanted, (text, match_case)
        if text and before is not None and before[0] and before[0] in text and before[1] == match_case:
            self._begin([*self.rows, *self._waiting])
        else:
            self._begin(range(self._model.rowCount() if text else 0))

    def stop(self) -> None:
        self._wanted = None
        self._begin(())

    def _begin_anew(self) -> None:
        if self._wanted is not None:
            self._begin(range(self._model.rowCount() if self._wanted[0] else 0))

    def _begin(self, rows: Sequence[int]) -> None:
        self.rows, self._waiting = [], rows
        self._go_on()

    def _go_on(self) -> None:
        self._slices.run(self._steps())

    def _steps(self) -> Iterator[None]:
        while self._waiting:
            self.rows += self._holding(self._waiting[:TOGETHER])
            self._waiting = self._waiting[TOGETHER:]
            if self._waiting:
                yield

    def _holding(self, rows: Sequence[int]) -> list[int]:
        text, match_case = self._wanted or ("", False)
        if not text:
            return []
        find, segment = finder(text, match_case=match_case).search, self._model.segment
        if text == text.strip():
            return [row for row in rows if find(segment(row).text)]
        return [row for row in rows if find(segment(row).text.strip())]

    def _on_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        n_rows = last.row() + 1 - first.row()
        self._renew(first.row(), n_rows, n_rows)

    def _on_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._renew(first, 0, last + 1 - first)

    def _on_removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._renew(first, last + 1 - first, 0)

    def _renew(self, first: int, n_old: int, n_new: int) -> None:
        """Only what has changed is looked through, where that is little and all else is known."""
        if self._wanted is None:
            return
        if self._waiting or n_new > TOGETHER:
            if n_old == 0 and first + n_new == self._model.rowCount():  # more has come behind the others
                self._waiting = [*self._waiting, *range(first, first + n_new)]
                self._go_on()
            else:
                self._begin_anew()
            return
        found, begin, end = self.rows, bisect_left(self.rows, first), bisect_left(self.rows, first + n_old)
        behind = found[end:] if n_new == n_old else [row + n_new - n_old for row in found[end:]]
        self.rows = [*found[:begin], *self._holding(range(first, first + n_new)), *behind]
        self.changed.emit()
