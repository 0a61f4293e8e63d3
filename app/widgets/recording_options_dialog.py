"""The dialog of what is done with some recordings, apart from what is chosen for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.session import Recording
from app.widgets.language_box import fill_languages
from app.widgets.layouts import labelled
from app.widgets.option_texts import line_texts, switch_texts
from app.widgets.options_panel import ACCURATE_BEAM_SIZE
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, model_name, translate
from gpu.types import TranscribeOptions

WIDTH = 520
_DIFFERENT = object()  # in a list: the recordings differ, and go on doing so


class RecordingOptionsDialog(QDialog):
    """What several recordings have in common is shown; where they differ, that may stay. Deletes itself when closed.

    Args:
        in_use: the file of the model that those without one of their own are given; None while there is none.

    Signals:
        chosen: what each is to be done with, a list of (`Recording`, `TranscribeOptions`, its own model or None).
    """

    chosen = Signal(list)

    def __init__(
        self, recordings: Sequence[Recording], in_use: Path | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._recordings, self._in_use = list(recordings), in_use
        self.model = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._sizes: dict[Path, int] | None = None  # of the models there are, in bytes; None: not looked for yet
        self._files: list[Path] = []  # those in the list
        self.language, self.task = QComboBox(maxVisibleItems=18), QComboBox()
        self.switches = {name: QCheckBox() for name in switch_texts()}
        self.lines = {name: QLineEdit() for name in line_texts()}
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._heading, self._hint = TextLabel(), TextLabel()
        self._labels: dict[QWidget, QLabel] = {
            field: QLabel() for field in (self.model, self.language, self.task, *self.lines.values())
        }
        self._fill()
        self._arrange()
        self._retranslate()
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

    def show_models(self, models: Sequence[tuple[Path, int]]) -> None:
        """Those that can be used: the file, and its size in bytes."""
        chosen = self._chosen_model
        self._sizes = dict(models)
        self._fill_models(chosen)

    def model_of(self, recording: Recording) -> Path | None:
        """Of its own, with what the user has said."""
        chosen = self._chosen_model
        return recording.model if chosen is _DIFFERENT else chosen

    def accept(self) -> None:
        self.chosen.emit([(r, self.apply_to(r.options), self.model_of(r)) for r in self._recordings])
        super().accept()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self._fit()
        super().changeEvent(event)

    def _common(self, name: str) -> Any:
        """The value that all have, or `_DIFFERENT`."""
        values = {getattr(recording.options, name) for recording in self._recordings}
        return values.pop() if len(values) == 1 else _DIFFERENT

    @property
    def _chosen_model(self) -> Any:
        """The file; None: the one in use; or `_DIFFERENT`."""
        data = self.model.currentData()
        return self._files[data] if isinstance(data, int) else data

    @property
    def _common_model(self) -> Any:
        models = {recording.model for recording in self._recordings}
        return models.pop() if len(models) == 1 else _DIFFERENT

    def _fill_models(self, chosen: Any) -> None:
        """Anew. A model that is chosen stays in the list when it is gone from the disk."""
        self.model.clear()
        if self._common_model is _DIFFERENT:
            self.model.addItem(self.tr("As each has it"), _DIFFERENT)
        name = model_name(self._in_use) if self._in_use is not None else ""
        self.model.addItem(translate("AgainDialog", "The one in use ({name})").format(name=name), None)
        sizes = self._sizes or {}
        had = [recording.model for recording in self._recordings if recording.model is not None]
        self._files = list(dict.fromkeys([*(path for path in sizes if path != self._in_use), *had]))
        for number, path in enumerate(self._files):
            text = model_name(path)
            if path in sizes:
                text = f"{text} ({data_size(sizes[path])})"
            elif self._sizes is not None and path != self._in_use:
                text = self.tr("{name} (is gone)").format(name=text)
            self.model.addItem(text, number)
            self.model.setItemData(self.model.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)
        wanted = self._files.index(chosen) if isinstance(chosen, Path) else chosen
        found = [row for row in range(self.model.count()) if self.model.itemData(row) == wanted]
        self.model.setCurrentIndex(found[0] if found else 0)

    def _fill(self) -> None:
        self._fill_models(self._common_model)
        for name, box in (("language", self.language), ("task", self.task)):
            self._fill_box(box, self._common(name))
        for name, switch in self.switches.items():
            common = self._common(name)
            if common is _DIFFERENT:
                switch.setTristate(True)
                switch.setCheckState(Qt.CheckState.PartiallyChecked)
            else:
                switch.setChecked(bool(common))
        for name, line in self.lines.items():
            common = self._common(name)
            line.setText("" if common is _DIFFERENT else common or "")

    def _fill_box(self, box: QComboBox, chosen: Any) -> None:
        """Anew, in the language that is chosen now."""
        may_differ = self._common("language" if box is self.language else "task") is _DIFFERENT
        box.clear()
        if may_differ:
            box.addItem(self.tr("As each has it"), _DIFFERENT)
        if box is self.language:
            fill_languages(box)
        else:
            box.addItem(translate("OptionsBar", "Transcribe"), "transcribe")
            box.addItem(translate("OptionsBar", "Translate into English"), "translate")
        box.setCurrentIndex(0 if chosen is _DIFFERENT else box.findData(chosen or ""))

    def _arrange(self) -> None:
        self._heading.setProperty("heading", True)
        self._hint.setProperty("muted", True)
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(self._heading)
        layout.addWidget(self._hint)
        layout.addSpacing(6)
        layout.addLayout(labelled(self._labels))
        layout.addSpacing(6)
        for switch in self.switches.values():
            layout.addWidget(switch)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(WIDTH)

    def _retranslate(self) -> None:
        n, name = len(self._recordings), self._recordings[0].path.name
        self.setWindowTitle(self.tr("Options of these recordings"))
        self._heading.setText(name if n == 1 else self.tr("{name} and {n} more").format(name=name, n=n - 1))
        self._hint.setText(self.tr("Only for what is selected. What has text already keeps it, and goes on like this."))
        self._fill_models(self._chosen_model)
        for box in (self.language, self.task):
            self._fill_box(box, box.currentData())
        for option, line in self.lines.items():
            if self._common(option) is _DIFFERENT:
                line.setPlaceholderText(self.tr("As each has it"))
        texts: dict[QWidget, tuple[str, str]] = {
            self.model: (
                self.tr("&Model"),
                self.tr("Another one is loaded when their turn comes; afterwards the one in use is loaded again."),
            ),
            self.language: (self.tr("&Language"), self.tr("The language spoken in these recordings")),
            self.task: (self.tr("&Task"), self.tr("What to do with these recordings")),
        }
        texts |= {line: line_texts()[option] for option, line in self.lines.items()}
        for field, (text, explanation) in texts.items():
            self._labels[field].setText(text)
            field.setAccessibleName(text.replace("&", ""))
            field.setToolTip(explanation)
        for option, switch in self.switches.items():
            text, explanation = switch_texts()[option]
            switch.setText(text)
            switch.setToolTip(explanation)
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons.button(ok).setToolTip(translate("WatchDialog", "Do as it is chosen here"))
        self.buttons.button(cancel).setToolTip(translate("WatchDialog", "Leave everything as it was"))

    def _fit(self) -> None:
        """As high as its texts are at this width."""
        width = max(self.width(), WIDTH)
        self.resize(width, self._layout.totalHeightForWidth(width))
