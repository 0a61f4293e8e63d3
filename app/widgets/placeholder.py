"""What stands where the transcript is not: a wait, silence, or an error with what to do about it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.engine_texts import Problem
from app.widgets.layouts import centered_row, enlarge
from app.widgets.text_label import TextLabel

ICON_SIZE = 48


class Placeholder(QWidget):
    """An icon, a few lines and, for errors, buttons.

    Signals:
        retry_requested, model_wanted: the buttons of an error.
    """

    retry_requested = Signal()
    model_wanted = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._picture = ("wave", "muted")
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.headline, self.detail, self.remedy = (TextLabel(centered=True) for _ in range(3))
        enlarge(self.headline, 1.25, self._appearance)
        self.headline.setProperty("heading", True)
        self.detail.setProperty("muted", True)
        self._retry, self._choose_model = QPushButton(), QPushButton()
        self._retry.setProperty("primary", True)
        self._retry.setIconSize(BUTTON_ICON_SIZE)
        self._retry.clicked.connect(self.retry_requested)
        self._choose_model.clicked.connect(self.model_wanted)
        self._arrange()
        appearance.changed.connect(self._update_icon)
        self._retranslate()

    def show_text(self, icon: str, text: str) -> None:
        self._picture = (icon, "muted")
        self._set_lines(text, "", "")
        self._retry.hide()
        self._choose_model.hide()
        self._update_icon()

    def show_problem(self, problem: Problem, *, about_model: bool) -> None:
        self._picture = ("error", "danger")
        self._set_lines(problem.headline, problem.detail, problem.remedy)
        self._retry.show()
        self._choose_model.setVisible(about_model)
        self._update_icon()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(48, 24, 48, 24)
        layout.setSpacing(10)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        for label in (self.headline, self.detail, self.remedy):
            layout.addWidget(label)
        layout.addSpacing(8)
        layout.addLayout(centered_row(self._retry, self._choose_model))
        layout.addStretch(3)

    def _set_lines(self, *lines: str) -> None:
        for label, line in zip((self.headline, self.detail, self.remedy), lines, strict=True):
            label.setText(line)
            label.setVisible(bool(line))
        self.setAccessibleName("\n".join(line for line in lines if line))

    def _retranslate(self) -> None:
        self._retry.setText(self.tr("Try again"))
        self._retry.setToolTip(self.tr("Transcribe this recording again"))
        self._choose_model.setText(self.tr("Choose model file…"))
        self._choose_model.setToolTip(self.tr("Transcribe with another model"))

    def _update_icon(self) -> None:
        name, color = self._picture
        colors = self._appearance.colors
        shown = colors.danger if color == "danger" else colors.muted
        self._icon.setPixmap(self._appearance.pixmap(name, shown, ICON_SIZE))
        self._retry.setIcon(self._appearance.button_icon("retry", colors.on_accent))
