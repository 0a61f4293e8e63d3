"""The choices for recordings that are added next: the language spoken, the task, and a panel with the rest."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QListView, QWidget

from app.widgets.language_box import fill_languages
from app.widgets.options_panel import OptionsPanel
from gpu.types import Task, TranscribeOptions


class OptionsBar(QWidget):
    """Two labelled lists; the panel is made here and stands where the window puts it.

    Signals:
        changed: the user chose something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = OptionsPanel()
        self.panel.changed.connect(self.changed)
        self._language = QComboBox(maxVisibleItems=18)
        self._language.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._language.setMinimumContentsLength(16)
        self._task = QComboBox()
        self._task.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._language_label, self._task_label = QLabel(), QLabel()
        self._language_label.setBuddy(self._language)
        self._task_label.setBuddy(self._task)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for label, box in ((self._language_label, self._language), (self._task_label, self._task)):
            layout.addWidget(label)
            layout.addWidget(box)
            layout.addSpacing(8)
            box.activated.connect(self.changed)
            view = box.view()
            if isinstance(view, QListView):
                view.setSpacing(2)
        self._retranslate()

    @property
    def language(self) -> str | None:
        """Whisper's code; None to detect it."""
        code = self._language.currentData()
        return code or None

    @property
    def task(self) -> Task:
        return "translate" if self._task.currentData() == "translate" else "transcribe"

    def choose(self, options: TranscribeOptions, *, highlight_words: bool = False) -> None:
        self._choose_listed(options.language, options.task)
        self.panel.choose(options, highlight_words=highlight_words)

    def _choose_listed(self, language: str | None, task: Task) -> None:
        self._language.setCurrentIndex(max(self._language.findData(language or ""), 0))
        self._task.setCurrentIndex(self._task.findData(task))

    def apply_to(self, options: TranscribeOptions) -> TranscribeOptions:
        return replace(self.panel.apply_to(options), language=self.language, task=self.task)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        language, task = self.language, self.task
        self._language_label.setText(self.tr("Language"))
        self._task_label.setText(self.tr("Task"))
        self._language.setAccessibleName(self.tr("Language of the recordings"))
        self._task.setAccessibleName(self.tr("Task"))
        self._language.setToolTip(self.tr("The language spoken in the recordings that are added next"))
        self._task.setToolTip(self.tr("What to do with the recordings that are added next"))
        self._language.clear()
        fill_languages(self._language)
        self._task.clear()
        self._task.addItem(self.tr("Transcribe"), "transcribe")
        self._task.addItem(self.tr("Translate into English"), "translate")
        self._choose_listed(language, task)
