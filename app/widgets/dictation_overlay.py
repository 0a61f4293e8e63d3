"""What is heard while another program has the keyboard: small, above all windows, and never in the way of keys."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from app.widgets.appearance import Appearance

NOTE_MS = 8000
N_SHOWN = 160  # characters, the last ones
WIDTH = 64  # average characters
FROM_EDGE = 40  # pixels
ICON_SIZE = 20


class DictationOverlay(QFrame):
    """Signals:
    stop_wanted: the button.
    """

    stop_wanted = Signal()

    def __init__(self, appearance: Appearance) -> None:
        flags = Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint
        super().__init__(None, flags | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.setObjectName("overlay")
        self._appearance = appearance
        self._phase, self._voice, self._trouble = "idle", False, ""
        self._committed = self._tentative = self._note = ""
        self._sign = QLabel()
        self._state = QLabel()
        self._state.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.stop = QPushButton()
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        top = QHBoxLayout()
        top.addWidget(self._sign)
        top.addWidget(self._state, 1)
        top.addWidget(self.stop)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 10)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self._text)
        self._gone = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._gone.timeout.connect(self.hide)
        self.stop.clicked.connect(self.stop_wanted)
        appearance.changed.connect(self._update)
        self._update()

    def begin(self) -> None:
        """A new dictation."""
        self._gone.stop()
        self._committed = self._tentative = self._note = self._trouble = ""
        self._phase, self._voice = "starting", False
        self._update()
        self._place()
        self.show()

    def show_state(self, phase: str, *, voice: bool, trouble: str) -> None:
        """Args:
        phase: of `app.dictation.DictationState`.
        trouble: why nothing is heard; "" if all is well.
        """
        self._phase, self._voice, self._trouble = phase, voice, trouble
        self._update()

    def show_tentative(self, words: str) -> None:
        self._tentative = words
        self._update()

    def add_committed(self, words: str) -> None:
        self._committed = (self._committed + words)[-2 * N_SHOWN :]
        self._update()

    def show_note(self, note: str) -> None:
        """Something that has to be known; it goes by itself."""
        self._note, self._tentative = note, ""
        self._update()
        self._place()
        self.show()
        self._gone.start()

    def end(self) -> None:
        """All is put in."""
        if not self._note:
            self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        width = WIDTH * self.fontMetrics().averageCharWidth()
        return QSize(width, self._layout.totalHeightForWidth(width))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self.isVisible():
            self._place()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.FontChange):
            self._update()
        super().changeEvent(event)

    def _update(self) -> None:
        colors = self._appearance.colors
        if self._note:
            state, icon, color = self.tr("Not put in"), "warning", colors.warning
        elif self._trouble:
            state, icon, color = self.tr("Nothing is heard"), "warning", colors.warning
        else:
            state, icon, color = self._state_text(), "microphone", colors.accent if self._voice else colors.muted
        self._sign.setPixmap(self._appearance.pixmap(icon, color, ICON_SIZE))
        self._state.setText(state)
        self.stop.setText(self.tr("Close") if self._note else self.tr("Stop"))
        self.stop.setToolTip(
            self.tr("Close this note") if self._note else self.tr("Ends the dictation; what was said is still put in")
        )
        self._text.setText(self._rich_text())
        name = self.tr("Dictation")
        self.setWindowTitle(f"{name} – {state}")
        self.setAccessibleName(name)
        self.setAccessibleDescription(f"{state}. {self._note or self._trouble or self._committed + self._tentative}")
        self.setFixedSize(self.sizeHint())
        self._layout.activate()  # a button whose text is another has its new width at once

    def _state_text(self) -> str:
        if self._phase == "listening" and self._voice:
            return self.tr("Hearing you")
        return {
            "starting": self.tr("Starting…"),
            "listening": self.tr("Listening"),
            "paused": self.tr("Paused"),
            "stopping": self.tr("Finishing…"),
        }.get(self._phase, self.tr("Putting in the text…"))

    def _rich_text(self) -> str:
        colors = self._appearance.colors
        if self._note or self._trouble:
            return html.escape(self._note or self._trouble).replace("\n", "<br>")
        tentative = self._tentative[-N_SHOWN:]
        committed = _tail(self._committed, N_SHOWN - len(tentative))
        if not (committed or tentative).strip():
            hint = html.escape(self.tr("Speak now."))
            return f'<span style="color:{colors.muted}">{hint}</span>'
        return f'{html.escape(committed)}<i style="color:{colors.muted}">{html.escape(tentative)}</i>'

    def _place(self) -> None:
        """Below the middle of the screen that is being worked on. On Wayland the desktop places it."""
        screen = QGuiApplication.screenAt(QCursor.pos()) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        x = room.left() + (room.width() - self.width()) // 2
        self.move(x, room.bottom() - self.height() - FROM_EDGE)


def _tail(text: str, n_characters: int) -> str:
    """The end of a text, from a word on."""
    if len(text) <= n_characters:
        return text.lstrip()
    end = text[-max(n_characters, 1) :]
    return "…" + (end[end.find(" ") + 1 :] if " " in end[:30] else end)
