"""The first thing a user sees: where to drop recordings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.layouts import centered_row, enlarge

ICON_SIZE = 64
RADIUS = 14


class DropArea(QFrame):
    """A large dashed frame with two buttons. The window takes the drop itself; `set_active` shows that one is near.

    Signals:
        files_wanted, folder_wanted: a button was pressed.
    """

    files_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._active = False
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._hint = self._muted_label()
        self._privacy = self._muted_label()
        self._files = QPushButton()
        self._files.setProperty("primary", True)
        self._files.clicked.connect(self.files_wanted)
        self._folder = QPushButton()
        self._folder.clicked.connect(self.folder_wanted)
        for button in (self._files, self._folder):
            button.setIconSize(BUTTON_ICON_SIZE)
        self._arrange()
        appearance.changed.connect(self._update_icons)
        self._update_icons()
        self._retranslate()

    def set_active(self, active: bool) -> None:
        if active != self._active:
            self._active = active
            self._retranslate()
            self.update()

    def add_below(self, widget: QWidget) -> None:
        self._below.addWidget(widget)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        colors = self._appearance.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(colors.accent if self._active else colors.muted), 2 if self._active else 1.5)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.setBrush(QColor(colors.drop if self._active else colors.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), RADIUS, RADIUS)

    def _muted_label(self) -> QLabel:
        label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        label.setProperty("muted", True)
        return label

    def _arrange(self) -> None:
        enlarge(self._title, 1.7, self._appearance)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 32, 32, 32)
        layout.setSpacing(10)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        layout.addSpacing(6)
        layout.addWidget(self._title)
        layout.addWidget(self._hint)
        layout.addSpacing(14)
        layout.addLayout(centered_row(self._files, self._folder))
        layout.addStretch(3)
        self._below = QVBoxLayout()
        layout.addLayout(self._below)
        layout.addWidget(self._privacy)

    def _retranslate(self) -> None:
        self._title.setText(self.tr("Release to transcribe") if self._active else self.tr("Drop recordings here"))
        self._hint.setText(self.tr("Audio and video files of any usual kind, or whole folders"))
        self._privacy.setText(self.tr("Everything happens on this computer. Nothing is sent anywhere."))
        self._files.setText(self.tr("Choose files…"))
        self._files.setToolTip(self.tr("Pick the audio and video files to transcribe"))
        self._folder.setText(self.tr("Choose a folder…"))
        self._folder.setToolTip(self.tr("All recordings in a folder, and in the folders in it"))
        self.setAccessibleName(self._title.text())

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        self._icon.setPixmap(self._appearance.pixmap("wave", colors.accent, ICON_SIZE))
        self._files.setIcon(self._appearance.button_icon("add", colors.on_accent))
        self._folder.setIcon(self._appearance.button_icon("folder", colors.text))
        self.update()
