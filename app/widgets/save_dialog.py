"""The dialog of what is saved by itself: formats, folder, names."""

from __future__ import annotations

import datetime
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.document.auto_save import GAPS, PatternError, SaveRule, file_stem, parse_pattern
from app.document.export import FORMATS, SUBTITLES
from app.document.transcript import Transcript
from app.widgets import dialogs
from app.widgets.engine_texts import translated
from app.widgets.text_label import TextLabel
from app.widgets.texts import format_name, format_use

WIDTH = 560
EXAMPLE = Transcript(Path("interview.mp3"), "en")


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
        self._heading, self._where, self._hint, self.preview = (TextLabel() for _ in range(4))
        self.formats = {name: QCheckBox() for name in FORMATS}
        self.beside, self.in_folder = QRadioButton(), QRadioButton()
        places = QButtonGroup(self)
        for button in (self.beside, self.in_folder):
            places.addButton(button)
        self.folder, self.pattern = QLineEdit(), QLineEdit()
        self._browse, self.subtitles = QPushButton(), QPushButton()
        self.subtitles.setProperty("link", True)
        self._name = QLabel()
        self._name.setBuddy(self.pattern)
        self.replace = QCheckBox()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._show_rule(rule)
        self._arrange()
        self._connect()
        self._retranslate()
        self._update()
        self.resize(WIDTH, 0)

    @property
    def rule(self) -> SaveRule:
        """What is chosen; raises `PatternError`."""
        formats = tuple(name for name, box in self.formats.items() if box.isChecked())
        folder = Path(self.folder.text()) if self.in_folder.isChecked() else None
        return SaveRule(formats, folder, parse_pattern(self.pattern.text()), self.replace.isChecked())

    def accept(self) -> None:
        self.chosen.emit(self.rule)
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self._update()
        super().changeEvent(event)

    def _show_rule(self, rule: SaveRule) -> None:
        for name, box in self.formats.items():
            box.setChecked(name in rule.formats)
        self.beside.setChecked(rule.folder is None)
        self.in_folder.setChecked(rule.folder is not None)
        self.folder.setText(str(rule.folder or ""))
        self.pattern.setText(rule.pattern)
        self.replace.setChecked(rule.replace)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addStrut(WIDTH - 40)  # not less, but more where texts are longer
        layout.addWidget(self._heading)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for i, box in enumerate(self.formats.values()):
            grid.addWidget(box, i // 2, i % 2)
        layout.addLayout(grid)
        layout.addWidget(self.subtitles, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(10)
        layout.addWidget(self._where)
        layout.addWidget(self.beside)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.in_folder)
        place.addWidget(self.folder, 1)
        place.addWidget(self._browse)
        layout.addLayout(place)
        layout.addSpacing(10)
        name = QHBoxLayout()
        name.setSpacing(12)
        name.addWidget(self._name)
        name.addWidget(self.pattern, 1)
        layout.addLayout(name)
        layout.addWidget(self._hint)
        layout.addWidget(self.preview)
        layout.addWidget(self.replace)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        self._hint.setProperty("muted", True)

    def _connect(self) -> None:
        for box in (*self.formats.values(), self.in_folder):
            box.toggled.connect(self._update)
        self.folder.textChanged.connect(self._update)
        self.pattern.textChanged.connect(self._update)
        self._browse.clicked.connect(self._ask_for_folder)
        self.subtitles.clicked.connect(self.subtitles_wanted)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _ask_for_folder(self) -> None:
        start = Path(self.folder.text()) if self.folder.text() else Path.home()
        dialogs.ask_output_folder(self, start, self._take_folder)

    def _take_folder(self, name: str) -> None:
        self.in_folder.setChecked(True)
        self.folder.setText(name)

    def _update(self) -> None:
        """Show what comes of it, or what is wrong with it."""
        self.folder.setEnabled(self.in_folder.isChecked())
        self.subtitles.setEnabled(any(self.formats[name].isChecked() for name in SUBTITLES))
        lacks_folder = self.in_folder.isChecked() and not Path(self.folder.text()).is_absolute()
        problem = ""
        try:
            rule = self.rule
            stem = file_stem(rule.pattern, EXAMPLE, datetime.date.today())
            names = ", ".join(f"{stem}.{name}" for name in rule.formats)
        except PatternError as e:
            problem, names = f"{translated(e.message)} {translated(e.remedy)}", ""
        if lacks_folder:
            problem = problem or self.tr("Choose a folder.")
        text = self.tr("From interview.mp3: {names}").format(names=names) if names else self.tr("Nothing is saved.")
        self.preview.setText(problem or text)
        self.preview.setProperty("danger", bool(problem))
        self.preview.style().unpolish(self.preview)
        self.preview.style().polish(self.preview)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Save texts") if self._once else self.tr("Save automatically"))
        self._heading.setText(
            self.tr("Save the texts of the selected recordings as:")
            if self._once
            else self.tr("When a recording is done, save its text as:")
        )
        for name, box in self.formats.items():
            box.setText(f"{format_name(name)} (.{name})")
            box.setToolTip(format_use(name))
        self.subtitles.setText(self.tr("How &subtitles are made…"))
        self.subtitles.setToolTip(self.tr("Length of lines, speed of reading and gaps of SRT, VTT, LRC and ASS files"))
        self._where.setText(self.tr("Where:"))
        self.beside.setText(self.tr("&Beside the recording"))
        self.in_folder.setText(self.tr("In the &folder"))
        self.folder.setAccessibleName(self.tr("Folder"))
        self._browse.setText(self.tr("C&hoose…"))
        self._name.setText(self.tr("&Name"))
        gaps = ", ".join(f"{{{gap}}}" for gap in GAPS)
        self._hint.setText(self.tr("Filled in for each recording: {gaps}").format(gaps=gaps))
        self.replace.setText(self.tr("&Replace files that are there; otherwise a number is added"))
        self.beside.setToolTip(self.tr("Into the folder that the recording is in"))
        self.in_folder.setToolTip(self.tr("All into one folder"))
        self.folder.setToolTip(self.tr("The folder for all files"))
        self._browse.setToolTip(self.tr("Choose the folder for all files"))
        self.pattern.setToolTip(self.tr("How files are called, without their endings"))
        self.replace.setToolTip(self.tr("Otherwise nothing that is there is touched"))
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setToolTip(self.tr("Save as chosen here"))
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setToolTip(self.tr("Leave everything as it was"))
