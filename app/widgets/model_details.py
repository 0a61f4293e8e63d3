"""The selected model: what it is, what it needs, and buttons for what can be done with it."""

from __future__ import annotations

from functools import partial
from typing import get_args

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.model_work import Trouble
from app.widgets import engine_texts
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.model_rows import (
    Action,
    CatalogueRow,
    DiskRow,
    ModelRow,
    action_explanation,
    action_text,
    kind_text,
    name_of,
)
from app.widgets.text_label import TextLabel
from app.widgets.texts import data_size, real_time_factor

ICONS: dict[Action, str] = {
    "download": "download",
    "pause": "pause",
    "resume": "resume",
    "cancel": "stop",
    "use": "done",
    "import": "import",
    "quantize": "quantize",
    "verify": "verify",
    "show": "folder",
    "remove": "remove",
}
# What most want, on a button in colour and by a double click; never anything that ends something.
PRIMARY: tuple[Action, ...] = ("download", "resume", "use", "import")


class ModelDetails(QFrame):
    """Displays what it is given last.

    Signals:
        action_requested: one of `Action`, for the row that is shown.
    """

    action_requested = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._appearance = appearance
        self._row: ModelRow | None = None
        self._free_bytes = 0
        self._state: tuple[object, ...] = ()
        self.name, self.facts, self.reason, self.trouble = (TextLabel() for _ in range(4))
        self.name.setProperty("heading", True)
        self.facts.setProperty("muted", True)
        self.trouble.setProperty("danger", True)
        self.buttons: dict[Action, QPushButton] = {action: QPushButton() for action in get_args(Action)}
        self._empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("muted", True)
        self._arrange()
        appearance.changed.connect(self._update_icons)
        self._update_icons()
        self._retranslate()

    def show_row(self, row: ModelRow | None, free_bytes: int) -> None:
        """`free_bytes`: of memory."""
        state = (row, free_bytes, row.actions if row is not None else (), _trouble_of(row))
        if state != self._state:  # said again many times a second, while something runs
            self._row, self._free_bytes, self._state = row, free_bytes, state
            self._update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _arrange(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for label in (self.name, self.facts, self.reason, self.trouble):
            texts.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(8)
        for action, button in self.buttons.items():
            button.setIconSize(BUTTON_ICON_SIZE)
            button.setProperty("primary", action in PRIMARY)
            button.clicked.connect(partial(self._request, action))
            row.addWidget(button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self._empty)
        layout.addLayout(texts)
        layout.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def _request(self, action: Action) -> None:
        self.action_requested.emit(action)

    def _retranslate(self) -> None:
        for action, button in self.buttons.items():
            button.setText(action_text(action))
            button.setToolTip(action_explanation(action))
        self._empty.setText(self.tr("Select a model to see what can be done with it"))
        self._update()

    def _update(self) -> None:
        row = self._row
        match row:
            case CatalogueRow():
                texts = [row.key, self._needs(row), self._reason(row), self._trouble(row)]
            case DiskRow():
                texts = [
                    name_of(row.path),
                    self._file(row),
                    self._check(row),
                    engine_texts.translated(row.found.model.problem),
                ]
            case None:
                texts = [""] * 4
        for label, text in zip((self.name, self.facts, self.reason, self.trouble), texts, strict=True):
            label.setText(text)
            label.setVisible(bool(text))
        self._empty.setVisible(row is None)
        actions = row.actions if row is not None else ()
        focused = next((action for action, button in self.buttons.items() if button.hasFocus()), None)
        for action, button in self.buttons.items():
            button.setVisible(action in actions)
        if focused is not None and focused not in actions and actions:
            self.buttons[actions[0]].setFocus()  # the button pressed last has become another one

    def _needs(self, row: CatalogueRow) -> str:
        model, listed = row.listed.model, row.listed
        parts = [
            self.tr("{n} million parameters in {type}").format(
                n=model.architecture.parameters, type=model.quantization
            ),
            data_size(model.n_bytes),
            self.tr("needs about {cpu} of memory on the CPU, {gpu} on a GPU").format(
                cpu=data_size(listed.cpu_bytes), gpu=data_size(listed.gpu_bytes)
            ),
        ]
        if listed.real_time_factor:
            speed = real_time_factor(listed.real_time_factor)
            parts.append(self.tr("expected real-time factor here: {speed}").format(speed=speed))
        else:
            parts.append(self.tr("speed not measured yet: transcribe a recording of ten seconds or more"))
        return " · ".join(parts)

    def _reason(self, row: CatalogueRow) -> str:
        if not row.fits:
            need, free = data_size(row.listed.cpu_bytes), data_size(self._free_bytes)
            text = self.tr("It may not fit: it needs about {need} of memory on the CPU, and {free} are free.")
            return text.format(need=need, free=free)
        if row.recommended is None:
            return ""
        reason = engine_texts.translated(row.recommended)
        return self.tr("Recommended for this computer. {reason}").format(reason=reason)

    def _trouble(self, row: CatalogueRow) -> str:
        if (trouble := _trouble_of(row)) is None:
            return ""
        problem = engine_texts.problem(trouble.kind, trouble.message, trouble.remedy)
        return f"{problem.headline}\n{problem.remedy}"

    def _file(self, row: DiskRow) -> str:
        return f"{kind_text(row)} · {data_size(row.found.model.n_bytes)} · {row.path}"

    def _check(self, row: DiskRow) -> str:
        model = row.found.model
        if model.problem:
            return ""
        if not model.is_usable:
            return self.tr("Another program's format: import it to use it here. The original stays as it is.")
        texts = {
            "verified": self.tr("Byte by byte the file that was published."),
            "unpublished": self.tr("Not one of the published files this program knows: converted, trained or changed."),
            "not checked": self.tr("Whether it is a published file has not been checked: verify it."),
        }
        return texts[row.found.verification]

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        for action, button in self.buttons.items():
            color = colors.on_accent if action in PRIMARY else colors.text
            button.setIcon(self._appearance.button_icon(ICONS[action], color))


def _trouble_of(row: ModelRow | None) -> Trouble | None:
    return row.job.trouble if isinstance(row, CatalogueRow) and row.job is not None else None
