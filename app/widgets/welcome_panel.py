"""What a person may want at the first start, under the place where recordings are dropped. Nothing has to be done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text_label import TextLabel

QUIETEST_DB = -60.0  # where the bar begins
DIALOG_WIDTH = 760


class WelcomePanel(QFrame):
    """Three offers side by side: the GPU, another model, the microphone.

    Args:
        asked_for: by somebody who knows it already: it is closed rather than skipped.

    Signals:
        gpu_wanted, models_wanted: their windows. test_toggled: the microphone is to be listened to, or not any more.
        microphone_chosen: its place in the list. skipped: never again. retranslated: the rest is to be said anew.
    """

    gpu_wanted = Signal()
    models_wanted = Signal()
    test_toggled = Signal(bool)
    microphone_chosen = Signal(int)
    skipped = Signal()
    retranslated = Signal()

    def __init__(self, parent: QWidget | None = None, *, asked_for: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._asked_for = asked_for
        self._intro = TextLabel()
        self.skip, self.gpu, self.models, self.test = (QPushButton() for _ in range(4))
        self.skip.setProperty("link", True)
        self.test.setCheckable(True)
        self._titles = [QLabel() for _ in range(3)]
        self.gpu_text, self.model_text, self.microphone_text = (TextLabel() for _ in range(3))
        self.microphones = QComboBox()
        self.microphones.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.level = QProgressBar(textVisible=False, maximum=100)
        self._arrange()
        self.skip.clicked.connect(self.skipped)
        self.gpu.clicked.connect(self.gpu_wanted)
        self.models.clicked.connect(self.models_wanted)
        self.test.toggled.connect(self.test_toggled)
        self.microphones.activated.connect(self.microphone_chosen)
        self._retranslate()

    def show_gpu(self, text: str, *, can_enable: bool) -> None:
        self.gpu_text.setText(text)
        self.gpu.setVisible(can_enable)

    def show_model(self, text: str) -> None:
        self.model_text.setText(text)

    def show_microphones(self, names: Sequence[str], text: str) -> None:
        """Args:
        text: what is said below the list, such as why there are none.
        """
        self.microphones.clear()
        self.microphones.addItems(list(names))
        self.microphones.setVisible(bool(names))
        self.test.setVisible(bool(names))
        self.level.setVisible(bool(names))
        self.microphone_text.setText(text)

    def show_level(self, level_db: float) -> None:
        self.level.setValue(round(100 * min(max(1 - level_db / QUIETEST_DB, 0.0), 1.0)))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self.retranslated.emit()
        super().changeEvent(event)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._intro, 1)
        head.addWidget(self.skip, 0, Qt.AlignmentFlag.AlignTop)
        columns = QHBoxLayout()
        columns.setSpacing(24)
        contents: tuple[tuple[QWidget, ...], ...] = (
            (self.gpu_text, self.gpu),
            (self.model_text, self.models),
            (self.microphone_text, self.microphones, self.level, self.test),
        )
        for title, widgets in zip(self._titles, contents, strict=True):
            title.setProperty("heading", True)
            widgets[0].setProperty("muted", True)
            column = QVBoxLayout()
            column.setSpacing(6)
            column.addWidget(title)
            for widget in widgets:
                is_wide = not isinstance(widget, QPushButton)
                column.addWidget(widget, 0, Qt.AlignmentFlag(0) if is_wide else Qt.AlignmentFlag.AlignLeft)
            column.addStretch()
            columns.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addLayout(columns)

    def _retranslate(self) -> None:
        self._intro.setText(self.tr("Everything works already. Three things that you may want to look at first:"))
        if self._asked_for:
            self.skip.setText(self.tr("Close"))
            self.skip.setToolTip(self.tr("It is in the menu “Help”"))
        else:
            self.skip.setText(self.tr("Skip"))
            self.skip.setToolTip(self.tr("Hides this for good; all of it is in the menus"))
        for title, text in zip(
            self._titles, (self.tr("Graphics card"), self.tr("Model"), self.tr("Microphone")), strict=True
        ):
            title.setText(text)
        self.gpu.setText(self.tr("GPU support…"))
        self.gpu.setToolTip(self.tr("Fetches what the GPU needs, and tests it"))
        self.models.setText(self.tr("Models…"))
        self.models.setToolTip(self.tr("All models, with what each needs on this computer"))
        self.test.setText(self.tr("Listen"))
        self.test.setToolTip(self.tr("Shows how loud it is at this microphone; nothing is recorded"))
        self.microphones.setAccessibleName(self.tr("Microphone"))
        self.microphones.setToolTip(self.tr("Which one to listen to"))
        self.level.setAccessibleName(self.tr("Level of the microphone"))


class WelcomeDialog(QDialog):
    """The same, in a window of its own, for those who ask for it later. Deletes itself when closed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.panel = WelcomePanel(asked_for=True)
        self.panel.skipped.connect(self.close)
        self.panel.retranslated.connect(self._retranslate)
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.panel)
        self._retranslate()
        self.resize(DIALOG_WIDTH, 0)

    def event(self, event: QEvent) -> bool:
        """As high as what was found out takes."""
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self.resize(self.width(), max(self.height(), self._layout.totalHeightForWidth(self.width())))
        return done

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Welcome"))
