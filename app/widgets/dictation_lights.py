"""Three lights with words: a voice is heard, its words are worked out, nothing comes."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

ON, OFF = "●", "○"


class DictationLights(QWidget):
    """A light that is on is filled, bold and coloured; its word says what it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.voice, self.transcribing, self.stalled = (QLabel() for _ in range(3))
        self._on = {self.voice: False, self.transcribing: False, self.stalled: False}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        for label, look in ((self.voice, "voice"), (self.transcribing, "work"), (self.stalled, "trouble")):
            label.setProperty("light", look)
            layout.addWidget(label)
        self._retranslate()

    def show_state(self, *, voice: bool, transcribing: bool, stalled: bool) -> None:
        for label, on in ((self.voice, voice), (self.transcribing, transcribing), (self.stalled, stalled)):
            if self._on[label] != on:
                self._on[label] = on
                self._show(label)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self._names = {
            self.voice: (self.tr("Voice"), self.tr("Somebody is heard speaking"), self.tr("Nobody is heard speaking")),
            self.transcribing: (
                self.tr("Transcribing"),
                self.tr("Words are being worked out"),
                self.tr("There are no words to be worked out"),
            ),
            self.stalled: (
                self.tr("Stalled"),
                self.tr("Nothing comes from the microphone"),
                self.tr("The microphone gives sound, or is not used"),
            ),
        }
        for label in self._on:
            self._show(label)

    def _show(self, label: QLabel) -> None:
        on = self._on[label]
        name, is_on, is_off = self._names[label]
        label.setText(f"{ON if on else OFF} {name}")
        label.setToolTip(is_on if on else is_off)
        label.setAccessibleName(is_on if on else is_off)
        label.setProperty("on", on)
        label.style().unpolish(label)
        label.style().polish(label)
