"""What of a text a person should look at again: marked, and gone to from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.document.doubtful import is_doubtful
from app.notices import Notices
from app.settings import Settings
from app.widgets.main_window import MainWindow
from app.widgets.slices import Slices
from app.widgets.texts import on_language_change, translate


class Review(QObject):
    """Owns its commands in the menus "View" and "Edit"."""

    def __init__(self, window: MainWindow, settings: Settings, notices: Notices) -> None:
        super().__init__(window)
        self._page, self._settings, self._notices = window.page, settings, notices
        self._slices = Slices(self)
        self.mark_words = QAction(self, checkable=True, checked=settings.mark_words)
        self.next_doubtful, self.previous_doubtful = QAction(self), QAction(self)
        self.next_doubtful.setShortcut(QKeySequence("F8"))
        self.previous_doubtful.setShortcut(QKeySequence("Shift+F8"))
        window.actions_.view_menu.insertAction(window.actions_.notify, self.mark_words)
        window.edit_menu.add([self.next_doubtful, self.previous_doubtful])
        self.mark_words.toggled.connect(self._mark)
        self.next_doubtful.triggered.connect(self._go_to_next)
        self.previous_doubtful.triggered.connect(self._go_to_previous)
        model = self._page.model
        for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            signal.connect(self._slices.stop)  # rows are others now
            signal.connect(self._update)
        on_language_change(window, self._retranslate)
        self._page.view.mark_words(settings.mark_words)
        self._update()
        self._retranslate()

    def _mark(self, marks: bool) -> None:
        self._settings.mark_words = marks
        self._page.view.mark_words(marks)

    def _go_to_next(self) -> None:
        """From the end again to the beginning; the one that is current comes last."""
        here, n_rows = self._here, self._page.model.rowCount()
        self._look_at(chain(range(here + 1, n_rows), range(min(here + 1, n_rows))))

    def _go_to_previous(self) -> None:
        n_rows = self._page.model.rowCount()
        here = self._here if self._here >= 0 else n_rows
        self._look_at(chain(range(here - 1, -1, -1), range(n_rows - 1, here - 1, -1)))

    @property
    def _here(self) -> int:
        view = self._page.view
        index = view.currentIndex()
        return index.row() if view.selectionModel().isSelected(index) else -1

    def _look_at(self, rows: Iterable[int]) -> None:
        self._page.view.finish_edit()
        self._slices.run(self._steps(rows))

    def _steps(self, rows: Iterable[int]) -> Iterator[None]:
        for row in rows:
            if is_doubtful(self._page.model.segment(row)):
                self._page.view.select_row(row)
                self._page.view.setFocus()
                return
            yield
        self._notices.tell_nothing_doubtful()

    def _update(self) -> None:
        for action in (self.next_doubtful, self.previous_doubtful):
            action.setEnabled(self._page.model.rowCount() > 0)

    def _retranslate(self) -> None:
        self.mark_words.setText(translate("Menus", "Mark &unsure words"))
        self.mark_words.setToolTip(
            translate("Menus", "Words that the model was not sure of, where the times of words are known")
        )
        self.next_doubtful.setText(translate("Menus", "&Next doubtful segment"))
        self.previous_doubtful.setText(translate("Menus", "Pre&vious doubtful segment"))
