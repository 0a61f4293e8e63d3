"""What does the work, and how well: device, model, memory, speed, language; and, in its details, tokens and queue."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QEvent, QLocale, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.document.transcript import clock
from app.engine.messages import ModelFailed, ModelLoaded, ModelLoading
from app.engine.pace import Speed
from app.languages import language_name
from app.paths import APP_NAME
from app.queue_meter import QueueLag
from app.session import Recording, State
from app.widgets import engine_texts
from app.widgets.memory_graph import MemoryGraph
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, model_name, percent, real_time_factor, time_left
from gpu.types import MemoryUsage

COPIED_MS = 2000
N_ROWS, FIRST_DETAIL = 8, 5
MIN_HEIGHT = 150


class _Shrinking(QScrollArea):
    """As high as what is in it, where there is room; else it scrolls."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        self._content = content
        content.installEventFilter(self)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(super().sizeHint().width(), self._content.heightForWidth(self.viewport().width()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(self._content.minimumSizeHint().width(), min(MIN_HEIGHT, self.sizeHint().height()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self.updateGeometry()
        return super().eventFilter(watched, event)


class StatusPanel(QFrame):
    """Displays what it is given last.

    Signals:
        model_wanted: the user wants another model.
        details_toggled: whether they are shown.
    """

    model_wanted = Signal()
    details_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._model_state: ModelLoading | ModelLoaded | ModelFailed | None = None
        self._memory: MemoryUsage | None = None
        self._recording: Recording | None = None
        self._speed, self._queue = Speed(), QueueLag(0, 0.0, 0, None)
        self._names = [QLabel() for _ in range(N_ROWS)]
        self._values = [TextLabel() for _ in range(N_ROWS)]
        self.device, self.model, self.memory, self.speed, self.language = self._values[:FIRST_DETAIL]
        self.tokens, self.fallbacks, self.queue = self._values[FIRST_DETAIL:]
        self.note, self.graph = TextLabel(), MemoryGraph()
        self._choose, self.details, self.copy = QPushButton(), QPushButton(), QPushButton()
        self._copied = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._arrange()
        self._choose.clicked.connect(self.model_wanted)
        self.details.clicked.connect(self._toggle_details)
        self.copy.clicked.connect(self._copy)
        self._copied.timeout.connect(self._retranslate)
        self.show_details(False)
        self._retranslate()

    def show_model(self, message: ModelLoading | ModelLoaded | ModelFailed) -> None:
        self._model_state = message
        self._update()

    def show_memory(self, memory: MemoryUsage) -> None:
        self._memory = memory
        self._set(self.memory, self._memory_text())

    def show_recording(self, recording: Recording | None) -> None:
        """The recording whose speed and language are shown: the running one, else the selected one."""
        self._recording = recording
        if recording is not None and recording.stats is not None and not recording.state.is_over:
            self._memory = recording.stats.memory
        self._update()

    def show_run(self, speed: Speed, queue: QueueLag) -> None:
        """As it is at this moment."""
        self._speed, self._queue = speed, queue
        self._update_run()

    def show_details(self, shown: bool) -> None:
        self._details_shown = shown
        for label in (*self._names[FIRST_DETAIL:], *self._values[FIRST_DETAIL:]):
            label.setVisible(shown)
        self._retranslate()

    def sample(self) -> None:
        """Memory as it is now is the next point of the graph. Call it at equal intervals."""
        if self._memory is not None:
            self.graph.add(self._memory)

    @property
    def lines(self) -> list[str]:
        """All it knows, for a bug report."""
        names = [label.text() for label in self._names]
        values = [value.text().replace("\n", " · ") for value in self._values]
        rows = [f"{name}: {value}" for name, value in zip(names, values, strict=True)]
        return [rows[0], *([f"    {self.note.text()}"] if self.note.text() else []), *rows[1:]]

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        inside = QWidget()
        layout = QGridLayout(inside)
        layout.setContentsMargins(14, 12, 14, 6)
        layout.setHorizontalSpacing(12)
        layout.setVerticalSpacing(6)
        layout.setColumnStretch(1, 1)
        self.note.setProperty("muted", True)
        row = 0
        for name, value in zip(self._names, self._values, strict=True):
            name.setProperty("muted", True)
            layout.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            if value is self.memory:
                layout.addWidget(self.graph, row, 1)
                row += 1
            layout.addWidget(value, row, 1)
            row += 1
            if value is self.device:
                layout.addWidget(self.note, row, 1)
                row += 1
            elif value is self.model:
                layout.addWidget(self._choose, row, 1, Qt.AlignmentFlag.AlignLeft)
                row += 1
        for button in (self._choose, self.details, self.copy):
            button.setProperty("link", True)
        row_of_buttons = QWidget()
        row_of_buttons.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # or it would shrink away
        buttons = QHBoxLayout(row_of_buttons)
        buttons.setContentsMargins(14, 0, 14, 10)
        buttons.addWidget(self.details)
        buttons.addStretch()
        buttons.addWidget(self.copy)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)
        whole.setSpacing(4)
        self._area = _Shrinking(inside)
        whole.addWidget(self._area)
        whole.addWidget(row_of_buttons)

    def _toggle_details(self) -> None:
        self.show_details(not self._details_shown)
        self.details_toggled.emit(self._details_shown)

    def _copy(self) -> None:
        when = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        QGuiApplication.clipboard().setText("\n".join([f"{APP_NAME} {__version__}, {when}", *self.lines]) + "\n")
        self.copy.setText(self.tr("Copied"))
        self._copied.start()

    def _retranslate(self) -> None:
        rows = self._rows()
        for label, value, (name, explanation) in zip(self._names, self._values, rows, strict=True):
            label.setText(name)
            label.setToolTip(explanation)
            value.setToolTip(explanation)
            value.setAccessibleName(name)
        self._area.setAccessibleName(self.tr("Status"))
        self._area.setAccessibleDescription(self.tr("What does the work, and how well"))
        self.graph.setToolTip(rows[2][1])
        self.graph.setAccessibleName(rows[2][0])
        self._choose.setText(self.tr("Choose another model…"))
        self._choose.setToolTip(self.tr("Opens the window of models"))
        self.details.setText(self.tr("Fewer details") if self._details_shown else self.tr("More details"))
        self.details.setToolTip(self.tr("Tokens, fallbacks and the queue"))
        self.copy.setText(self.tr("Copy as text"))
        self.copy.setToolTip(self.tr("Copies all of this, for a bug report"))
        self._update()

    def _rows(self) -> list[tuple[str, str]]:
        """Names and what they mean."""
        return [
            (self.tr("Device"), self.tr("What computes at this moment; below it, why it is this one")),
            (self.tr("Model"), self.tr("The model in use, how it is quantized, and the size of its file")),
            (
                self.tr("Memory"),
                self.tr(
                    "Curve: memory of this program on the device, over two minutes. "
                    "Bar: this program, others, and what is free."
                ),
            ),
            (
                self.tr("Speed"),
                self.tr("Real-time factor: processing seconds per second of audio. Below 1 is faster than real time."),
            ),
            (self.tr("Language"), self.tr("What is spoken, as far as it was recognised or chosen")),
            (self.tr("Tokens"), self.tr("Pieces of words that the model writes, tried and dropped ones too")),
            (
                self.tr("Fallbacks"),
                self.tr("Windows whose text looked wrong, so that they were decoded again at a higher temperature"),
            ),
            (self.tr("Queue"), self.tr("What waits, how much sound that is, and how long it takes at this pace")),
        ]

    def _update(self) -> None:
        self._update_model()
        self._set(self.memory, self._memory_text())
        self._set(self.language, self._language_text())
        self._update_run()
        for value in (self.device, self.model):
            value.setAccessibleDescription(value.text())

    def _update_run(self) -> None:
        self._set(self.speed, self._speed_text())
        self._set(self.tokens, self._tokens_text())
        self._set(self.fallbacks, self._fallbacks_text())
        self._set(self.queue, self._queue_text())

    def _set(self, label: TextLabel, text: str) -> None:
        """Only what has changed is laid out again."""
        if label.text() != text:
            label.setText(text)
            label.setAccessibleDescription(text)
            if label is self.memory:
                self.graph.setAccessibleDescription(text)

    def _update_model(self) -> None:
        match self._model_state:
            case ModelLoaded(model, device):
                self.device.setText(f"{'GPU' if device.kind == 'cuda' else 'CPU'} · {device.name}")
                self.note.setText(engine_texts.translated(device.note))
                kind = model.name if model.size in model.name else f"{model.name} · {model.size}"
                text = f"{kind} · {model.quantization} · {data_size(model.n_bytes)}"
                self.model.setText(self._own_model or text)
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

    @property
    def _own_model(self) -> str:
        """Of the recording that runs, if it has one."""
        recording = self._recording
        if recording is None or recording.state is not State.RUNNING or recording.model is None:
            return ""
        return self.tr("{name}, for this recording").format(name=model_name(recording.model))

    def _memory_text(self) -> str:
        if self._memory is None:
            return "–"
        used = self.tr("{size} used").format(size=data_size(self._memory.used))
        peak = self.tr("peak {size}").format(size=data_size(self._memory.peak))
        free = self.tr("{free} of {total} free").format(
            free=data_size(self._memory.free), total=data_size(self._memory.total)
        )
        return f"{used} · {peak}\n{free}"

    def _speed_text(self) -> str:
        recording = self._recording
        if recording is None or recording.stats is None:
            return "–"
        average = real_time_factor(recording.stats.real_time_factor)
        now = self._speed.real_time_factor
        if now is None or recording.state is not State.RUNNING:
            return average
        return f"{average}\n" + self.tr("now {factor}").format(factor=QLocale().toString(now, "f", 2))

    def _tokens_text(self) -> str:
        stats = self._recording.stats if self._recording is not None else None
        if stats is None:
            return "–"
        n = QLocale().toString(stats.n_decoded or stats.n_tokens)
        if self._speed.tokens_per_s is None:
            return self.tr("{n} so far").format(n=n)
        rate = QLocale().toString(self._speed.tokens_per_s, "f", 1 if 0 < self._speed.tokens_per_s < 10 else 0)
        return self.tr("{rate} per second, {n} so far").format(rate=rate, n=n)

    def _fallbacks_text(self) -> str:
        stats = self._recording.stats if self._recording is not None else None
        if stats is None:
            return "–"
        return self.tr("{n} in {windows} windows").format(n=stats.n_fallbacks, windows=stats.n_windows)

    def _queue_text(self) -> str:
        queue = self._queue
        if not queue.n_waiting and not queue.audio_s:
            return self.tr("nothing waits")
        sound = self.tr("{time} of sound").format(time=clock(queue.audio_s))
        if queue.n_unknown:
            sound = self.tr("at least {sound}").format(sound=sound)
        waiting = self.tr("{n} waiting").format(n=queue.n_waiting)
        left = "" if queue.until_done_s is None else f"\n{time_left(queue.until_done_s)}"
        return f"{waiting} · {sound}{left}"

    def _language_text(self) -> str:
        recording = self._recording
        if recording is None or recording.transcript.language is None:
            return "–"
        name = language_name(recording.transcript.language)
        if recording.probability is None:
            return self.tr("{name} (chosen)").format(name=name)
        return self.tr("{name} (detected, {percent})").format(name=name, percent=percent(recording.probability))
