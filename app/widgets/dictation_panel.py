"""Dictation as it is seen: what is heard, how it stands, and the words as they come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.transcript import clock
from app.languages import language_name
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.dictation_lights import DictationLights
from app.widgets.language_box import fill_languages
from app.widgets.live_text_view import LiveTextView
from app.widgets.message_bar import MessageBar
from app.widgets.texts import data_size, model_name
from app.widgets.welcome_panel import QUIETEST_DB

ICON_SIZE = 16
SLOW_STEP_S = 1.5  # between two readings: worth a word
SHOWN_LAG_S = 0.5

Phase = Literal["idle", "starting", "listening", "paused", "stopping"]


class DictationPanel(QFrame):
    """
    Signals:
        toggled, pause_wanted, discard_wanted, copy_wanted, close_wanted: a button was pressed.
        microphone_chosen: its key, "" for the system's choice. refresh_wanted: of the microphones.
        source_chosen: "microphone" or "system". language_chosen: Whisper's code, or "" to detect it.
        keep_chosen: the sound is to stay. append_chosen: text is to be appended to a file. file_wanted: to another one.
        again_wanted: what was dictated last is to be transcribed again, by a model's file or None for the one in use.
        models_wanted: `show_models` is to be called. became_visible: or not any more.
    """

    toggled = Signal()
    pause_wanted = Signal()
    discard_wanted = Signal()
    copy_wanted = Signal()
    close_wanted = Signal()
    microphone_chosen = Signal(str)
    refresh_wanted = Signal()
    source_chosen = Signal(str)
    language_chosen = Signal(str)
    keep_chosen = Signal(bool)
    append_chosen = Signal(bool)
    file_wanted = Signal()
    again_wanted = Signal(object)
    models_wanted = Signal()
    became_visible = Signal(bool)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._appearance = appearance
        self._phase: Phase = "idle"
        self._key = self._file = self._detect = self._default = ""
        self._heard: str | None = None
        self._lost_s = self._step_s = self._lag_s = 0.0
        self._title = QLabel()
        font = self._title.font()
        font.setPointSizeF(1.2 * font.pointSizeF())
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self.record, self.pause, self.discard, self.copy, self.again, self.file = (QPushButton() for _ in range(6))
        self.close_, self.refresh = QToolButton(), QToolButton()
        self.record.setProperty("primary", True)
        self.source, self.microphones, self.language = QComboBox(), QComboBox(), QComboBox(maxVisibleItems=18)
        self._source_label, self._microphone_label, self._language_label = (QLabel() for _ in range(3))
        self.keep, self.append = QCheckBox(), QCheckBox()
        self.lights = DictationLights()
        self.level = QProgressBar(textVisible=False, maximum=100)
        self.level.setMinimumWidth(self.fontMetrics().averageCharWidth() * 6)
        self.elapsed, self.lag = QLabel(), QLabel()
        self.notice = MessageBar(appearance)
        self.text = LiveTextView(appearance)
        self._menu = QMenu(self.again)
        self.again.setProperty("menuButton", True)
        self.again.setMenu(self._menu)
        self._arrange()
        self._connect()
        self._retranslate()
        self._update_icons()
        self.show_phase("idle")

    def show_phase(self, phase: Phase) -> None:
        self._phase = phase
        active = phase != "idle"
        self.pause.setVisible(active)
        self.discard.setVisible(active)
        self.pause.setEnabled(phase in ("starting", "listening", "paused"))
        self.discard.setEnabled(phase != "stopping")
        for widget in (self.keep, self.append, self.file):
            widget.setEnabled(not active)
        self._show_words()
        self._update_icons()
        if not active:
            self.show_level(-1000.0)

    def show_microphones(self, found: Sequence[tuple[str, str]], default: str, chosen: str, missing: str) -> None:
        """Args:
        found: key and name of each. default: the name of the system's choice, if it is known.
        chosen: a key, or "". missing: what the chosen one is called if it is not there.
        """
        box = self.microphones
        self._default = default
        box.clear()
        box.addItem(self._default_text(), "")
        for key, name in found:
            box.addItem(name, key)
        if chosen and box.findData(chosen) < 0:
            box.addItem(self.tr("{name} (not connected)").format(name=missing or chosen), chosen)
        box.setCurrentIndex(max(box.findData(chosen), 0))

    def choose(self, source: str, language: str | None, *, keep: bool, append: bool, file: str) -> None:
        """What is chosen already. `file`: the name of the one that is appended to."""
        self.source.setCurrentIndex(max(self.source.findData(source), 0))
        self.language.setCurrentIndex(max(self.language.findData(language or ""), 0))
        self.microphones.setVisible(source == "microphone")
        self._microphone_label.setVisible(source == "microphone")
        self.refresh.setVisible(source == "microphone")
        self.keep.setChecked(keep)
        self.append.setChecked(append)
        self._file = file
        self._show_file()

    def show_heard_language(self, code: str | None) -> None:
        """What was detected; None: nothing yet."""
        self._heard = code
        name = language_name(code) if code else ""
        self.language.setItemText(0, self.tr("Detected: {language}").format(language=name) if name else self._detect)

    def show_level(self, level_db: float) -> None:
        self.level.setValue(round(100 * min(max(1 - level_db / QUIETEST_DB, 0.0), 1.0)))

    def show_figures(self, elapsed_s: float, lag_s: float, lost_s: float, step_s: float) -> None:
        self.elapsed.setText(clock(elapsed_s))
        lag_s = round(lag_s * 2) / 2
        if (lag_s, lost_s, step_s) != (self._lag_s, self._lost_s, self._step_s):
            self._lag_s, self._lost_s, self._step_s = lag_s, lost_s, step_s
            self._show_words()

    def show_models(self, others: Sequence[tuple[Path, int]]) -> None:
        """That can transcribe the sound again: the file, and its size in bytes. The one in use always can."""
        self._menu.clear()
        self._menu.addAction(self.tr("With the model in use"), lambda: self.again_wanted.emit(None))
        for path, n_bytes in others:
            action = self._menu.addAction(f"{model_name(path)} ({data_size(n_bytes)})")
            action.setToolTip(str(path))
            action.triggered.connect(lambda _checked=False, path=path: self.again_wanted.emit(path))

    def show_done(self, *, has_text: bool, has_sound: bool) -> None:
        self.copy.setEnabled(has_text)
        self.again.setEnabled(has_sound)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.became_visible.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.became_visible.emit(False)

    def _arrange(self) -> None:
        for box in (self.source, self.microphones, self.language):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(14)
        self.language.setMinimumContentsLength(14)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title, 1)
        for button in (self.copy, self.again, self.close_):
            head.addWidget(button)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.record, self.pause, self.discard):
            buttons.addWidget(button)
        buttons.addStretch()
        self.elapsed.setFont(self._title.font())
        buttons.addWidget(self.elapsed)
        self.lag.setProperty("muted", True)
        state = QHBoxLayout()
        state.setSpacing(16)
        state.addWidget(self.lights)
        state.addWidget(self.level, 1, Qt.AlignmentFlag.AlignVCenter)
        state.addWidget(self.lag)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 10)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addLayout(self._make_choices())
        layout.addLayout(buttons)
        layout.addLayout(state)
        layout.addWidget(self.notice)
        layout.addWidget(self.text, 1)
        keeping = QHBoxLayout()
        keeping.setSpacing(12)
        for widget in (self.keep, self.append, self.file):
            keeping.addWidget(widget)
        keeping.addStretch()
        layout.addLayout(keeping)

    def _make_choices(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        microphone = QHBoxLayout()
        microphone.setSpacing(4)
        microphone.addWidget(self.microphones, 1)
        microphone.addWidget(self.refresh)
        grid.addWidget(self._source_label, 0, 0)
        grid.addWidget(self.source, 0, 1)
        grid.addWidget(self._language_label, 0, 2)
        grid.addWidget(self.language, 0, 3)
        grid.addWidget(self._microphone_label, 1, 0)
        grid.addLayout(microphone, 1, 1, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        for label, box in (
            (self._source_label, self.source),
            (self._microphone_label, self.microphones),
            (self._language_label, self.language),
        ):
            label.setBuddy(box)
        return grid

    def _connect(self) -> None:
        for button, signal in (
            (self.record, self.toggled),
            (self.pause, self.pause_wanted),
            (self.discard, self.discard_wanted),
            (self.copy, self.copy_wanted),
            (self.close_, self.close_wanted),
            (self.refresh, self.refresh_wanted),
            (self.file, self.file_wanted),
        ):
            button.clicked.connect(signal)
        self.microphones.activated.connect(lambda _i: self.microphone_chosen.emit(self.microphones.currentData()))
        self.source.activated.connect(lambda _i: self.source_chosen.emit(self.source.currentData()))
        self.language.activated.connect(lambda _i: self.language_chosen.emit(self.language.currentData()))
        self.keep.clicked.connect(self.keep_chosen)
        self.append.clicked.connect(self.append_chosen)
        self._menu.aboutToShow.connect(self.models_wanted)
        self._appearance.changed.connect(self._update_icons)

    def show_key(self, key: str) -> None:
        """That starts and finishes, in words."""
        self._key = key
        self._show_words()

    def _show_words(self) -> None:
        active = self._phase != "idle"
        self.record.setText(self.tr("Finish") if active else self.tr("Dictate"))
        tip = (
            self.tr("Finishes what is being said, and ends") if active else self.tr("Listens, and writes what is said")
        )
        self.record.setToolTip(f"{tip} ({self._key})" if self._key else tip)
        self.pause.setText(self.tr("Go on") if self._phase == "paused" else self.tr("Pause"))
        facts = []
        if self._lost_s >= 0.05:
            facts.append(self.tr("{seconds} s lost").format(seconds=f"{self._lost_s:.1f}"))
        if self._phase == "paused":
            facts.append(self.tr("paused"))
        elif self._phase == "starting":
            facts.append(self.tr("begins…"))
        elif self._phase == "stopping":
            facts.append(self.tr("finishing…"))
        elif self._step_s > SLOW_STEP_S:
            slow = self.tr("slow: words every {seconds} s")
            facts.append(slow.format(seconds=f"{self._step_s:.1f}"))
        elif active and self._lag_s > SHOWN_LAG_S:
            facts.append(self.tr("{seconds} s behind").format(seconds=f"{self._lag_s:.1f}"))
        self.lag.setText(" · ".join(facts))

    def _show_file(self) -> None:
        self.file.setText(Path(self._file).name if self._file else self.tr("Choose a file…"))
        self.file.setToolTip(self._file or self.tr("Which file gets the text, below the date of the dictation"))
        self.file.setVisible(self.append.isChecked())

    def _retranslate(self) -> None:
        self._title.setText(self.tr("Dictation"))
        for box, fill in ((self.source, self._fill_sources), (self.language, self._fill_languages)):
            chosen = box.currentData()
            box.clear()
            fill()
            box.setCurrentIndex(max(box.findData(chosen), 0))
        if self.microphones.count():
            self.microphones.setItemText(0, self._default_text())
        self._name_boxes()
        self._name_buttons()
        self.pause.setToolTip(self.tr("Lets the microphone go, until you go on"))
        self.level.setAccessibleName(self.tr("Level of the microphone"))
        self.level.setToolTip(self.tr("How loud it is"))
        self.lag.setToolTip(self.tr("How far the words are behind; a smaller model is faster"))
        self.elapsed.setToolTip(self.tr("Length of the sound so far, without pauses"))
        self.elapsed.setAccessibleName(self.tr("Length"))
        self.text.setAccessibleName(self.tr("What is said"))
        self.text.setAccessibleDescription(self.tr("Grey and slanted: may still change"))
        self.text.setToolTip(self.tr("Grey and slanted: may still change"))
        self.text.setPlaceholderText(
            self.tr("What you say appears here, word by word, and stays in the list of recordings.")
        )
        self._show_file()
        self._show_words()

    def _name_boxes(self) -> None:
        self._source_label.setText(self.tr("Listen to:"))
        self.source.setToolTip(self.tr("A microphone, or what the computer plays, such as a call"))
        self._microphone_label.setText(self.tr("Microphone:"))
        self.microphones.setToolTip(self.tr("Which one to listen to"))
        self._language_label.setText(self.tr("Language:"))
        self.language.setToolTip(self.tr("What is spoken; it can be changed while you speak"))
        for label, box in (
            (self._source_label, self.source),
            (self._microphone_label, self.microphones),
            (self._language_label, self.language),
        ):
            box.setAccessibleName(label.text().rstrip(":："))

    def _name_buttons(self) -> None:
        self.discard.setText(self.tr("Discard"))
        self.discard.setToolTip(self.tr("Ends, and forgets what was said, with its sound"))
        self.copy.setText(self.tr("Copy"))
        self.copy.setToolTip(self.tr("Copy all that was dictated"))
        self.again.setText(self.tr("Transcribe again"))
        self.again.setToolTip(self.tr("The sound once more, perhaps with another model: a new recording in the list"))
        self.keep.setText(self.tr("Keep the sound"))
        self.keep.setToolTip(self.tr("To hear it, or transcribe it again; otherwise it goes when the text is complete"))
        self.append.setText(self.tr("Append to a file"))
        self.append.setToolTip(self.tr("Each text goes to the end of a file, too, below its date"))
        self.close_.setToolTip(self.tr("Back to the recordings"))
        self.refresh.setToolTip(self.tr("Look again which microphones there are"))
        for tool in (self.close_, self.refresh):
            tool.setAccessibleName(tool.toolTip())

    def _default_text(self) -> str:
        text = self.tr("The system's choice")
        return f"{text} ({self._default})" if self._default else text

    def _fill_sources(self) -> None:
        self.source.addItem(self.tr("Microphone"), "microphone")
        self.source.addItem(self.tr("What the computer plays"), "system")

    def _fill_languages(self) -> None:
        fill_languages(self.language)
        self._detect = self.language.itemText(0)
        self.show_heard_language(self._heard)

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        active = self._phase != "idle"
        for button, name, color in (
            (self.record, "stop" if active else "microphone", colors.on_accent),
            (self.pause, "resume" if self._phase == "paused" else "pause", colors.text),
            (self.discard, "remove", colors.text),
            (self.copy, "copy", colors.text),
            (self.again, "retry", colors.text),
        ):
            button.setIcon(self._appearance.button_icon(name, color))
            button.setIconSize(BUTTON_ICON_SIZE)
        for tool, name in ((self.close_, "close"), (self.refresh, "retry")):
            tool.setIcon(self._appearance.icon(name, colors.text, ICON_SIZE))
            tool.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
