"""Which files are written of a text, where, and under which names: what the dialogs and the settings have in common."""

from __future__ import annotations

import datetime
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
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
from app.widgets.engine_texts import explained
from app.widgets.options_panel import INDENT
from app.widgets.text_label import TextLabel
from app.widgets.texts import format_name, format_use

EXAMPLE = Transcript(Path("interview.mp3"), "en")


class SaveRuleForm(QWidget):
    """Shows a `SaveRule` and lets it be changed. The layout it stands in says what it is for.

    Args:
        explained: a sentence below each choice; else where the pointer rests.

    Signals:
        changed: the user chose something else, perhaps something that cannot be.
        subtitles_wanted: to say how subtitles are made.

    Attributes:
        problem: what is wrong with what is chosen; "" for nothing.
    """

    changed = Signal()
    subtitles_wanted = Signal()

    def __init__(self, parent: QWidget | None = None, *, explained: bool = False) -> None:
        super().__init__(parent)
        self.problem = ""
        self._where, self._hint, self.preview = (TextLabel() for _ in range(3))
        self.formats = {name: QCheckBox() for name in FORMATS}
        self.beside, self.in_folder, self.replace = QRadioButton(), QRadioButton(), QCheckBox()
        places = QButtonGroup(self)
        for button in (self.beside, self.in_folder):
            places.addButton(button)
        self.folder, self.pattern = QLineEdit(), QLineEdit()
        self._browse, self.subtitles = QPushButton(), QPushButton()
        self.subtitles.setProperty("link", True)
        self._name = QLabel()
        self._name.setBuddy(self.pattern)
        explainable = (*self.formats.values(), self.beside, self.in_folder, self.replace) if explained else ()
        self._explanations: dict[QWidget, TextLabel] = {widget: TextLabel() for widget in explainable}
        self._arrange()
        self.show_rule(SaveRule())
        self._connect()
        self._retranslate()
        self._update()

    @property
    def rule(self) -> SaveRule:
        """What is chosen; raises `PatternError`."""
        formats = tuple(name for name, box in self.formats.items() if box.isChecked())
        folder = Path(self.folder.text()) if self.in_folder.isChecked() else None
        return SaveRule(formats, folder, parse_pattern(self.pattern.text()), self.replace.isChecked())

    def show_rule(self, rule: SaveRule) -> None:
        for name, box in self.formats.items():
            box.setChecked(name in rule.formats)
        self.beside.setChecked(rule.folder is None)
        self.in_folder.setChecked(rule.folder is not None)
        self.folder.setText(str(rule.folder or ""))
        self.pattern.setText(rule.pattern)
        self.replace.setChecked(rule.replace)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
            self._update()
        super().changeEvent(event)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        for i, box in enumerate(self.formats.values()):
            grid.addLayout(self._explained(box), i // 2, i % 2)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.in_folder)
        place.addWidget(self.folder, 1)
        place.addWidget(self._browse)
        name = QHBoxLayout()
        name.setSpacing(12)
        name.addWidget(self._name)
        name.addWidget(self.pattern, 1)
        layout.addLayout(grid)
        layout.addWidget(self.subtitles, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(10)
        layout.addWidget(self._where)
        layout.addLayout(self._explained(self.beside))
        layout.addLayout(place)
        self._add_explanation(layout, self.in_folder)
        layout.addSpacing(10)
        layout.addLayout(name)
        layout.addWidget(self._hint)
        layout.addWidget(self.preview)
        layout.addLayout(self._explained(self.replace))
        self._hint.setProperty("muted", True)

    def _explained(self, button: QCheckBox | QRadioButton) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addWidget(button)
        self._add_explanation(column, button)
        column.addStretch()
        return column

    def _add_explanation(self, column: QVBoxLayout, button: QCheckBox | QRadioButton) -> None:
        if (explanation := self._explanations.get(button)) is not None:
            explanation.setProperty("muted", True)
            explanation.setContentsMargins(INDENT, 0, 0, 0)
            column.addWidget(explanation)

    def _connect(self) -> None:
        for box in (*self.formats.values(), self.in_folder):
            box.toggled.connect(self._update)
        self.folder.textChanged.connect(self._update)
        self.pattern.textChanged.connect(self._update)
        for button in (*self.formats.values(), self.beside, self.in_folder, self.replace):
            button.clicked.connect(self.changed)
        for line in (self.folder, self.pattern):
            line.textEdited.connect(self._on_typed)
        self._browse.clicked.connect(self._ask_for_folder)
        self.subtitles.clicked.connect(self.subtitles_wanted)

    def _ask_for_folder(self) -> None:
        start = Path(self.folder.text()) if self.folder.text() else Path.home()
        dialogs.ask_output_folder(self.window(), start, self._take_folder)

    def _take_folder(self, name: str) -> None:
        self.in_folder.setChecked(True)
        self.folder.setText(name)
        self.changed.emit()

    def _on_typed(self) -> None:
        self._update()  # Qt tells of what is typed before it tells of what has changed
        self.changed.emit()

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
            problem, names = explained(e), ""
        if lacks_folder:
            problem = problem or self.tr("Choose a folder.")
        self.problem = problem
        text = self.tr("From interview.mp3: {names}").format(names=names) if names else self.tr("Nothing is saved.")
        self.preview.setText(problem or text)
        self.preview.setProperty("danger", bool(problem))
        self.preview.style().unpolish(self.preview)
        self.preview.style().polish(self.preview)

    def _retranslate(self) -> None:
        for name, box in self.formats.items():
            box.setText(f"{format_name(name)} (.{name})")
            self._explain(box, format_use(name))
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
        self._explain(self.beside, self.tr("Into the folder that the recording is in"))
        self._explain(self.in_folder, self.tr("All into one folder"))
        self._explain(self.replace, self.tr("Otherwise nothing that is there is touched"))
        self.folder.setToolTip(self.tr("The folder for all files"))
        self._browse.setToolTip(self.tr("Choose the folder for all files"))
        self.pattern.setToolTip(self.tr("How files are called, without their endings"))

    def _explain(self, widget: QWidget, text: str) -> None:
        widget.setAccessibleDescription(text)
        if (explanation := self._explanations.get(widget)) is not None:
            explanation.setText(text)
        else:
            widget.setToolTip(text)
