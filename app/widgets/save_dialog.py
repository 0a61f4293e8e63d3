"""The dialog of what is saved by itself: formats, where to, and under which names."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.document.auto_save import SaveRule
from app.widgets.save_rule_form import SaveRuleForm
from app.widgets.text_label import TextLabel

WIDTH = 560


class SaveDialog(QDialog):
    """Shows a `SaveRule` and lets it be changed; deletes itself when it is closed.

    Args:
        once: not for all that will be done, but for texts that are there, now.

    Signals:
        chosen: the user wants this `SaveRule`.
        subtitles_wanted: to say how subtitles are made.
    """

    chosen = Signal(object)
    subtitles_wanted = Signal()

    def __init__(self, rule: SaveRule, parent: QWidget | None = None, *, once: bool = False) -> None:
        super().__init__(parent)
        self._once = once
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._heading, self.form = TextLabel(), SaveRuleForm()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addStrut(WIDTH - 40)  # not less, but more where texts are longer
        layout.addWidget(self._heading)
        layout.addWidget(self.form)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        self.form.show_rule(rule)
        for line in (self.form.folder, self.form.pattern):
            line.textChanged.connect(self._update)
        for button in (self.form.beside, self.form.in_folder):
            button.toggled.connect(self._update)
        self.form.subtitles_wanted.connect(self.subtitles_wanted)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._retranslate()
        self._update()
        self.resize(WIDTH, 0)

    def accept(self) -> None:
        self.chosen.emit(self.form.rule)
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _update(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not self.form.problem)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Save texts") if self._once else self.tr("Save automatically"))
        self._heading.setText(
            self.tr("Save the texts of the selected recordings as:")
            if self._once
            else self.tr("When a recording is done, save its text as:")
        )
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setToolTip(self.tr("Save as chosen here"))
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setToolTip(self.tr("Leave everything as it was"))
