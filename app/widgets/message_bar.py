"""A bar above the content that says what happened and what to do; never in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QSize, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.widgets.appearance import Appearance
from app.widgets.text_label import TextLabel

Severity = Literal["info", "warning", "error"]

INFO_MS = 5000
ICON_SIZE = 20
CLOSE_SIZE = 16


@dataclass(frozen=True)
class Saying:
    """What a message says: a headline, particulars, and the label of a button; "" is none."""

    headline: str = ""
    text: str = ""
    action: str = ""


class MessageBar(QFrame):
    """Shows one message, the latest. Information goes by itself, warnings and errors stay until they are closed.

    Signals:
        action_requested: the button of a message was pressed that does not say what it does.
    """

    action_requested = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._appearance = appearance
        self._severity: Severity = "info"
        self._compose: Callable[[], Saying] = Saying
        self._icon = QLabel()
        self._headline, self._text = TextLabel(), TextLabel()
        self._action = QPushButton()
        self._act: Callable[[], object] | None = None
        self._action.clicked.connect(self._on_action)
        self._close = QToolButton()
        self._close.setIconSize(QSize(CLOSE_SIZE, CLOSE_SIZE))
        self._close.clicked.connect(self.hide)
        self._timer = QTimer(self, singleShot=True, interval=INFO_MS)
        self._timer.timeout.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(10)
        layout.addWidget(self._icon)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._headline)
        texts.addWidget(self._text)
        layout.addLayout(texts, 1)
        layout.addWidget(self._action)
        layout.addWidget(self._close)
        appearance.changed.connect(self._update_icons)
        self._update_icons()
        self._retranslate()
        self.hide()

    @property
    def text(self) -> str:
        return "\n".join(label.text() for label in (self._headline, self._text) if label.text())

    @property
    def severity(self) -> Severity:
        return self._severity

    def say(self, severity: Severity, compose: Callable[[], Saying], act: Callable[[], object] | None = None) -> None:
        """Replace what is shown by what `compose` makes, now and whenever the language changes.

        Args:
            act: what its button does; None: `action_requested` is emitted.
        """
        self._severity, self._act = severity, act
        self._compose = compose
        self._update_text()
        self.setProperty("severity", severity)
        for widget in (self, self._headline):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        self._update_icons()
        self.show()
        if severity == "info":
            self._timer.start()
        else:
            self._timer.stop()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _on_action(self) -> None:
        if self._act is None:
            self.action_requested.emit()
        else:
            self._act()

    def _update_text(self) -> None:
        saying = self._compose()
        for label, content in ((self._headline, saying.headline), (self._text, saying.text)):
            label.setText(content)
            label.setVisible(bool(content))
        self._headline.setProperty("heading", bool(saying.text))
        self._action.setText(saying.action)
        self._action.setVisible(bool(saying.action))
        self.setAccessibleName(self.text)
        self._action.setAccessibleDescription(self.text)

    def _retranslate(self) -> None:
        self._update_text()
        self._close.setToolTip(self.tr("Close this message"))
        self._close.setAccessibleName(self.tr("Close this message"))

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        color = {"info": colors.accent, "warning": colors.warning, "error": colors.danger}[self._severity]
        self._icon.setPixmap(self._appearance.pixmap(self._severity, color, ICON_SIZE))
        self._close.setIcon(self._appearance.icon("close", colors.text, CLOSE_SIZE))
