"""The dialog of what is done with some recordings, apart from what is chosen for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.session import Recording
from app.widgets.language_box import fill_languages
from app.widgets.option_texts import line_texts, switch_texts
from app.widgets.options_panel import ACCURATE_BEAM_SIZE
from app.widgets.text_label import TextLabel
from app.widgets.texts import translate
from gpu.types import TranscribeOptions

WIDTH = 520
_DIFFERENT = object()  # in a list: the recordings differ, and go on doing so


class RecordingOptionsDialog(QDialog):
    """What several recordings have in common is shown; where they differ, that may stay. Deletes itself when closed.

    Signals:
        chosen: what each is to be done with, a list of (`Recording`, `TranscribeOptions`).
    """

    chosen = Signal(list)

    def __init__(self, recordings: Sequence[Recording], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._recordings = list(recordings)
        self.language, self.task = QComboBox(maxVisibleItems=18), QComboBox()
        self.switches = {name: QCheckBox() for name in switch_texts()}
        self.lines = {name: QLineEdit() for name in line_texts()}
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._fill()
        self._arrange()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def apply_to(self, options: TranscribeOptions) -> TranscribeOptions:
        """With what the user has said; what was left as it is stays."""
        changes: dict[str, Any] = {}
        for name, box in (("language", self.language), ("task", self.task)):
            if box.currentData() is not _DIFFERENT:
                changes[name] = box.currentData() or None
        for name, switch in self.switches.items():
            if switch.checkState() is not Qt.CheckState.PartiallyChecked:
                changes[name] = switch.isChecked()
        if "beam_size" in changes:
            changes["beam_size"] = (options.beam_size or ACCURATE_BEAM_SIZE) if changes["beam_size"] else None
        for name, line in self.lines.items():
            if line.text().strip() or line.isModified() or not line.placeholderText():
                changes[name] = line.text().strip() or None
        return replace(options, **changes)

    def accept(self) -> None:
        self.chosen.emit([(recording, self.apply_to(recording.options)) for recording in self._recordings])
        super().accept()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        width = max(self.width(), WIDTH)
        self.resize(width, self._layout.totalHeightForWidth(width))

    def _common(self, name: str) -> Any:
        """The value that all have, or `_DIFFERENT`."""
        values = {getattr(recording.options, name) for recording in self._recordings}
        return values.pop() if len(values) == 1 else _DIFFERENT

    def _fill(self) -> None:
        different = self.tr("As each has it")
        for name, box in (("language", self.language), ("task", self.task)):
            common = self._common(name)
            if common is _DIFFERENT:
                box.addItem(different, _DIFFERENT)
            if box is self.language:
                fill_languages(box)
            else:
                box.addItem(translate("OptionsBar", "Transcribe"), "transcribe")
                box.addItem(translate("OptionsBar", "Translate into English"), "translate")
            box.setCurrentIndex(0 if common is _DIFFERENT else box.findData(common or ""))
        for name, switch in self.switches.items():
            common = self._common(name)
            if common is _DIFFERENT:
                switch.setTristate(True)
                switch.setCheckState(Qt.CheckState.PartiallyChecked)
            else:
                switch.setChecked(bool(common))
        for name, line in self.lines.items():
            common = self._common(name)
            if common is _DIFFERENT:
                line.setPlaceholderText(different)
            else:
                line.setText(common or "")

    def _arrange(self) -> None:
        n = len(self._recordings)
        name = self._recordings[0].path.name
        self.setWindowTitle(self.tr("Options of these recordings"))
        heading = TextLabel()
        heading.setProperty("heading", True)
        heading.setText(name if n == 1 else self.tr("{name} and {n} more").format(name=name, n=n - 1))
        hint = TextLabel()
        hint.setProperty("muted", True)
        hint.setText(self.tr("Only for what is selected. What has text already keeps it, and goes on like this."))
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        self._add_row(form, self.language, self.tr("&Language"), self.tr("The language spoken in these recordings"))
        self._add_row(form, self.task, self.tr("&Task"), self.tr("What to do with these recordings"))
        for option, line in self.lines.items():
            self._add_row(form, line, *line_texts()[option])
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        for widget in (heading, hint):
            layout.addWidget(widget)
        layout.addSpacing(6)
        layout.addLayout(form)
        layout.addSpacing(6)
        for option, switch in self.switches.items():
            text, explanation = switch_texts()[option]
            switch.setText(text)
            switch.setToolTip(explanation)
            layout.addWidget(switch)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons.button(ok).setToolTip(translate("WatchDialog", "Do as it is chosen here"))
        self.buttons.button(cancel).setToolTip(translate("WatchDialog", "Leave everything as it was"))
        self.setMinimumWidth(WIDTH)

    @staticmethod
    def _add_row(form: QGridLayout, field: QWidget, name: str, explanation: str) -> None:
        label, row = QLabel(name), form.rowCount()
        label.setBuddy(field)
        form.addWidget(label, row, 0)
        form.addWidget(field, row, 1)
        field.setAccessibleName(name.replace("&", ""))
        field.setToolTip(explanation)
