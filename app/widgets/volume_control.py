"""How loud recordings are played: a slider, and a button that silences."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QToolButton, QWidget

from app.widgets.appearance import Appearance
from app.widgets.texts import percent

STEP = 5  # of 100, with an arrow key
KEY_STEP = 10  # with the keys of the menu
LEAST_WIDTH = 44


class VolumeControl(QWidget):
    """Signals:
    changed: what is heard is louder or softer.
    chosen: the user has moved the slider: 0 to 100.
    muted: silenced, or not any more.
    """

    changed = Signal()
    chosen = Signal(int)
    muted = Signal(bool)

    def __init__(self, appearance: Appearance, icon: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance, self._icon = appearance, icon
        self.mute, self.slider = QToolButton(), QSlider(Qt.Orientation.Horizontal)
        self.mute.setCheckable(True)
        self.mute.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.mute.setIconSize(icon)
        self.slider.setRange(0, 100)
        self.slider.setValue(100)
        self.slider.setSingleStep(STEP)
        self.slider.setPageStep(4 * STEP)
        self.slider.setMinimumWidth(LEAST_WIDTH)  # it gives way where times are long
        self.slider.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.slider.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # the style sheet fills its left part
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.mute)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_moved)
        self.mute.toggled.connect(self._on_muted)
        appearance.changed.connect(self._update_icon)
        self._update_icon()
        self._retranslate()

    @property
    def factor(self) -> float:
        """For the samples, 0 to 1: the cube of the slider, which sounds even, as in PulseAudio."""
        return 0.0 if self.mute.isChecked() else (self.slider.value() / 100) ** 3

    def set_volume(self, volume: int) -> None:
        """0 to 100, as it was kept."""
        self.slider.setValue(volume)

    def step(self, steps: int) -> None:
        self.slider.setValue(self.slider.value() + steps * KEY_STEP)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _on_moved(self, value: int) -> None:
        self.mute.setChecked(False)  # whoever moves it wants to hear
        self._update_icon()
        self._retranslate()
        self.chosen.emit(value)
        self.changed.emit()

    def _on_muted(self, muted: bool) -> None:
        self._update_icon()
        self._retranslate()
        self.muted.emit(muted)
        self.changed.emit()

    def _retranslate(self) -> None:
        self.slider.setAccessibleName(self.tr("Volume"))
        self.slider.setToolTip(self.tr("Volume: {percent}").format(percent=percent(self.slider.value() / 100)))
        self.mute.setAccessibleName(self.tr("Mute"))
        self.mute.setToolTip(self.tr("Play it aloud again") if self.mute.isChecked() else self.tr("Play without sound"))

    def _update_icon(self) -> None:
        name = "volume" if self.factor else "muted"
        self.mute.setIcon(self._appearance.icon(name, self._appearance.colors.text, self._icon.width()))
