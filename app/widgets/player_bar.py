"""Hearing the recording that is shown: its waveform, play and pause, volume, speed, and a loop."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QLocale, QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.document.transcript import clock
from app.widgets.appearance import Appearance
from app.widgets.text_label import TextLabel
from app.widgets.volume_control import VolumeControl
from app.widgets.waveform_view import WaveformView

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
ICON = QSize(18, 18)


class PlayerBar(QFrame):
    """Displays and emits.

    Signals:
        toggle_wanted: play or pause. step_wanted: to the next segment (1), or the one before (-1).
        speed_chosen: one of `SPEEDS`. loop_toggled: whether the segment is to be heard again and again.
    """

    toggle_wanted = Signal()
    step_wanted = Signal(int)
    speed_chosen = Signal(float)
    loop_toggled = Signal(bool)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("player")
        self._appearance = appearance
        self._is_playing = False
        self.waveform = WaveformView(appearance)
        self.play, self.before, self.after, self.loop = (QToolButton() for _ in range(4))
        self.nearer, self.farther = QToolButton(), QToolButton()
        self.play.setProperty("primary", True)
        self.volume = VolumeControl(appearance, ICON)
        self.speed = QComboBox()
        self.time = QLabel()
        self.time.setProperty("muted", True)
        self.problem = TextLabel()
        self.problem.setProperty("danger", True)
        self.problem.hide()
        self.loop.setCheckable(True)
        for button in self._buttons:
            button.setIconSize(ICON)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.play.clicked.connect(self.toggle_wanted)
        self.before.clicked.connect(self._emit_before)
        self.after.clicked.connect(self._emit_after)
        self.loop.toggled.connect(self.loop_toggled)
        self.nearer.clicked.connect(partial(self.waveform.zoom, 0.5))
        self.farther.clicked.connect(partial(self.waveform.zoom, 2.0))
        for speed in SPEEDS:
            self.speed.addItem("", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.currentIndexChanged.connect(self._emit_speed)
        self._arrange()
        appearance.changed.connect(self._update_icons)
        self._update_icons()
        self._retranslate()
        self.show_time(0.0, 0.0)

    @property
    def _buttons(self) -> tuple[QToolButton, ...]:
        return self.before, self.play, self.after, self.loop, self.nearer, self.farther

    def show_playing(self, is_playing: bool) -> None:
        if is_playing != self._is_playing:
            self._is_playing = is_playing
            self._update_icons()
            self._retranslate()

    def show_time(self, position_s: float, duration_s: float) -> None:
        self.time.setText(f"{clock(position_s)} / {clock(duration_s)}")

    def show_problem(self, text: str) -> None:
        """Why nothing can be heard; "" for no reason."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def change_speed(self, steps: int) -> None:
        index = min(max(self.speed.currentIndex() + steps, 0), len(SPEEDS) - 1)
        self.speed.setCurrentIndex(index)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self.before, self.play, self.after, self.loop):
            row.addWidget(widget)
        row.addSpacing(6)
        row.addWidget(self.time)
        row.addStretch()
        row.addWidget(self.volume)
        row.addSpacing(6)
        row.addWidget(self.farther)
        row.addWidget(self.nearer)
        row.addSpacing(6)
        row.addWidget(self.speed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 4)
        layout.setSpacing(6)
        layout.addWidget(self.waveform)
        layout.addWidget(self.problem)
        layout.addLayout(row)

    def _emit_before(self) -> None:
        self.step_wanted.emit(-1)

    def _emit_after(self) -> None:
        self.step_wanted.emit(1)

    def _emit_speed(self, index: int) -> None:
        self.speed_chosen.emit(SPEEDS[index])

    def _retranslate(self) -> None:
        play = self.tr("Pause") if self._is_playing else self.tr("Play")
        texts = (
            (self.play, play, self.tr("{name} (Ctrl+Space)").format(name=play)),
            (self.before, self.tr("Segment before"), self.tr("Hear the segment before (Ctrl+Up)")),
            (self.after, self.tr("Next segment"), self.tr("Hear the next segment (Ctrl+Down)")),
            (self.loop, self.tr("Repeat the segment"), self.tr("Hear the segment again and again (Ctrl+L)")),
            (self.nearer, self.tr("Zoom in"), self.tr("See less of the recording, larger (Ctrl and wheel)")),
            (self.farther, self.tr("Zoom out"), self.tr("See more of the recording (Ctrl and wheel)")),
            (self.speed, self.tr("Speed"), self.tr("How fast it is played; voices stay as high as they are")),
        )
        for widget, name, tip in texts:
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        for index, speed in enumerate(SPEEDS):
            self.speed.setItemText(index, f"{QLocale().toString(speed, 'f', 2 if speed % 0.5 else 1)} ×")
        self.waveform.setAccessibleName(self.tr("Waveform"))
        self.waveform.setToolTip(
            self.tr(
                "Click to hear it from there; drag the edges of segments to move them (Shift: of one alone).\n"
                "Space: play or pause. Left, right: five seconds. Up, down: zoom. Plus, minus: speed.\n"
                "Tab while listening: next segment. Esc: leave."
            )
        )

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        for button, name, color in (
            (self.play, "pause" if self._is_playing else "resume", colors.on_accent),
            (self.before, "previous", colors.text),
            (self.after, "next", colors.text),
            (self.loop, "loop", colors.text),
            (self.nearer, "zoom_in", colors.text),
            (self.farther, "zoom_out", colors.text),
        ):
            button.setIcon(self._appearance.icon(name, color, ICON.width()))
