"""The menu "Edit": what a person can change in the transcript that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence, QUndoGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from app.widgets.texts import translate
from app.widgets.transcript_page import TranscriptPage


class EditMenu(QObject):
    """Owns its actions, and knows when they can be used.

    Signals:
        merge_wanted, delete_wanted, again_wanted: of the rows that are selected, a list.
        changed: what can be done now is something else.
    """

    merge_wanted = Signal(list)
    delete_wanted = Signal(list)
    again_wanted = Signal(list)
    changed = Signal()

    def __init__(self, menu_bar: QMenuBar, before: QMenu, page: TranscriptPage) -> None:
        super().__init__(page)
        self._page = page
        self._may_transcribe = True
        self.undo_group = QUndoGroup(self)
        self.undo = self._action(QKeySequence.StandardKey.Undo)
        self.redo = self._action(QKeySequence.StandardKey.Redo)
        self.edit = self._action(QKeySequence(), "F2")
        self.merge = self._action(QKeySequence(), "Ctrl+J")
        self.delete = self._action(QKeySequence())
        self.again = self._action(QKeySequence(), "Ctrl+Shift+T")
        self.find = self._action(QKeySequence.StandardKey.Find, "Ctrl+F")
        self._menu = QMenu(menu_bar)
        menu_bar.insertMenu(before.menuAction(), self._menu)
        self._menu.addActions([self.undo, self.redo])
        self._menu.addSeparator()
        self._menu.addActions([self.edit, self.merge, self.delete])
        self._menu.addSeparator()
        self._menu.addAction(self.again)
        self._menu.addSeparator()
        self._menu.addAction(self.find)
        self._connect()
        self.update()
        self.retranslate()

    @property
    def may_transcribe(self) -> bool:
        """No selection is being transcribed again."""
        return self._may_transcribe

    @may_transcribe.setter
    def may_transcribe(self, may: bool) -> None:
        self._may_transcribe = may
        self.update()

    def add(self, actions: Sequence[QAction], before: QAction | None = None) -> None:
        """Commands of others, below these or before one of them."""
        if before is None:
            self._menu.addSeparator()
            self._menu.addActions(actions)
        else:
            self._menu.insertActions(before, actions)
            self._menu.insertSeparator(before)

    def update(self) -> None:
        """Enable what can be done now."""
        may_edit = self._page.model.editable and self._page.model.rowCount() > 0
        n_selected = self._page.view.n_selected if may_edit else 0
        self.undo.setEnabled(self.undo_group.canUndo() and self._page.model.editable)
        self.redo.setEnabled(self.undo_group.canRedo() and self._page.model.editable)
        self.edit.setEnabled(may_edit)
        self.find.setEnabled(self._page.model.rowCount() > 0)
        self.merge.setEnabled(n_selected > 1)
        self.delete.setEnabled(n_selected > 0)
        self.again.setEnabled(n_selected > 0 and self._may_transcribe)
        self.changed.emit()

    def retranslate(self) -> None:
        self._menu.setTitle(translate("Menus", "&Edit"))
        for action, text in {
            self.undo: translate("Menus", "&Undo"),
            self.redo: translate("Menus", "&Redo"),
            self.edit: translate("Menus", "Edit the &text"),
            self.merge: translate("Menus", "&Merge segments"),
            self.delete: translate("Menus", "&Delete segments"),
            self.again: translate("Menus", "Transcribe the &selection again…"),
            self.find: translate("Menus", "&Find and replace…"),
        }.items():
            action.setText(text)

    def _connect(self) -> None:
        view = self._page.view
        self.undo.triggered.connect(self.undo_group.undo)
        self.redo.triggered.connect(self.undo_group.redo)
        self.edit.triggered.connect(view.edit_current)
        self.find.triggered.connect(self._page.find_bar.open)
        self.merge.triggered.connect(self._merge)
        self.delete.triggered.connect(self._delete)
        self.again.triggered.connect(lambda: self.again_wanted.emit(view.selected_rows))
        view.delete_wanted.connect(self.delete.trigger)
        view.selectionModel().selectionChanged.connect(self.update)
        for signal in (self.undo_group.canUndoChanged, self.undo_group.canRedoChanged):
            signal.connect(self.update)

    def _merge(self) -> None:
        self.merge_wanted.emit(self._page.view.selected_rows)

    def _delete(self) -> None:
        self.delete_wanted.emit(self._page.view.selected_rows)

    def _action(self, standard: QKeySequence.StandardKey | QKeySequence, shortcut: str = "") -> QAction:
        action = QAction(self)
        action.setShortcut(QKeySequence(shortcut) if shortcut else QKeySequence(standard))
        return action
