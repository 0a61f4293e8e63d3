"""Finding and replacing in the transcript that is shown."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.widgets.text_search import TextSearch
from app.widgets.transcript_model import Column, TranscriptModel
from app.widgets.transcript_view import TranscriptView


class FindBar(QFrame):
    """Goes from one segment to the next that holds a text. Hidden until it is wanted; Escape hides it again.

    Signals:
        replace_wanted: in these rows, the text to be found, by what, and whether case counts.
    """

    replace_wanted = Signal(list, str, str, bool)

    def __init__(self, view: TranscriptView, model: TranscriptModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view, self._model = view, model
        self.found = TextSearch(model, self)  # while the bar is shown
        self._then: Callable[[], None] | None = None  # what is to be done when all are found
        self.wanted, self.instead = QLineEdit(clearButtonEnabled=True), QLineEdit()
        self.case = QCheckBox()
        self.count = QLabel()
        self.count.setProperty("muted", True)
        self.previous, self.next = QPushButton(), QPushButton()
        self.replace, self.replace_all, self._close = QPushButton(), QPushButton(), QPushButton()
        self._close.setProperty("link", True)
        self._arrange()
        self._connect()
        self.retranslate()
        self.hide()

    def open(self) -> None:
        """Show it, ready to be typed into."""
        self.show()
        self.wanted.setFocus()
        self.wanted.selectAll()
        self._search()

    def update_state(self) -> None:
        """What can be done with what is found."""
        rows = self.found.rows
        for button in (self.previous, self.next):
            button.setEnabled(bool(rows))
        for button in (self.replace, self.replace_all):
            button.setEnabled(bool(rows) and self._model.editable)
        self.count.setText(self.tr("Segments: {n}").format(n=len(rows)) if self.wanted.text() else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self._end()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        self.wanted.setPlaceholderText(self.tr("Find"))
        self.wanted.setAccessibleName(self.tr("Find"))
        self.instead.setPlaceholderText(self.tr("Replace with"))
        self.instead.setAccessibleName(self.tr("Replace with"))
        self.case.setText(self.tr("Match &case"))
        self.previous.setText(self.tr("Previous"))
        self.next.setText(self.tr("Next"))
        self.replace.setText(self.tr("Replace"))
        self.replace_all.setText(self.tr("Replace all"))
        self._close.setText(self.tr("Close"))
        self.update_state()

    def _arrange(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(6)
        for column, widget in enumerate((self.wanted, self.previous, self.next, self.case, self.count, self._close)):
            layout.addWidget(widget, 0, column)
        for column, widget in enumerate((self.instead, self.replace, self.replace_all)):
            layout.addWidget(widget, 1, column)
        layout.setColumnStretch(0, 1)

    def _connect(self) -> None:
        self.wanted.textChanged.connect(self._search)
        self.case.toggled.connect(self._search)
        self.wanted.returnPressed.connect(self.next.click)
        self.instead.returnPressed.connect(self.replace.click)
        self.next.clicked.connect(lambda: self._when_found(self._go_on))
        self.previous.clicked.connect(lambda: self._when_found(self._go_back))
        self.replace.clicked.connect(lambda: self._when_found(self._replace_here))
        self.replace_all.clicked.connect(lambda: self._when_found(self._replace_everywhere))
        self._close.clicked.connect(self._end)
        self.found.changed.connect(self._on_found)

    def _search(self) -> None:
        self._then = None
        if self.isHidden():
            self.found.stop()
        else:
            self.found.look_for(self.wanted.text(), match_case=self.case.isChecked())

    def _on_found(self) -> None:
        self.update_state()
        if self.found.is_complete and self._then is not None:
            then, self._then = self._then, None
            then()

    def _when_found(self, do: Callable[[], None]) -> None:
        """Now, or when everything is looked through."""
        if self.found.is_complete:
            do()
        else:
            self._then = do

    def _go_on(self) -> None:
        """From the end again to the beginning."""
        rows = self.found.rows
        place = bisect_right(rows, self._here)
        self._go_to(rows[place if place < len(rows) else 0] if rows else -1)

    def _go_back(self) -> None:
        rows = self.found.rows
        self._go_to(rows[bisect_left(rows, self._here) - 1] if rows else -1)

    @property
    def _here(self) -> int:
        index = self._view.currentIndex()
        return index.row() if self._view.selectionModel().isSelected(index) else -1

    def _go_to(self, row: int) -> None:
        if row >= 0:
            self._view.setCurrentIndex(self._model.index(row, Column.TEXT))

    def _replace_here(self) -> None:
        """In the segment that was gone to, and on to the next."""
        if (here := self._here) in self.found.rows:
            self._emit([here])
        self._go_on()

    def _replace_everywhere(self) -> None:
        self._emit(list(self.found.rows))

    def _emit(self, rows: list[int]) -> None:
        self.replace_wanted.emit(rows, self.wanted.text(), self.instead.text(), self.case.isChecked())

    def _end(self) -> None:
        self.hide()
        self._search()
        self._view.setFocus()
