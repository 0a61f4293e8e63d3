"""Shows that a folder is watched, and whether it is there; opens the dialog about it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QStylePainter, QWidget

from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance

MIN_WIDTH = 80


class WatchIndicator(QPushButton):
    """One line, with the folder's name; the middle of a long one is left out. Hidden where none is watched."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._folder: Path | None = None
        self._is_lost = False
        self.setProperty("link", True)
        self.setIconSize(BUTTON_ICON_SIZE)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self._update)
        self._update()

    def show_folder(self, folder: Path | None, *, is_lost: bool = False) -> None:
        if (folder, is_lost) != (self._folder, self._is_lost):
            self._folder, self._is_lost = folder, is_lost
            self._update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as its place is."""
        return QSize(MIN_WIDTH, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() - BUTTON_ICON_SIZE.width() - 8
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room)
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._update()
        super().changeEvent(event)

    def _update(self) -> None:
        self.setVisible(self._folder is not None)
        if self._folder is None:
            return
        colors = self._appearance.colors
        name = self._folder.name or str(self._folder)
        if self._is_lost:
            text = self.tr("Not there: {folder}").format(folder=name)
            tip = self.tr("The watched folder {path} cannot be looked at. It is tried again and again.")
        else:
            text = self.tr("Watched: {folder}").format(folder=name)
            tip = self.tr("New recordings in {path} are transcribed by themselves.")
        self.setText(text.replace("&", "&&"))
        self.setToolTip(tip.format(path=self._folder))
        self.setAccessibleName(text)
        icon, color = ("warning", colors.warning) if self._is_lost else ("watch", colors.accent)
        self.setIcon(self._appearance.button_icon(icon, color))
