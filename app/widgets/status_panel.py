"""What does the work, and how well: device, model, memory, speed, language."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QWidget

from app.engine.messages import ModelFailed, ModelLoaded, ModelLoading
from app.languages import language_name
from app.session import Recording
from app.widgets import engine_texts
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, percent, real_time_factor
from gpu.types import MemoryUsage


class StatusPanel(QFrame):
    """Displays what it is given last.

    Signals:
        model_wanted: the user wants another model.
    """

    model_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._model_state: ModelLoading | ModelLoaded | ModelFailed | None = None
        self._memory: MemoryUsage | None = None
        self._recording: Recording | None = None
        self._names = [QLabel() for _ in range(5)]
        self.device, self.model, self.memory, self.speed, self.language = self._values = [TextLabel() for _ in range(5)]
        self.note = TextLabel()
        self._choose = QPushButton()
        self._choose.setProperty("link", True)
        self._choose.clicked.connect(self.model_wanted)
        self._arrange()
        self._retranslate()

    def show_model(self, message: ModelLoading | ModelLoaded | ModelFailed) -> None:
        self._model_state = message
        self._update()

    def show_memory(self, memory: MemoryUsage) -> None:
        self._memory = memory
        self._update()

    def show_recording(self, recording: Recording | None) -> None:
        """The recording whose speed and language are shown: the running one, else the selected one."""
        self._recording = recording
        if recording is not None and recording.stats is not None and not recording.state.is_over:
            self._memory = recording.stats.memory
        self._update()

    @property
    def lines(self) -> list[str]:
        """What it says, for a bug report."""
        names = [label.text() for label in self._names]
        return [f"{name}: {value.text()}" for name, value in zip(names, self._values, strict=True)]

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setHorizontalSpacing(12)
        layout.setVerticalSpacing(6)
        layout.setColumnStretch(1, 1)
        self.note.setProperty("muted", True)
        row = 0
        for name, value in zip(self._names, self._values, strict=True):
            name.setProperty("muted", True)
            layout.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            layout.addWidget(value, row, 1)
            row += 1
            if value is self.device:
                layout.addWidget(self.note, row, 1)
                row += 1
            elif value is self.model:
                layout.addWidget(self._choose, row, 1, Qt.AlignmentFlag.AlignLeft)
                row += 1

    def _retranslate(self) -> None:
        names = [self.tr("Device"), self.tr("Model"), self.tr("Memory"), self.tr("Speed"), self.tr("Language")]
        for label, value, name in zip(self._names, self._values, names, strict=True):
            label.setText(name)
            value.setAccessibleName(name)
        self._choose.setText(self.tr("Choose another model…"))
        explanation = self.tr(
            "Real-time factor: processing seconds per second of audio. Below 1 is faster than real time."
        )
        self._names[3].setToolTip(explanation)
        self.speed.setToolTip(explanation)
        self._update()

    def _update(self) -> None:
        self._update_model()
        self.memory.setText(self._memory_text())
        self.speed.setText(self._speed_text())
        self.language.setText(self._language_text())
        for value in self._values:
            value.setAccessibleDescription(value.text())

    def _update_model(self) -> None:
        match self._model_state:
            case ModelLoaded(model, device):
                self.device.setText(f"{'GPU' if device.kind == 'cuda' else 'CPU'} · {device.name}")
                self.note.setText(engine_texts.translated(device.note))
                kind = model.name if model.size in model.name else f"{model.name} · {model.size}"
                self.model.setText(f"{kind} · {model.quantization} · {data_size(model.n_bytes)}")
            case ModelLoading(path):
                self.device.setText("–")
                self.note.clear()
                self.model.setText(self.tr("Loading {name}…").format(name=path.stem))
            case ModelFailed(path=path):
                self.device.setText("–")
                self.note.clear()
                self.model.setText(self.tr("{name} could not be loaded").format(name=path.name))
            case None:
                self.device.setText("–")
                self.model.setText("–")
        self.note.setVisible(bool(self.note.text()))

    def _memory_text(self) -> str:
        if self._memory is None:
            return "–"
        used = self.tr("{size} used").format(size=data_size(self._memory.used))
        peak = self.tr("peak {size}").format(size=data_size(self._memory.peak))
        free = self.tr("{size} free").format(size=data_size(self._memory.free))
        return f"{used} · {peak}\n{free}"

    def _speed_text(self) -> str:
        recording = self._recording
        if recording is None or recording.stats is None:
            return "–"
        return real_time_factor(recording.stats.real_time_factor)

    def _language_text(self) -> str:
        recording = self._recording
        if recording is None or recording.transcript.language is None:
            return "–"
        name = language_name(recording.transcript.language)
        if recording.probability is None:
            return self.tr("{name} (chosen)").format(name=name)
        return self.tr("{name} (detected, {percent})").format(name=name, percent=percent(recording.probability))
