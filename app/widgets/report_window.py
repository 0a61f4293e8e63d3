"""A report about a problem, to be read before anything is done with it. Displays and emits."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.problem_report import Report
from app.widgets.appearance import Appearance
from app.widgets.message_bar import MessageBar
from app.widgets.text_label import TextLabel

MARGIN = 12
ICON_SIZE = 20


class ReportWindow(QMainWindow):
    """Displays what it was given last.

    Signals:
        save_wanted: the text that is shown.
    """

    save_wanted = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._report: Report | None = None
        self.message_bar = MessageBar(appearance)
        self._icon, self._promise = QLabel(), TextLabel()
        self.masked = QCheckBox()
        self.masked.setChecked(True)
        self.text = QPlainTextEdit(readOnly=True, lineWrapMode=QPlainTextEdit.LineWrapMode.NoWrap)
        self.copy, self.save, self.close_ = QPushButton(), QPushButton(), QPushButton()
        self._arrange()
        self._connect()
        self._retranslate()
        self._update_icon()
        self.setMinimumSize(620, 420)
        self.resize(860, 660)

    def show_report(self, report: Report | None) -> None:
        """None: it is being put together."""
        self._report = report
        self._update_text()

    def copy_text(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTabChangesFocus(True)
        self.text.setObjectName("report")
        self.copy.setProperty("primary", True)
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self._icon)
        top.addWidget(self._promise, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.save)
        buttons.addStretch()
        buttons.addWidget(self.close_)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(self.message_bar)
        layout.addLayout(top)
        layout.addWidget(self.masked)
        layout.addWidget(self.text, 1)
        layout.addLayout(buttons)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        self.masked.toggled.connect(self._update_text)
        self.copy.clicked.connect(self.copy_text)
        self.save.clicked.connect(self._on_save)
        self.close_.clicked.connect(self.close)
        self._appearance.changed.connect(self._update_icon)
        for keys in ("Ctrl+W", "Escape"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.close)

    def _on_save(self) -> None:
        self.save_wanted.emit(self.text.toPlainText())

    def _update_text(self) -> None:
        report = self._report
        for widget in (self.copy, self.save, self.masked):
            widget.setEnabled(report is not None)
        if report is None:
            self.text.setPlainText(self.tr("Being put together…"))
        else:
            self.text.setPlainText(report.masked if self.masked.isChecked() else report.full)

    def _update_icon(self) -> None:
        self._icon.setPixmap(self._appearance.pixmap("info", self._appearance.colors.accent, ICON_SIZE))

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Problem report"))
        self._promise.setText(
            self.tr(
                "Nothing is sent. Read it, and copy or save it if you want to attach it to a bug report. "
                "It holds no text of your recordings and none of the words you typed."
            )
        )
        self.masked.setText(self.tr("&Hide names of files, folders and of the user"))
        self.masked.setToolTip(self.tr("They stand for themselves as <file 1.mp3> or <path>"))
        self.text.setAccessibleName(self.tr("Report"))
        self.text.setAccessibleDescription(self.tr("Versions, this machine, options, and the end of the log"))
        self.copy.setText(self.tr("&Copy"))
        self.copy.setToolTip(self.tr("Copies the report as it is shown"))
        self.save.setText(self.tr("&Save…"))
        self.save.setToolTip(self.tr("Writes the report as it is shown to a text file"))
        self.close_.setText(self.tr("Close"))
        self.close_.setToolTip(self.tr("The report is not kept"))
        if self._report is None:
            self._update_text()
