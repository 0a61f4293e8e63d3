"""The dialog of how a selection is transcribed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.document.transcript import clock
from app.widgets.language_box import fill_languages
from app.widgets.layouts import labelled
from app.widgets.option_texts import line_texts
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, model_name, translate
from gpu.types import TranscribeOptions

WIDTH = 520


class AgainDialog(QDialog):
    """Begins with how the recording was transcribed. Deletes itself when closed.

    Args:
        options: of the recording, with the stretch that is to be heard as its one clip.
        model: the file of the one in use, or None while there is none.

    Signals:
        chosen: `TranscribeOptions`, and the `Path` of another model or None.
    """

    chosen = Signal(object, object)

    def __init__(self, options: TranscribeOptions, model: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._options, self._in_use = options, model
        self.model = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.addItem("", None)
        self.language = QComboBox(maxVisibleItems=18)
        self.lines = {name: QLineEdit(getattr(options, name) or "") for name in line_texts()}
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._ok = QPushButton()  # a standard one would get its usual name back with every other language
        self.buttons.addButton(self._ok, QDialogButtonBox.ButtonRole.AcceptRole)
        self._heading, self._hint = TextLabel(), TextLabel()
        self._labels: dict[QWidget, QLabel] = {
            field: QLabel() for field in (self.model, self.language, *self.lines.values())
        }
        self._fill_languages(options.language or "")
        self._arrange()
        self._retranslate()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def show_models(self, models: Sequence[tuple[Path, int]], usual: Path | None = None) -> None:
        """Others that can be used: the file, and its size in bytes. `usual`: the recording's own, if it has one."""
        is_untouched = self.model.currentIndex() == 0
        for path, n_bytes in models:
            self.model.addItem(f"{model_name(path)} ({data_size(n_bytes)})", path)
            self.model.setItemData(self.model.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)
            if path == usual and is_untouched:
                self.model.setCurrentIndex(self.model.count() - 1)

    def accept(self) -> None:
        chosen: dict[str, Any] = {name: line.text().strip() or None for name, line in self.lines.items()}
        chosen["language"] = self.language.currentData() or None
        options = replace(self._options, **chosen)
        self.chosen.emit(options, self.model.currentData())
        super().accept()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._fill_languages(self.language.currentData())
            self._retranslate()
            self._fit()
        super().changeEvent(event)

    def _fill_languages(self, chosen: str) -> None:
        """Anew, in the language of the interface that is chosen now."""
        self.language.clear()
        fill_languages(self.language)
        self.language.setCurrentIndex(self.language.findData(chosen))

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
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(WIDTH)

    def _retranslate(self) -> None:
        start_s, end_s = self._options.clip_timestamps
        self.setWindowTitle(self.tr("Transcribe the selection again"))
        self._heading.setText(self.tr("From {start} to {end}").format(start=clock(start_s), end=clock(end_s)))
        self._hint.setText(self.tr("The new text replaces what is selected. That can be undone."))
        in_use = model_name(self._in_use) if self._in_use is not None else ""
        self.model.setItemText(0, self.tr("The one in use ({name})").format(name=in_use))
        texts: dict[QWidget, tuple[str, str]] = {
            self.model: (
                self.tr("&Model"),
                self.tr("Another one is loaded for this selection only; afterwards the one in use is loaded again."),
            ),
            self.language: (self.tr("&Language"), self.tr("The language spoken in the selection")),
        }
        texts |= {line: line_texts()[option] for option, line in self.lines.items()}
        for field, (text, explanation) in texts.items():
            self._labels[field].setText(text)
            field.setAccessibleName(text.replace("&", ""))
            field.setToolTip(explanation)
        self._ok.setText(self.tr("&Transcribe"))
        self._ok.setToolTip(self.tr("It begins when what runs now is done"))
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setToolTip(translate("WatchDialog", "Leave everything as it was"))

    def _fit(self) -> None:
        """As high as its texts are at this width."""
        width = max(self.width(), WIDTH)
        self.resize(width, self._layout.totalHeightForWidth(width))
