"""The program's icon in the tray, with what can be done without its window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.paths import APP_NAME
from app.widgets.appearance import LIGHT

SIZE = 64  # pixels; the panel makes it smaller


class DictationTray(QObject):
    """Signals:
    dictate_wanted: begin or end. open_wanted: the window. quit_wanted: the end of the program.
    """

    dictate_wanted = Signal()
    open_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, icon: QIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._idle = icon
        self._active = False
        self.menu = _Menu(self)
        self.dictate = self.menu.addAction("")
        self.open = self.menu.addAction("")
        self.menu.addSeparator()
        self.quit = self.menu.addAction("")
        self.icon = QSystemTrayIcon(icon, self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._on_activated)
        self.dictate.triggered.connect(self.dictate_wanted)
        self.open.triggered.connect(self.open_wanted)
        self.quit.triggered.connect(self.quit_wanted)
        self.update()

    def show_active(self, active: bool) -> None:
        self._active = active
        self.update()

    def tell(self, title: str, text: str) -> None:
        self.icon.showMessage(title, text, self._idle)

    def close(self) -> None:
        self.icon.hide()
        self.menu.deleteLater()
        self.deleteLater()

    def update(self) -> None:
        self.dictate.setText(self.tr("End dictation") if self._active else self.tr("Dictate"))
        self.open.setText(self.tr("Open the window"))
        self.quit.setText(self.tr("Quit"))
        self.icon.setToolTip(self.tr("{app}: dictating").format(app=APP_NAME) if self._active else APP_NAME)
        self.icon.setIcon(self._recording_icon() if self._active else self._idle)

    def _recording_icon(self) -> QIcon:
        """With a dot, whose ring sets it off from panels light and dark."""
        pixmap = self._idle.pixmap(SIZE, SIZE)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(LIGHT.danger))
        painter.setPen(QPen(QColor(LIGHT.surface), SIZE / 16))
        side = SIZE * 0.5
        painter.drawEllipse(QRectF(SIZE - side - 1, SIZE - side - 1, side, side))
        painter.end()
        return QIcon(pixmap)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.open_wanted.emit()


class _Menu(QMenu):
    def __init__(self, tray: DictationTray) -> None:
        super().__init__()
        self._tray = tray

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._tray.update()
        super().changeEvent(event)
