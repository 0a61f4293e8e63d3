"""Sets of options under names: kept, taken, renamed, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.widgets.text_label import TextLabel


class ProfilesPage(QWidget):
    """Signals:
    keep_wanted: what is chosen now, under this name. take_wanted, delete_wanted: this one.
    rename_wanted: this one, to that name.
    """

    keep_wanted = Signal(str)
    take_wanted = Signal(str)
    delete_wanted = Signal(str)
    rename_wanted = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explanation = TextLabel()
        self._explanation.setProperty("muted", True)
        self.list = QListWidget()
        self.name = QLineEdit(maxLength=60)
        self.keep, self.take, self.rename, self.delete = (QPushButton() for _ in range(4))
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.keep)
        row.addWidget(self.rename)
        below = QHBoxLayout()
        below.addWidget(self.take)
        below.addWidget(self.delete)
        below.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 6, 18, 12)
        layout.addWidget(self._explanation)
        layout.addWidget(self.list, 1)
        layout.addLayout(below)
        layout.addLayout(row)
        self.list.currentTextChanged.connect(self._on_current)
        self.list.itemActivated.connect(self._emit_take)
        self.name.textChanged.connect(self._update)
        self.name.returnPressed.connect(self.keep.click)
        self.keep.clicked.connect(self._emit_keep)
        self.take.clicked.connect(self._emit_take)
        self.delete.clicked.connect(self._emit_delete)
        self.rename.clicked.connect(self._emit_rename)
        self._retranslate()
        self._update()

    def show_profiles(self, names: Sequence[str], current: str = "") -> None:
        self.list.clear()
        self.list.addItems(list(names))
        found = self.list.findItems(current, Qt.MatchFlag.MatchExactly)
        if found:
            self.list.setCurrentItem(found[0])
        self._update()

    @property
    def current(self) -> str:
        item = self.list.currentItem()
        return item.text() if item is not None else ""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _on_current(self, name: str) -> None:
        self.name.setText(name)
        self._update()

    def _update(self) -> None:
        name = self.name.text().strip()
        self.keep.setEnabled(bool(name))
        self.take.setEnabled(bool(self.current))
        self.delete.setEnabled(bool(self.current))
        self.rename.setEnabled(bool(self.current and name and name != self.current))

    def _emit_keep(self) -> None:
        self.keep_wanted.emit(self.name.text().strip())

    def _emit_take(self) -> None:
        self.take_wanted.emit(self.current)

    def _emit_delete(self) -> None:
        self.delete_wanted.emit(self.current)

    def _emit_rename(self) -> None:
        self.rename_wanted.emit(self.current, self.name.text().strip())

    def _retranslate(self) -> None:
        self._explanation.setText(
            self.tr(
                "A profile keeps how recordings are recognised and which files are written: one for interviews, one "
                "for subtitles. Taking it holds for recordings that are added next."
            )
        )
        self.list.setAccessibleName(self.tr("Profiles"))
        self.list.setAccessibleDescription(self.tr("Enter takes the selected one"))
        self.name.setPlaceholderText(self.tr("Name, such as “Interviews”"))
        self.name.setAccessibleName(self.tr("Name of the profile"))
        self.name.setToolTip(self.tr("Under which the options chosen now are kept"))
        self.keep.setText(self.tr("Keep what is chosen now"))
        self.keep.setToolTip(self.tr("Under this name; one of that name is replaced"))
        self.rename.setText(self.tr("Rename"))
        self.rename.setToolTip(self.tr("Gives the selected profile this name"))
        self.take.setText(self.tr("Take"))
        self.take.setToolTip(self.tr("Chooses the options of the selected profile"))
        self.delete.setText(self.tr("Delete"))
        self.delete.setToolTip(self.tr("Forgets the selected profile"))
