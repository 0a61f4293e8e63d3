"""The page of settings about dictation into other programs."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QKeySequenceEdit, QLineEdit, QPushButton, QWidget

from app.anywhere.combination import Combination
from app.anywhere.rules import HOTKEY_MODES, PACES, WAYS, Rules, steals
from app.widgets.pairs_table import PairsTable
from app.widgets.settings_rows import SettingsPage
from app.widgets.text_label import TextLabel


class DictationPage(SettingsPage):
    """Signals:
    changed: a person has chosen something: `Rules`.
    capturing: keys pressed now are the new hotkey, and are not to be taken by the old one.
    """

    changed = Signal(object)
    capturing = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rules = Rules()
        self.hotkey = QKeySequenceEdit(maximumSequenceLength=1)
        self.hotkey.setMinimumWidth(30 * self.hotkey.fontMetrics().averageCharWidth())
        self.no_hotkey = QPushButton()
        keys = QWidget()
        row = QHBoxLayout(keys)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.hotkey)
        row.addWidget(self.no_hotkey)
        self.problem = TextLabel()
        self.problem.setProperty("danger", True)
        self.problem.hide()
        self.mode, self.way, self.pace = (QComboBox() for _ in range(3))
        for box, values in ((self.mode, HOTKEY_MODES), (self.way, WAYS), (self.pace, PACES)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            for value in values:
                box.addItem("", value)
        self.commands, self.tidy, self.space_behind, self.overlay, self.tray = (QCheckBox() for _ in range(5))
        self.replacements, self.programs = PairsTable(), PairsTable()
        self._system = TextLabel()
        self._system.setProperty("muted", True)
        self._note, self._no_tray = "", False
        self._fill(keys)
        self._connect()
        self.retranslate()

    def show_rules(self, rules: Rules) -> None:
        self._rules = rules
        with QSignalBlocker(self.hotkey):
            self.hotkey.setKeySequence(QKeySequence(rules.hotkey))
        self.no_hotkey.setEnabled(bool(rules.hotkey))
        for box, value in ((self.mode, rules.mode), (self.way, rules.way), (self.pace, rules.pace)):
            box.setCurrentIndex(box.findData(value))
        for name in ("commands", "tidy", "space_behind", "overlay", "tray"):
            getattr(self, name).setChecked(getattr(rules, name))
        self.replacements.show_pairs(rules.replacements)
        self.programs.show_pairs(rules.programs)

    def show_problem(self, text: str) -> None:
        """Why the hotkey cannot be used; "" if it can."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_system(self, note: str, *, no_tray: bool) -> None:
        """What is to be known about this system."""
        self._note, self._no_tray = note, no_tray
        self.retranslate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.capturing.emit(event.type() is QEvent.Type.FocusIn)
        return super().eventFilter(watched, event)

    # ------------------------------------------------------------- inside

    def _fill(self, keys: QWidget) -> None:
        self.add(
            keys,
            lambda: (
                self.tr("Hotkey"),
                self.tr(
                    "Works in every program: what you say is put in where its cursor is. Without one, nothing listens."
                ),
            ),
        )
        self.add(
            self.mode,
            lambda: (self.tr("What it does"), self.tr("A key that is held dictates until it is let go.")),
        )
        self.add(
            self.way,
            lambda: (
                self.tr("Putting in"),
                self.tr(
                    "Pasting is exact, and the clipboard is what it was afterwards. Typed characters can get lost in "
                    "slow programs."
                ),
            ),
        )
        self.add(
            self.pace,
            lambda: (self.tr("When"), self.tr("Words that may still change are never put in, only shown.")),
        )
        self.add(
            self.commands,
            lambda: (
                self.tr("Spoken commands"),
                self.tr(
                    "“New line”, “new paragraph” and “scratch that”; in Chinese 换行, 新段落, 删掉这句. With a short "
                    "pause before or behind them."
                ),
            ),
        )
        self.add(
            self.tidy,
            lambda: (
                self.tr("Tidying"),
                self.tr("Numbers as figures, spaces and marks where they belong, sentences with a capital letter."),
            ),
        )
        self.add(
            self.space_behind,
            lambda: (self.tr("Space"), self.tr("What is dictated next stands apart. Never in Chinese or Japanese.")),
        )
        self.add(
            self.overlay,
            lambda: (self.tr("Display"), self.tr("A small window above all others; it never takes the keyboard.")),
        )
        self.add(self.tray, lambda: (self.tr("Tray"), self._tray_text()))
        self._column.insertWidget(0, self.problem)
        self._column.insertWidget(0, self._system)
        self.add_wide(self.replacements)
        self.add_wide(self.programs)

    def _tray_text(self) -> str:
        if self._no_tray:
            return self.tr("This desktop has no tray for icons of programs.")
        return self.tr("Closing the window leaves the program running there, so that the hotkey goes on working.")

    def _connect(self) -> None:
        self.hotkey.installEventFilter(self)
        self.hotkey.editingFinished.connect(self._take)
        self.no_hotkey.clicked.connect(self._clear_hotkey)
        for box in (self.mode, self.way, self.pace):
            box.activated.connect(self._take)
        for switch in (self.commands, self.tidy, self.space_behind, self.overlay, self.tray):
            switch.clicked.connect(self._take)
        for table in (self.replacements, self.programs):
            table.changed.connect(self._take)

    def _clear_hotkey(self) -> None:
        self.hotkey.clear()
        self._take()

    def _chosen_hotkey(self) -> str:
        """As it was where the new one cannot be."""
        keys = self.hotkey.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        try:
            if not keys or not steals(Combination.parse(keys)):
                return keys
        except ValueError:
            pass  # a modifier alone
        with QSignalBlocker(self.hotkey):
            self.hotkey.setKeySequence(QKeySequence(self._rules.hotkey))
        text = self.tr("{keys} is needed for typing, in every program. Take it with Ctrl, Alt or Meta, or another key.")
        self.show_problem(text.format(keys=keys))
        return self._rules.hotkey

    def _take(self) -> None:
        rules = replace(
            self._rules,
            hotkey=self._chosen_hotkey(),
            mode=self.mode.currentData(),
            way=self.way.currentData(),
            pace=self.pace.currentData(),
            commands=self.commands.isChecked(),
            tidy=self.tidy.isChecked(),
            space_behind=self.space_behind.isChecked(),
            overlay=self.overlay.isChecked(),
            tray=self.tray.isChecked(),
            replacements=self.replacements.pairs,
            programs=self.programs.pairs,
        )
        if rules != self._rules:
            self._rules = rules
            self.no_hotkey.setEnabled(bool(rules.hotkey))
            self.changed.emit(rules)

    def retranslate(self) -> None:
        modes = [
            self.tr("Tap: begin and end; hold: while it is down"),
            self.tr("Tap: begin and end"),
            self.tr("Only while it is down"),
        ]
        ways = [self.tr("Paste"), self.tr("Type"), self.tr("Clipboard only, to paste yourself")]
        paces = [self.tr("As soon as words are settled"), self.tr("At every pause"), self.tr("At the end")]
        for box, texts in ((self.mode, modes), (self.way, ways), (self.pace, paces)):
            for row, text in enumerate(texts):
                box.setItemText(row, text)
        self.hotkey.setAccessibleName(self.tr("Hotkey"))
        self.hotkey.setToolTip(self.tr("Click here and press the keys"))
        for line in self.hotkey.findChildren(QLineEdit):
            line.setPlaceholderText(self.tr("Click here and press the keys"))
        self.no_hotkey.setText(self.tr("No hotkey"))
        self.no_hotkey.setToolTip(self.tr("Nothing listens then"))
        self.commands.setText(self.tr("Obey them"))
        self.tidy.setText(self.tr("Tidy up what is said"))
        self.space_behind.setText(self.tr("A space behind each dictation"))
        self.overlay.setText(self.tr("Show what is heard"))
        self.tray.setText(self.tr("Icon in the tray"))
        self.tray.setEnabled(not self._no_tray)
        self.replacements.set_texts(
            self.tr("Your own words"),
            self.tr(
                "What is heard, and what is written for it: names, addresses, whole phrases. \\n begins a new line; "
                "nothing written leaves the word out."
            ),
            (self.tr("Heard"), self.tr("Written")),
            self.tr("Add a word"),
        )
        self.programs.set_texts(
            self.tr("Programs of their own"),
            self.tr(
                "Where pasting takes other keys: the name of the program, and keys such as Ctrl+Shift+V, or “type”, or "
                "“clipboard”. Usual terminals are known."
            ),
            (self.tr("Program"), self.tr("Keys")),
            self.tr("Add a program"),
        )
        self._system.setText(self._note)
        self._system.setVisible(bool(self._note))
        super().retranslate()
