"""Finding and replacing in the transcript that is shown."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.document.editing import finder
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
        self.update_state()

    def update_state(self) -> None:
        """What there is to find now, and what can be done about it."""
        rows = self._rows() if self.isVisible() else []
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
        self.wanted.textChanged.connect(self.update_state)
        self.case.toggled.connect(self.update_state)
        self.wanted.returnPressed.connect(self.next.click)
        self.instead.returnPressed.connect(self.replace.click)
        self.next.clicked.connect(self._go_on)
        self.previous.clicked.connect(self._go_back)
        self.replace.clicked.connect(self._replace_here)
        self.replace_all.clicked.connect(self._replace_everywhere)
        self._close.clicked.connect(self._end)
        for signal in (
            self._model.dataChanged,
            self._model.rowsInserted,
            self._model.rowsRemoved,
            self._model.modelReset,
        ):
            signal.connect(self.update_state)

    def _rows(self) -> list[int]:
        """The segments that hold the text."""
        if not self.wanted.text():
            return []
        pattern = finder(self.wanted.text(), match_case=self.case.isChecked())
        return [r for r in range(self._model.rowCount()) if pattern.search(self._model.segment(r).text.strip())]

    def _go_on(self) -> None:
        """From the end again to the beginning."""
        rows, here = self._rows(), self._here
        self._go_to(next((row for row in rows if row > here), rows[0] if rows else -1))

    def _go_back(self) -> None:
        rows, here = self._rows(), self._here
        self._go_to(next((row for row in reversed(rows) if row < here), rows[-1] if rows else -1))

    @property
    def _here(self) -> int:
        index = self._view.currentIndex()
        return index.row() if index.isValid() and index.row() in self._view.selected_rows else -1

    def _go_to(self, row: int) -> None:
        if row >= 0:
            self._view.setCurrentIndex(self._model.index(row, Column.TEXT))

    def _replace_here(self) -> None:
        """In the segment that was gone to, and on to the next."""
        if self._here in self._rows():
            self._emit([self._here])
        self._go_on()

    def _replace_everywhere(self) -> None:
        self._emit(self._rows())

    def _emit(self, rows: list[int]) -> None:
        self.replace_wanted.emit(rows, self.wanted.text(), self.instead.text(), self.case.isChecked())

    def _end(self) -> None:
        self.hide()
        self._view.setFocus()
