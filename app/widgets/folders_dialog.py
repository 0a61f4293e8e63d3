"""The dialog of the folders in which models are looked for: the program's own, and those the user adds and removes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.models.errors import SettingsError
from app.widgets import dialogs
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.engine_texts import explained
from app.widgets.rows_table import Column, RowsModel
from app.widgets.rows_view import RowsView
from app.widgets.text_label import TextLabel
from app.widgets.texts import translate


@dataclass(frozen=True)
class FolderRow:
    """A folder that is looked into.

    Attributes:
        is_own: the program's, which stays in the list; it need not exist.
        n_models: found in it and below; None while it is being looked into.
    """

    path: Path
    is_own: bool
    is_there: bool
    n_models: int | None

    @property
    def is_missed(self) -> bool:
        return not (self.is_there or self.is_own)


class FoldersDialog(QDialog):
    """Displays the folders it is given last, and a problem; deletes itself when it is closed.

    Signals:
        add_wanted: a folder was chosen, a `Path`.
        remove_wanted: this `Path` is not to be looked into any more. Nothing in it changes.
        open_wanted: show this `Path` to the user.
    """

    add_wanted = Signal(object)
    remove_wanted = Signal(object)
    open_wanted = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._appearance = appearance
        self._picker_folder = Path.home()
        self._problem: SettingsError | None = None
        self.table: RowsModel[FolderRow] = RowsModel(_columns(), lambda row: row.path, self)
        self.view: RowsView[FolderRow] = RowsView(self.table, appearance, 0)
        self._intro, self.problem = TextLabel(), TextLabel()
        self._intro.setProperty("muted", True)
        self.problem.setProperty("danger", True)
        self.problem.hide()
        self.add, self.remove, self.open_, self.close_ = (QPushButton(autoDefault=False) for _ in range(4))
        self._arrange()
        self._connect()
        self._retranslate()
        self._update_icons()
        self.resize(680, 380)
        self.view.setFocus()

    def show_folders(self, rows: Sequence[FolderRow]) -> None:
        """In the place of those shown before; what is selected stays so if it is still there."""
        self.table.set_rows(rows)
        if self.view.current is None and rows:
            self.view.select(rows[-1].path)
        self.view.fit()
        self._update_buttons()

    def show_problem(self, error: SettingsError | None) -> None:
        """Why a change was not made; None: there is nothing to say."""
        self._problem = error
        self._update_problem()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete:  # that the table has no use for
            self._remove()
        else:
            super().keyPressEvent(event)

    def _arrange(self) -> None:
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 6, 1, 6)
        inside.addWidget(self.view)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        for button in (self.add, self.remove, self.open_):
            button.setIconSize(BUTTON_ICON_SIZE)
            bottom.addWidget(button)
        bottom.addStretch()
        bottom.addWidget(self.close_)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        layout.addWidget(self._intro)
        layout.addWidget(card, 1)
        layout.addWidget(self.problem)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self.add.clicked.connect(self._ask)
        self.remove.clicked.connect(self._remove)
        self.open_.clicked.connect(self._open)
        self.close_.clicked.connect(self.reject)
        self.view.row_selected.connect(self._update_buttons)
        self.view.row_activated.connect(self._open)
        self._appearance.changed.connect(self._update_icons)

    def _ask(self) -> None:
        dialogs.ask_models_folder(self, self._picker_folder, self._take)

    def _take(self, name: str) -> None:
        self._picker_folder = Path(name).parent
        self.add_wanted.emit(Path(name))

    def _remove(self) -> None:
        row = self.view.current
        if row is not None and not row.is_own:
            self.remove_wanted.emit(row.path)

    def _open(self) -> None:
        row = self.view.current
        if row is not None and not row.is_missed:
            self.open_wanted.emit(row.path)

    def _update_buttons(self) -> None:
        row = self.view.current
        self.remove.setEnabled(row is not None and not row.is_own)
        self.open_.setEnabled(row is not None and not row.is_missed)

    def _update_problem(self) -> None:
        problem = self._problem
        self.problem.setText(explained(problem) if problem else "")
        self.problem.setVisible(problem is not None)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Folders of models"))
        self._intro.setText(
            self.tr(
                "Models are looked for in these folders and in those below them, besides the places where other "
                "programs keep theirs."
            )
        )
        self.add.setText(self.tr("&Add folder…"))
        self.add.setToolTip(self.tr("Look for models in another folder, too"))
        self.remove.setText(self.tr("&Remove from list"))
        self.remove.setToolTip(self.tr("The folder and its files stay as they are"))
        self.open_.setText(self.tr("&Open"))
        self.open_.setToolTip(self.tr("Show the folder's files"))
        self.close_.setText(self.tr("&Close"))
        self.close_.setToolTip(self.tr("Closes this dialog; changes have been made already"))
        self.view.setAccessibleName(self.tr("Folders of models"))
        self.view.setAccessibleDescription(self.tr("Each with whether new models go there"))
        self._update_problem()

    def _update_icons(self) -> None:
        for button, name in ((self.add, "add"), (self.remove, "remove"), (self.open_, "folder")):
            button.setIcon(self._appearance.button_icon(name, self._appearance.colors.text))


def _columns() -> list[Column[FolderRow]]:
    return [
        Column(
            lambda: translate("FoldersDialog", "Folder"),
            lambda row: str(row.path),
            badge=lambda row: translate("FoldersDialog", "downloads and imports") if row.is_own else "",
        ),
        Column(
            lambda: translate("FoldersDialog", "Models"),
            _found_text,
            color=lambda row: "danger" if row.is_missed else "muted",
            room_for=lambda: translate("FoldersDialog", "is not there"),
        ),
    ]


def _found_text(row: FolderRow) -> str:
    if row.is_missed:
        return translate("FoldersDialog", "is not there")
    if row.n_models is None:
        return translate("FoldersDialog", "looking…")
    return str(row.n_models) if row.n_models else translate("FoldersDialog", "none")
