"""The dialog of the network's settings: the switch, proxy, certificates, mirror."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.models.errors import SettingsError
from app.models.settings import NetworkSettings, parse_ca_file, parse_mirror, parse_proxy
from app.widgets import dialogs
from app.widgets.engine_texts import explained
from app.widgets.text_label import TextLabel

WIDTH = 560


class NetworkDialog(QDialog):
    """Shows the settings and lets them be changed; deletes itself when it is closed.

    Signals:
        chosen: the user wants these `NetworkSettings`, which are sound.
    """

    chosen = Signal(object)

    def __init__(self, settings: NetworkSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.off = QCheckBox()
        self.off.setChecked(settings.off)
        self.proxy = _Row(settings.proxy, parse_proxy, "http://host:port")
        self.ca_file = _Row(str(settings.ca_file or ""), parse_ca_file)
        self.mirror = _Row(settings.mirror, parse_mirror, "https://host")
        self._browse = QPushButton()
        self._browse.clicked.connect(self._ask_for_certificates)
        self._off_hint = TextLabel()
        self._off_hint.setProperty("muted", True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._arrange()
        self._retranslate()
        self.resize(WIDTH, 0)
        self._fit()
        self.off.setFocus()

    def accept(self) -> None:
        """Take what is there, or say what is wrong with it."""
        rows = [self.proxy, self.ca_file, self.mirror]
        wrong = [row for row in rows if not row.check()]
        if wrong:
            wrong[0].field.setFocus()
            self._fit()
            return
        self.chosen.emit(NetworkSettings(self.off.isChecked(), *(row.value for row in rows)))
        super().accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(6)
        layout.addWidget(self.off)
        layout.addWidget(self._off_hint)
        layout.addSpacing(10)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for i, row in enumerate((self.proxy, self.ca_file, self.mirror)):
            row.add_to(grid, 3 * i, self._browse if row is self.ca_file else None)
        layout.addLayout(grid)
        layout.addStretch()
        layout.addSpacing(8)
        layout.addWidget(self._buttons)
        self.setMinimumWidth(WIDTH)

    def _fit(self) -> None:
        """Be as high as the lines of text need; Qt reckons with narrower ones."""
        self._layout.activate()
        self.resize(self.width(), max(self.height(), self._layout.heightForWidth(self.width())))

    def _ask_for_certificates(self) -> None:
        folder = Path(self.ca_file.field.text()).parent if self.ca_file.field.text() else Path.home()
        dialogs.ask_certificates(self, folder, self.ca_file.field.setText)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Network"))
        self.off.setText(self.tr("&Network off"))
        self._off_hint.setText(self.tr("Nothing is fetched. Transcribing needs no network."))
        self._browse.setText(self.tr("C&hoose…"))
        self.proxy.set_texts(self.tr("&Proxy"), self.tr("If empty, as the system or HTTPS_PROXY says."))
        self.ca_file.set_texts(
            self.tr("&Certificates"), self.tr("A PEM file to trust besides the system's, where a network inspects.")
        )
        self.mirror.set_texts(
            self.tr("&Mirror"),
            self.tr("Of huggingface.co, tried first. If empty, as HF_ENDPOINT says."),
        )


class _Row:
    """A labelled field with a line below it: what it is for, or what is wrong with what is in it."""

    def __init__(self, text: str, parse: Callable[[str], Any], example: str = "") -> None:
        self.value: Any = None
        self._parse = parse
        self._hint = ""
        self._problem: SettingsError | None = None
        self.field = QLineEdit(text, placeholderText=example, clearButtonEnabled=True)
        self.field.textEdited.connect(self._forget_problem)
        self.label = QLabel()
        self.label.setBuddy(self.field)
        self.below = TextLabel()

    def add_to(self, grid: QGridLayout, row: int, button: QPushButton | None) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.field, 1)
        if button is not None:
            line.addWidget(button)
        grid.addWidget(self.label, row, 0)
        grid.addLayout(line, row, 1)
        grid.addWidget(self.below, row + 1, 1)
        grid.setRowMinimumHeight(row + 2, 6)

    def check(self) -> bool:
        """Read the field into `value`; False, and said, if it cannot be understood."""
        try:
            self.value, self._problem = self._parse(self.field.text()), None
        except SettingsError as e:
            self._problem = e
        self._show()
        return self._problem is None

    def set_texts(self, label: str, hint: str) -> None:
        self.label.setText(label)
        self._hint = hint
        self._show()

    def _forget_problem(self) -> None:
        self._problem = None
        self._show()

    def _show(self) -> None:
        problem = self._problem
        text = self._hint if problem is None else explained(problem)
        self.below.setText(text)
        self.below.setProperty("muted", problem is None)
        self.below.setProperty("danger", problem is not None)
        self.below.style().unpolish(self.below)
        self.below.style().polish(self.below)
        self.field.setAccessibleDescription(text)
