"""The dialog of subtitles: how long their lines are, how many, and how fast they can be read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.document.subtitles import PRESETS, Layout, cues
from app.document.transcript import Transcript
from app.widgets.number_box import NumberBox
from app.widgets.text_label import TextLabel
from gpu.types import Segment

WIDTH = 560
OWN = ""  # in the list of presets: none of them
EXAMPLE_S = 9.0


class SubtitleDialog(QDialog):
    """Shows a `Layout` and lets it be changed; deletes itself when it is closed.

    Signals:
        chosen: the user wants this `Layout`; `highlight_words` is not of this dialog.
    """

    chosen = Signal(object)

    def __init__(self, layout: Layout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._heading, self._hint, self.example = TextLabel(), TextLabel(), TextLabel()
        self.preset = QComboBox()
        self._preset_label = QLabel()
        self._preset_label.setBuddy(self.preset)
        self._letters, self._ideographs, self._example_label = QLabel(), QLabel(), QLabel()
        self.line_width, self.cjk_width = NumberBox(0, 100), NumberBox(0, 60)
        self.speed, self.cjk_speed = NumberBox(0, 60), NumberBox(0, 40)
        self.line_count, self.gap = NumberBox(0, 9), NumberBox(0, 2000)
        self.gap.setSingleStep(20)
        self._rows = [(QLabel(), first, second) for first, second in self._pairs]
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._arrange()
        self._retranslate()
        self.choose(layout)
        self._connect()

    @property
    def layout_(self) -> Layout:
        """What is chosen."""
        width = self.line_width.value() or None
        return Layout(
            max_line_width=width,
            max_line_count=(self.line_count.value() or None) if width else None,
            max_cjk_width=(self.cjk_width.value() or None) if width else None,
            max_speed=self.speed.value() or None,
            max_cjk_speed=self.cjk_speed.value() or None,
            min_gap_ms=self.gap.value(),
        )

    def accept(self) -> None:
        self.chosen.emit(self.layout_)
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self._update()
        super().changeEvent(event)

    @property
    def _pairs(self) -> list[tuple[QSpinBox, QSpinBox | None]]:
        """By row: for letters, for ideographs."""
        return [
            (self.line_width, self.cjk_width),
            (self.speed, self.cjk_speed),
            (self.line_count, None),
            (self.gap, None),
        ]

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addStrut(WIDTH - 40)  # not less, but more where texts are longer
        layout.addWidget(self._heading)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._preset_label)
        top.addWidget(self.preset, 1)
        layout.addLayout(top)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._letters, 0, 1)
        grid.addWidget(self._ideographs, 0, 2)
        for number, (label, first, second) in enumerate(self._rows, 1):
            label.setBuddy(first)
            grid.addWidget(label, number, 0)
            grid.addWidget(first, number, 1)
            if second is not None:
                grid.addWidget(second, number, 2)
        layout.addLayout(grid)
        layout.addWidget(self._hint)
        layout.addSpacing(4)
        layout.addWidget(self._example_label)
        layout.addWidget(self.example)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        for muted in (self._hint, self._letters, self._ideographs, self._example_label):
            muted.setProperty("muted", True)

    def _connect(self) -> None:
        self.preset.activated.connect(self._take_preset)
        for pair in self._pairs:
            for box in pair:
                if box is not None:
                    box.valueChanged.connect(self._update)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _take_preset(self) -> None:
        if name := self.preset.currentData():
            self.choose(PRESETS[name])

    def choose(self, layout: Layout) -> None:
        for box, value in (
            (self.line_width, layout.max_line_width),
            (self.cjk_width, layout.max_cjk_width),
            (self.speed, layout.max_speed),
            (self.cjk_speed, layout.max_cjk_speed),
            (self.line_count, layout.max_line_count),
            (self.gap, layout.min_gap_ms),
        ):
            box.setValue(int(value or 0))
        self._update()

    def _update(self) -> None:
        """Show which preset it is, and what comes of it."""
        layout = self.layout_
        self.preset.setCurrentIndex(
            self.preset.findData(next((name for name, preset in PRESETS.items() if preset == layout), OWN))
        )
        for box in (self.cjk_width, self.line_count):
            box.setEnabled(self.line_width.value() > 0)
        segment = Segment(0, 0.0, EXAMPLE_S, self._sample(), (), 0.0, 0.0, 1.0, 0.0)
        found = cues(Transcript(Path("example"), segments=[segment]), layout)
        self.example.setText("\n\n".join(cue.text for cue in found))

    def _sample(self) -> str:
        return self.tr(
            "It is a truth universally acknowledged, that a single man in possession of a good fortune, "
            "must be in want of a wife."
        )

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Subtitles"))
        self._heading.setText(self.tr("How a transcript becomes subtitles, in SRT, VTT, LRC and ASS files:"))
        chosen = self.preset.currentData()
        self.preset.clear()
        for name, text in (
            ("spoken", self.tr("As spoken: one subtitle for each segment")),
            ("standard", self.tr("Television and streaming")),
            ("children", self.tr("For children: time to read slowly")),
            ("upright", self.tr("Upright video: one short line")),
            (OWN, self.tr("Own values")),
        ):
            self.preset.addItem(text, name)
        self.preset.setCurrentIndex(max(self.preset.findData(chosen), 0))
        self._preset_label.setText(self.tr("&Manner"))
        self.preset.setAccessibleName(self.tr("Manner of subtitles"))
        self.preset.setToolTip(self.tr("Sets all values below"))
        self._letters.setText(self.tr("Letters"))
        self._ideographs.setText(self.tr("Chinese, Japanese, Korean"))
        self._example_label.setText(self.tr("Example:"))
        self._hint.setText(
            self.tr(
                "Lines end between phrases. A subtitle stays until it can be read, where the next one leaves the time."
            )
        )
        for (label, *boxes), (name, tip) in zip(self._rows, self._texts(), strict=True):
            label.setText(name)
            for box, kind in zip(boxes, (self._letters, self._ideographs), strict=True):
                if box is not None:
                    plain = name.replace("&", "")
                    box.setAccessibleName(f"{plain}, {kind.text()}" if boxes[1] is not None else plain)
                    box.setToolTip(tip)
                    box.setSpecialValueText(self.tr("any") if box is not self.gap else "")
        self.cjk_width.setSpecialValueText(self.tr("as letters"))
        self.cjk_speed.setSpecialValueText(self.tr("as letters"))
        self.gap.setSuffix(self.tr(" ms"))
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons.button(ok).setToolTip(self.tr("For all subtitles that are saved or copied from now on"))
        self.buttons.button(cancel).setToolTip(self.tr("Leave subtitles as they are"))

    def _texts(self) -> list[tuple[str, str]]:
        """Name and explanation of each row."""
        return [
            (self.tr("&Characters of a line"), self.tr("Longer lines are broken; a word that is longer stands alone.")),
            (
                self.tr("Characters to &read in a second"),
                self.tr("Subtitles stay longer than they are spoken where this would be too fast."),
            ),
            (self.tr("&Lines of a subtitle"), self.tr("What is longer becomes several subtitles.")),
            (self.tr("&Gap between subtitles"), self.tr("So that one sees that the text has changed.")),
        ]
