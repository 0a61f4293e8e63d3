"""How recordings are recognised, for those who want to say: a switch or a line each, with a sentence of explanation."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gpu.types import TranscribeOptions

ACCURATE_BEAM_SIZE = 5
INDENT = 26  # of an explanation, to stand below the words of its switch
_DEFAULTS = TranscribeOptions()


class OptionsPanel(QFrame):
    """Three columns: what is heard, how it is decoded, what to expect.

    Signals:
        changed: the user chose something else.
        counted: how many options are not as they come, whenever that may be another number.
    """

    changed = Signal()
    counted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.vad, self.multilingual, self.split_channels = (QCheckBox() for _ in range(3))
        self.accurate, self.word_timestamps, self.highlight = (QCheckBox() for _ in range(3))
        self.prompt, self.hotwords = QLineEdit(), QLineEdit()
        self.reset = QPushButton()
        self._heading, self._hint = QLabel(), QLabel(wordWrap=True)
        self._labels = {field: QLabel() for field in (self.prompt, self.hotwords)}
        self._explanations = {field: QLabel(wordWrap=True) for field in (*self._switches, *self._labels)}
        self._arrange()
        for switch in self._switches:
            switch.clicked.connect(self._on_changed)
        for field in self._labels:
            field.textEdited.connect(self._on_changed)
        self.word_timestamps.toggled.connect(self.highlight.setEnabled)
        self.reset.clicked.connect(self._reset)
        self._retranslate()
        self.choose(_DEFAULTS, highlight_words=False)

    @property
    def highlight_words(self) -> bool:
        """Saved subtitles mark each word while it is spoken."""
        return self.word_timestamps.isChecked() and self.highlight.isChecked()

    @property
    def n_changed(self) -> int:
        """How many options are not as they come."""
        chosen, defaults = vars(self.apply_to(_DEFAULTS)), vars(_DEFAULTS)
        return len([name for name in chosen if chosen[name] != defaults[name]]) + int(self.highlight_words)

    def choose(self, options: TranscribeOptions, *, highlight_words: bool) -> None:
        self.vad.setChecked(options.vad)
        self.multilingual.setChecked(options.multilingual)
        self.split_channels.setChecked(options.split_channels)
        self.accurate.setChecked(options.beam_size is not None)
        self.word_timestamps.setChecked(options.word_timestamps)
        self.highlight.setChecked(highlight_words)
        self.highlight.setEnabled(options.word_timestamps)
        self.prompt.setText(options.initial_prompt or "")
        self.hotwords.setText(options.hotwords or "")
        self._count()

    def apply_to(self, options: TranscribeOptions) -> TranscribeOptions:
        return replace(
            options,
            vad=self.vad.isChecked(),
            multilingual=self.multilingual.isChecked(),
            split_channels=self.split_channels.isChecked(),
            beam_size=ACCURATE_BEAM_SIZE if self.accurate.isChecked() else None,
            word_timestamps=self.word_timestamps.isChecked(),
            initial_prompt=self.prompt.text().strip() or None,
            hotwords=self.hotwords.text().strip() or None,
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    @property
    def _switches(self) -> tuple[QCheckBox, ...]:
        """By column."""
        heard = (self.vad, self.multilingual, self.split_channels)
        return (*heard, self.accurate, self.word_timestamps, self.highlight)

    def _arrange(self) -> None:
        self._heading.setProperty("heading", True)
        self.reset.setProperty("link", True)
        for label in (self._hint, *self._explanations.values()):
            label.setProperty("muted", True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(28)
        grid.setVerticalSpacing(8)
        for number, switch in enumerate(self._switches):
            grid.addLayout(self._explained(switch), number % 3, number // 3)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        columns = QHBoxLayout()  # not the grid for the third: what spans its rows makes them too high
        columns.setSpacing(28)
        columns.addLayout(grid, 2)
        columns.addLayout(self._lines(), 1)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._heading)
        top.addWidget(self._hint, 1)
        top.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addLayout(columns)

    def _explained(self, switch: QCheckBox) -> QVBoxLayout:
        explanation = self._explanations[switch]
        explanation.setContentsMargins(INDENT, 0, 0, 0)
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addWidget(switch, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(explanation)
        column.addStretch()
        return column

    def _lines(self) -> QGridLayout:
        """The fields to type into, one below the other."""
        lines = QGridLayout()
        lines.setHorizontalSpacing(10)
        lines.setVerticalSpacing(3)
        for number, (field, label) in enumerate(self._labels.items()):
            label.setBuddy(field)
            lines.addWidget(label, 3 * number, 0)
            lines.addWidget(field, 3 * number, 1)
            lines.addWidget(self._explanations[field], 3 * number + 1, 0, 1, 2)
            lines.setRowMinimumHeight(3 * number + 2, 8)
        lines.setRowStretch(6, 1)
        return lines

    def _count(self) -> None:
        self.reset.setEnabled(self.n_changed > 0)
        self.counted.emit(self.n_changed)

    def _on_changed(self) -> None:
        self._count()
        self.changed.emit()

    def _reset(self) -> None:
        self.choose(_DEFAULTS, highlight_words=False)
        self.changed.emit()

    def _retranslate(self) -> None:
        self._heading.setText(self.tr("Options"))
        self._hint.setText(self.tr("For recordings that are added next, and for “Transcribe again”."))
        self.reset.setText(self.tr("Reset"))
        self.reset.setAccessibleName(self.tr("Reset all options"))
        self.reset.setToolTip(self.tr("All of them are as they come"))
        self.prompt.setPlaceholderText(self.tr("An interview with Ms. Dashwood."))
        self.hotwords.setPlaceholderText(self.tr("Dashwood, Norland Park"))
        for field, (name, explanation) in self._texts().items():
            if isinstance(field, QCheckBox):
                field.setText(name)
            else:
                self._labels[field].setText(name)
                field.setAccessibleName(name)
            field.setAccessibleDescription(explanation)
            self._explanations[field].setText(explanation)

    def _texts(self) -> dict[QCheckBox | QLineEdit, tuple[str, str]]:
        """Name and explanation of each option."""
        return {
            self.vad: (
                self.tr("Leave out what is not speech"),
                self.tr("Only what is heard as speech is recognised; switch it off for singing."),
            ),
            self.multilingual: (
                self.tr("Several languages"),
                self.tr("Listens for the language again and again, unless one is chosen above."),
            ),
            self.split_channels: (
                self.tr("A speaker on each channel"),
                self.tr("One person on the left, one on the right: the text says who speaks."),
            ),
            self.accurate: (
                self.tr("Search more thoroughly"),
                self.tr("Weighs five readings: leaves fewer words out, takes half as long again."),
            ),
            self.word_timestamps: (
                self.tr("Time every word"),
                self.tr("Subtitles begin and end with their words; JSON files hold all times."),
            ),
            self.highlight: (
                self.tr("Mark words as they are spoken"),
                self.tr("Karaoke in SRT, VTT, LRC and ASS files; needs the time of every word."),
            ),
            self.prompt: (
                self.tr("Context"),
                self.tr("Names, terms or style to expect, told to the beginning of a recording."),
            ),
            self.hotwords: (
                self.tr("Likely words"),
                self.tr("Names and terms that may occur; told to every part of a recording."),
            ),
        }
