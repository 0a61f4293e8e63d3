"""Who speaks in the selected segments."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.widgets.text_label import TextLabel
from app.widgets.texts import speaker_name, translate

WIDTH = 420
LONGEST = 60  # characters of a name

Speaker = int | str | None


class SpeakerDialog(QDialog):
    """A name, from the list of those there are or typed. Deletes itself when closed.

    Args:
        speakers: of the whole text.
        here: of the selected segments, each once.

    Signals:
        chosen: the speaker (None: nobody), and whether all segments of the one there was get it.
    """

    chosen = Signal(object, bool)

    def __init__(self, speakers: Sequence[int | str], here: Sequence[Speaker], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._speakers, self._here = list(speakers), list(here)
        self.name = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        self._line = QLineEdit(maxLength=LONGEST)
        self.name.setLineEdit(self._line)
        self.everywhere = QCheckBox()
        self._label, self._hint = QLabel(), TextLabel()
        self._hint.setProperty("muted", True)
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(ok | cancel)
        self._arrange()
        self._fill(here[0] if len(here) == 1 else None)
        self._retranslate()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._line.selectAll()

    @property
    def speaker(self) -> Speaker:
        """One of those there are, where it is called so; its name may have been typed."""
        name = " ".join(self.name.currentText().split())
        return next((speaker for speaker in self._speakers if speaker_name(speaker) == name), name or None)

    def accept(self) -> None:
        self.chosen.emit(self.speaker, self.everywhere.isChecked())
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _fill(self, chosen: Speaker) -> None:
        self.name.clear()
        self.name.addItems([speaker_name(speaker) for speaker in self._speakers])
        self.name.setEditText("" if chosen is None else speaker_name(chosen))

    def _arrange(self) -> None:
        self._label.setBuddy(self.name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        for widget in (self._label, self.name, self._hint, self.everywhere):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addWidget(self.buttons)
        self.everywhere.setVisible(len(self._here) == 1 and self._here[0] is not None)
        self.setMinimumWidth(WIDTH)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Speaker"))
        self._label.setText(self.tr("&Who speaks in the selected segments"))
        self._hint.setText(self.tr("Choose a name or type a new one. Without a name nobody is named."))
        self.name.setAccessibleName(self._label.text().replace("&", ""))
        self.name.setToolTip(self.tr("The names there are in this text can be chosen"))
        here = self._here[0]
        if here is not None:
            text = self.tr("&All segments of {name}").format(name=f"“{speaker_name(here)}”")
            self.everywhere.setText(text)
            self.everywhere.setToolTip(self.tr("Not only the selected ones: another name for the same person"))
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons.button(ok).setToolTip(translate("SegmentDialogs", "Change it; that can be undone"))
        self.buttons.button(cancel).setToolTip(translate("WatchDialog", "Leave everything as it was"))
