"""The transcript: a table of times and wrapped text that stays quick with thousands of rows."""

from __future__ import annotations

import time

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.widgets.appearance import Appearance
from app.widgets.layouts import show_as_rows
from app.widgets.segment_delegate import MARGIN_X, MARGIN_Y, SegmentDelegate, SegmentEdit
from app.widgets.segment_layouts import LINE_HEIGHT
from app.widgets.selection import n_selected, selected_rows
from app.widgets.texts import time_span
from app.widgets.transcript_model import Column, TranscriptModel

# Rows are measured in slices of this length between two turns of the window's loop.
MEASURE_BUDGET_S = 0.006


class TranscriptView(QTableView):
    """Follows the newest segment unless the user has scrolled away from it.

    Signals:
        following_changed: whether the view is at the end and stays there.
        split_wanted: of a row: its new text, and the position in it.
        delete_wanted: the selected rows are to go.
        time_clicked: the time of a row, which is to be heard.
    """

    following_changed = Signal(bool)
    split_wanted = Signal(int, str, int)
    delete_wanted = Signal()
    time_clicked = Signal(int)

    def __init__(self, model: TranscriptModel, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = SegmentDelegate(appearance, self)
        self._unmeasured: list[int] = []  # rows, the next one last
        self._following = True
        self._measuring = QTimer(self, singleShot=True, interval=0)
        self._measuring.timeout.connect(self._measure)
        self.setItemDelegate(self._delegate)
        self._delegate.split_wanted.connect(self.split_wanted)
        self._set_up_look()
        self.setModel(model)
        self._transcript = model
        model.modelReset.connect(self._on_reset)
        model.rowsInserted.connect(self._on_rows_inserted)
        model.rowsRemoved.connect(self._forget_rows)
        model.dataChanged.connect(self._on_data_changed)
        self._set_up_columns()
        self.clicked.connect(self._on_clicked)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        appearance.changed.connect(self._update_fonts)
        self._update_fonts()

    @property
    def following(self) -> bool:
        return self._following

    def follow(self) -> None:
        """Go to the newest segment and stay with it."""
        self._set_following(True)
        self.scrollToBottom()

    @property
    def selected_rows(self) -> list[int]:
        return selected_rows(self.selectionModel())

    @property
    def n_selected(self) -> int:
        """Of rows, without a look at each of them."""
        return n_selected(self.selectionModel())

    def select_row(self, row: int) -> None:
        """It alone, or the last one where there are not so many."""
        n_rows = self._transcript.rowCount()
        self.clearSelection()
        if n_rows:
            self.setCurrentIndex(self._transcript.index(min(row, n_rows - 1), Column.TEXT))

    def selected_text(self) -> str:
        return self._transcript.text_of(self.selected_rows)

    def show_heard(self, row: int, *, scroll: bool) -> None:
        """Mark the segment that is played, -1 for none, and bring it into view unless somebody looks elsewhere."""
        before, self._delegate.heard_row = self._delegate.heard_row, row
        if row == before:
            return
        self.viewport().update()
        if row >= 0 and scroll and (before < 0 or self._is_in_view(before)) and not self._is_in_view(row):
            self._set_following(False)
            self.scrollTo(self._transcript.index(row, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def mark_words(self, marks: bool) -> None:
        """Those the model was not sure of."""
        self._delegate.layouts.marks_words = marks
        self._delegate.layouts.forget()
        self.viewport().update()

    def _is_in_view(self, row: int) -> bool:
        return self.viewport().rect().contains(self.visualRect(self._transcript.index(row, 0)))

    def edit_current(self) -> None:
        """Open the editor of the current row's text."""
        row = self.currentIndex().row() if self.currentIndex().isValid() else 0
        self.edit(self._transcript.index(row, Column.TEXT))

    def finish_edit(self) -> None:
        """Take over what is being typed, if anything is."""
        if (edit := self.findChild(SegmentEdit)) is not None:
            edit.done.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy) and (text := self.selected_text()):
            QGuiApplication.clipboard().setText(text)
            return
        if event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        following = self._following
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._measure_all()
        elif following:  # something below or above it has taken room
            self.scrollToBottom()
            self._set_following(True)

    def _set_up_look(self) -> None:
        show_as_rows(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # a bar that comes and goes rewraps all
        self.horizontalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(1)

    def _set_up_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionResizeMode(Column.TIME, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.TEXT, QHeaderView.ResizeMode.Stretch)

    def _update_fonts(self) -> None:
        self._delegate.layouts.forget()
        line = round(LINE_HEIGHT * self.fontMetrics().height()) + 2 * MARGIN_Y
        self.verticalHeader().setDefaultSectionSize(line)
        self.verticalScrollBar().setSingleStep(line)
        self._fit_time_column()
        self._measure_all()

    def _fit_time_column(self) -> None:
        n_rows = self._transcript.rowCount()
        longest = time_span(*(2 * [self._transcript.segment(n_rows - 1).end])) if n_rows else time_span(0, 0)
        width = self.fontMetrics().horizontalAdvance(longest) + 2 * MARGIN_X + 4  # the advance is rounded
        if width > self.columnWidth(Column.TIME) or not n_rows:
            self.setColumnWidth(Column.TIME, width)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == Column.TIME and not QGuiApplication.keyboardModifiers():
            self.time_clicked.emit(index.row())

    def _on_reset(self) -> None:
        self._set_following(self._transcript.rowCount() == 0)
        self._fit_time_column()
        self._measure_all()
        self.scrollToTop()

    def _on_rows_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._fit_time_column()
        n_new = last - first + 1
        waiting = [row + n_new if row >= first else row for row in self._unmeasured]
        self._unmeasured = [*range(last, first - 1, -1), *waiting]
        self._measure()

    def _forget_rows(self, _parent: QModelIndex, first: int, last: int) -> None:
        n_gone = last - first + 1
        waiting = (row for row in self._unmeasured if not first <= row <= last)
        self._unmeasured = [row - n_gone if row > last else row for row in waiting]

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        self._unmeasured += range(last.row(), first.row() - 1, -1)
        self._measure()

    def _measure_all(self) -> None:
        """Measure every row anew, those on the screen first."""
        n_rows = self._transcript.rowCount()
        top = max(self.rowAt(0), 0)
        self._unmeasured = [*range(top - 1, -1, -1), *range(n_rows - 1, top - 1, -1)]
        self._measure()

    def _measure(self) -> None:
        """Set the heights of as many unmeasured rows as fit in the budget; what is in view stays where it is."""
        top = self.rowAt(0)
        top_y = self.rowViewportPosition(top)
        width = self.columnWidth(Column.TEXT)
        end = time.perf_counter() + MEASURE_BUDGET_S
        header = self.verticalHeader()
        header.blockSignals(True)  # the geometry follows once for all of them
        first = self._transcript.rowCount()  # of those that are measured
        while self._unmeasured and time.perf_counter() < end:
            row = self._unmeasured.pop()
            first = min(first, row)
            segment = self._transcript.segment(row)
            header.resizeSection(row, self._delegate.height_of(segment, self.font(), width))
        header.blockSignals(False)
        bottom = self.rowAt(self.viewport().height() - 1)
        self._settle(top, top_y, in_view=bottom < 0 or first <= bottom)
        if self._unmeasured:
            self._measuring.start()

    def _settle(self, top: int, top_y: int, *, in_view: bool) -> None:
        """`in_view`: heights in the view, or above it, are others."""
        following = self._following
        self.updateGeometries()
        if following:
            self.scrollToBottom()
        elif top >= 0:
            scroll_bar = self.verticalScrollBar()
            scroll_bar.setValue(scroll_bar.value() + self.rowViewportPosition(top) - top_y)
        self._set_following(following)
        if in_view:
            self.viewport().update()

    def _on_range_changed(self, _minimum: int, maximum: int) -> None:
        self.verticalScrollBar().setEnabled(maximum > 0)  # the style sheet hides the handle

    def _on_scrolled(self, value: int) -> None:
        self._set_following(value >= self.verticalScrollBar().maximum() - self.verticalScrollBar().singleStep() // 2)

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)
