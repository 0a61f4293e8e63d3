"""The log, line by line as it is written: by level, searched, copied. Displays and emits."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFontDatabase, QGuiApplication, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.log import LOG_LEVELS, LogLevel
from app.log_tail import LogEntry
from app.widgets.appearance import Appearance
from app.widgets.elided_label import ElidedLabel
from app.widgets.log_model import LogModel
from app.widgets.text_label import TextLabel

MARGIN = 12
_SHOWN_LEVELS = (logging.NOTSET, logging.INFO, logging.WARNING, logging.ERROR)


class LogWindow(QMainWindow):
    """Displays what it is given.

    Signals:
        level_chosen: what is to be written from now on, a `LogLevel`.
        folder_wanted, report_wanted: buttons.
        shown, closing: whether anybody looks.
    """

    level_chosen = Signal(str)
    folder_wanted = Signal()
    report_wanted = Signal()
    shown = Signal()
    closing = Signal()

    def __init__(self, path: Path, level: LogLevel, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = LogModel(appearance, self)
        self.view = QListView(uniformItemSizes=True)
        self.levels, self.search, self.written = QComboBox(), QLineEdit(clearButtonEnabled=True), QComboBox()
        self.copy, self.folder, self.report = QPushButton(), QPushButton(), QPushButton()
        self._level_name, self._written_name = QLabel(), QLabel()
        self._path, self._problem = ElidedLabel(), TextLabel()
        self._path.setText(str(path))
        self._path.setToolTip(str(path))
        self._cause = ""  # why there is nothing to see
        self._follows = True  # the last line stays in sight as long as it is
        self._arrange()
        for box in (self.levels, self.written):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)  # also in another language
        for _ in _SHOWN_LEVELS:
            self.levels.addItem("")
        for name in LOG_LEVELS:
            self.written.addItem("", name)
        self.written.setCurrentIndex(LOG_LEVELS.index(level))
        self._connect()
        self._retranslate()
        self.setMinimumSize(640, 400)
        self.resize(1000, 620)

    def add(self, entries: list[LogEntry]) -> None:
        """New ones, behind the others."""
        self._cause = ""
        self.model.add(entries)
        self._update_problem()
        if self._follows:
            self.view.scrollToBottom()

    def show_problem(self, text: str) -> None:
        """Why there is nothing to see."""
        self._cause = text
        self._update_problem()

    def copy_lines(self) -> None:
        """The selected lines, or all that are shown."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        lines = [self.model.index(row).data() for row in rows]
        QGuiApplication.clipboard().setText("\n".join(lines) if lines else self.model.text)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.shown.emit()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closing.emit()
        super().closeEvent(event)

    def _arrange(self) -> None:
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setTextElideMode(Qt.TextElideMode.ElideNone)
        metrics = self.view.fontMetrics()
        self.model.character = QSize(metrics.horizontalAdvance("m"), metrics.height())
        self.view.setModel(self.model)
        top = QHBoxLayout()
        top.setSpacing(8)
        self._level_name.setBuddy(self.levels)
        top.addWidget(self._level_name)
        top.addWidget(self.levels)
        top.addWidget(self.search, 1)
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.addWidget(self._problem)
        inside.addWidget(self.view, 1)
        self._path.setProperty("muted", True)
        self._written_name.setBuddy(self.written)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        for widget in (self.copy, self.folder, self.report):
            bottom.addWidget(widget)
        bottom.addStretch()
        bottom.addWidget(self._written_name)
        bottom.addWidget(self.written)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(top)
        layout.addWidget(card, 1)
        layout.addWidget(self._path)
        layout.addLayout(bottom)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        self.model.widened.connect(self.view.scheduleDelayedItemsLayout)
        self.levels.currentIndexChanged.connect(self._filter)
        self.search.textChanged.connect(self._filter)
        self.written.activated.connect(self._choose_level)
        self.copy.clicked.connect(self.copy_lines)
        self.folder.clicked.connect(self.folder_wanted)
        self.report.clicked.connect(self.report_wanted)
        self.view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view, context=Qt.ShortcutContext.WidgetShortcut
                  ).activated.connect(self.copy_lines)  # fmt: skip
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self).activated.connect(self.search.setFocus)
        for keys in ("Ctrl+W", "Escape"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.close)

    def _filter(self) -> None:
        self.model.show_only(_SHOWN_LEVELS[self.levels.currentIndex()], self.search.text())
        self.view.scrollToBottom()
        self._update_problem()

    def _update_problem(self) -> None:
        text = self._cause or ("" if self.model.rowCount() else self.tr("There is nothing of that kind in the log."))
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    def _choose_level(self, index: int) -> None:
        self.level_chosen.emit(LOG_LEVELS[index])

    def _on_scrolled(self, value: int) -> None:
        self._follows = value >= self.view.verticalScrollBar().maximum()

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Log"))
        shown = (self.tr("Everything"), self.tr("Information"), self.tr("Warnings and errors"), self.tr("Errors only"))
        for index, text in enumerate(shown):
            self.levels.setItemText(index, text)
        written = {
            "debug": self.tr("Everything, for the search of an error"),
            "info": self.tr("What the program does"),
            "warning": self.tr("Warnings and errors"),
            "error": self.tr("Errors only"),
        }
        for index, name in enumerate(LOG_LEVELS):
            self.written.setItemText(index, written[name])
        self._level_name.setText(self.tr("&Show:"))
        self.levels.setToolTip(self.tr("Lines of less weight are left out"))
        self.levels.setAccessibleName(self.tr("Lines that are shown"))
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setToolTip(self.tr("Only entries with this text are shown"))
        self._written_name.setText(self.tr("&Write down:"))
        self.written.setAccessibleName(self.tr("Lines that are written"))
        self.written.setToolTip(self.tr("What goes into the log from now on. It stays on this computer."))
        self.copy.setText(self.tr("&Copy"))
        self.copy.setToolTip(self.tr("Copies the selected lines, or all that are shown"))
        self.folder.setText(self.tr("&Open folder"))
        self.folder.setToolTip(self.tr("Opens the folder in which the log is"))
        self.report.setText(self.tr("&Problem report…"))
        self.report.setToolTip(self.tr("What a bug report needs, to be read and copied. Nothing is sent."))
        self._update_problem()
        self.view.setAccessibleName(self.tr("Log"))
        self.view.setAccessibleDescription(self.tr("Each line with its time, its weight and where it comes from"))
