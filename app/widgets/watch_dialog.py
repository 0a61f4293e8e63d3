"""The dialog of the folder that is watched."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.document.auto_save import SaveRule
from app.watched_folder import WatchRule
from app.widgets import dialogs
from app.widgets.text_label import TextLabel

WIDTH = 560


class WatchDialog(QDialog):
    """Shows a `WatchRule` and lets it be changed; deletes itself when it is closed.

    Args:
        rule: None: nothing is watched.
        save_rule: what becomes of the texts.

    Signals:
        chosen: the user wants this `WatchRule` or None, and whether with the recordings that are there already.
        save_rule_wanted: the user wants to see to what becomes of the texts.
    """

    chosen = Signal(object, bool)
    save_rule_wanted = Signal()

    def __init__(self, rule: WatchRule | None, save_rule: SaveRule, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._save_rule = save_rule
        self._before = rule
        self.watch, self.recursive, self.present = QCheckBox(), QCheckBox(), QCheckBox()
        self.folder = QLineEdit()
        self._label = QLabel()
        self._label.setBuddy(self.folder)
        self._browse, self._save = QPushButton(), QPushButton()
        self._save.setProperty("link", True)
        self._hint, self.texts, self.problem = TextLabel(), TextLabel(), TextLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.watch.setChecked(rule is not None)
        self.recursive.setChecked(rule is None or rule.recursive)
        self.folder.setText(str(rule.folder) if rule is not None else "")
        self._arrange()
        self._connect()
        self._retranslate()
        self._update()

    @property
    def rule(self) -> WatchRule | None:
        return WatchRule(Path(self.folder.text()), self.recursive.isChecked()) if self.watch.isChecked() else None

    def accept(self) -> None:
        self.chosen.emit(self.rule, self.present.isChecked())
        super().accept()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self._update()
            self._fit()
        super().changeEvent(event)

    def _fit(self) -> None:
        """As high as its texts are at this width."""
        width = max(self.width(), WIDTH)
        self.resize(width, self._layout.totalHeightForWidth(width))

    def _arrange(self) -> None:
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(self.watch)
        layout.addWidget(self._hint)
        layout.addSpacing(8)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self._label)
        place.addWidget(self.folder, 1)
        place.addWidget(self._browse)
        layout.addLayout(place)
        layout.addWidget(self.problem)
        layout.addWidget(self.recursive)
        layout.addWidget(self.present)
        layout.addSpacing(8)
        layout.addWidget(self.texts)
        layout.addWidget(self._save, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        for label in (self._hint, self.texts):
            label.setProperty("muted", True)
        self.problem.setProperty("danger", True)
        self.setMinimumWidth(WIDTH)

    def _connect(self) -> None:
        self.watch.toggled.connect(self._update)
        self.folder.textChanged.connect(self._update)
        self._browse.clicked.connect(self._ask_for_folder)
        self._save.clicked.connect(self.save_rule_wanted)
        self._save.clicked.connect(self.reject)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _ask_for_folder(self) -> None:
        start = Path(self.folder.text()) if self.folder.text() else Path.home()
        dialogs.ask_watched_folder(self, start, self.folder.setText)

    def _update(self) -> None:
        wanted = self.watch.isChecked()
        for widget in (self._label, self.folder, self._browse, self.recursive, self.present):
            widget.setEnabled(wanted)
        lacks_folder = wanted and not Path(self.folder.text()).is_absolute()
        self.problem.setText(self.tr("Choose a folder.") if lacks_folder else "")
        self.problem.setVisible(lacks_folder)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not lacks_folder)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Watch a folder"))
        self.watch.setText(self.tr("&Watch a folder"))
        hint = self.tr("A recording that comes into it is transcribed by itself, once, when it has been there in full.")
        self._hint.setText(hint)
        self.watch.setAccessibleDescription(hint)
        self._label.setText(self.tr("&Folder"))
        self.folder.setAccessibleName(self.tr("Watched folder"))
        self.folder.setToolTip(self.tr("Its full path; it may be on a network drive"))
        self._browse.setText(self.tr("C&hoose…"))
        self._browse.setToolTip(self.tr("Choose the folder"))
        self.recursive.setText(self.tr("The folders &in it, too"))
        self.recursive.setToolTip(self.tr("Recordings in folders below it are taken as well"))
        self.present.setText(self.tr("Begin with the recordings that are there &already"))
        self.present.setToolTip(self.tr("Otherwise only those that come from now on are taken"))
        formats = ", ".join(self._save_rule.formats)
        self.texts.setText(
            self.tr("Texts are saved by themselves as: {formats}.").format(formats=formats)
            if formats
            else self.tr("Texts stay in the list: none is saved by itself.")
        )
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons.button(ok).setToolTip(self.tr("Do as it is chosen here"))
        self.buttons.button(cancel).setToolTip(self.tr("Leave everything as it was"))
        self._save.setText(self.tr("Save automatically…"))
        self._save.setToolTip(self.tr("Choose in which formats texts are saved, and where"))
