"""Import and quantize: from which file, as what, to which file."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
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

from app.engine.model_jobs import WEIGHT_TYPES, ConvertModel
from app.widgets import dialogs
from app.widgets.model_rows import name_of
from app.widgets.texts import translate

_TYPE_AT_END = re.compile(r"[-_.](f16|f32|fp16|fp32|q\d(_\d|_k(_[sml])?)?)$", re.IGNORECASE)
_SAY_NOTHING = ("model", "pytorch_model", "model.safetensors", "whisper")  # names of files that are called alike


def suggested_name(source: Path, type_name: str, suffix: str) -> str:
    """What the new file may be called: "ggml-base-q5_1.bin" for base.pt, as whisper.cpp's are."""
    stem = source.stem if source.suffix in (".pt", ".bin", ".gguf", ".safetensors") else source.name
    if stem in _SAY_NOTHING or source.name == "model.safetensors.index.json":
        source, stem = source.parent, source.parent.name
    stem = name_of(source).rpartition("/")[2] if source.parent.name == "snapshots" else stem
    stem = _TYPE_AT_END.sub("", stem).removeprefix("ggml-")
    for prefix in ("whisper-", "faster-whisper-"):
        stem = stem.removeprefix(prefix)
    ending = f"-{type_name}" if type_name and type_name != "f16" else ""
    return f"ggml-{stem}{ending}{suffix}" if suffix == ".bin" else f"{stem}{ending}{suffix}"


class ConvertDialog(QDialog):
    """Asks for a `ConvertModel`; does not block.

    Args:
        source: of a model that was chosen already, else None: then it is asked for here.
        folder: where the result goes unless the user chooses another one.
        quantizing: a type has to be chosen.

    Signals:
        accepted_job: a `ConvertModel`.
    """

    accepted_job = Signal(object)

    def __init__(self, source: Path | None, folder: Path, parent: QWidget | None, *, quantizing: bool) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._quantizing = quantizing
        self._folder = folder
        self._name_is_ours = True  # it follows what is chosen until the user types one
        self.source, self.output = QLineEdit(), QLineEdit()
        self.type, self.format = QComboBox(), QComboBox()
        self._labels = [QLabel() for _ in range(4)]
        self._intro, self._type_hint = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._file, self._folder_button, self._save_as = QPushButton(), QPushButton(), QPushButton()
        self.go, self._cancel = QPushButton(), QPushButton()  # standard ones would change their texts with the language
        self._fill_choices()
        self._arrange()
        self._connect()
        self._retranslate()
        self.source.setText(str(source) if source is not None else "")
        if quantizing and Path(self.output.text()) == source:
            self.type.setCurrentIndex(self.type.findData("q4_0"))  # it is what is proposed already
        self._update()
        if source is not None:
            self.type.setFocus()

    def job(self) -> ConvertModel:
        return ConvertModel(Path(self.source.text()), Path(self.output.text()), self.type.currentData() or None)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _fill_choices(self) -> None:
        if not self._quantizing:
            self.type.addItem("", "")
        for name in WEIGHT_TYPES:
            self.type.addItem(name.upper(), name)
        if self._quantizing:
            self.type.setCurrentIndex(self.type.findData("q5_1"))
        for suffix in (".bin", ".gguf"):
            self.format.addItem("", suffix)

    def _arrange(self) -> None:
        self._intro.setProperty("muted", True)
        self._type_hint.setProperty("muted", True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        picks = QHBoxLayout()
        picks.setSpacing(8)
        picks.addWidget(self._file)
        picks.addWidget(self._folder_button)
        fields: list[QWidget] = [self.source, self.type, self.format, self.output]
        rows = (0, 1, 3, 4)
        for row, label, field in zip(rows, self._labels, fields, strict=True):
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.addLayout(picks, 0, 2)
        grid.addWidget(self._type_hint, 2, 1, 1, 2)
        grid.addWidget(self._save_as, 4, 2)
        buttons = QDialogButtonBox()
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self._cancel, QDialogButtonBox.ButtonRole.RejectRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addWidget(self._intro)
        layout.addLayout(grid)
        layout.addStretch()
        layout.addWidget(buttons)
        self.setMinimumWidth(720)
        self.go.setProperty("primary", True)
        self.go.setDefault(True)

    def _connect(self) -> None:
        self.source.textChanged.connect(self._update)
        self.output.textEdited.connect(self._on_output_edited)
        self.output.textChanged.connect(self._update_buttons)
        self.type.currentIndexChanged.connect(self._update)
        self.format.currentIndexChanged.connect(self._update)
        self._file.clicked.connect(self._ask_file)
        self._folder_button.clicked.connect(self._ask_folder)
        self._save_as.clicked.connect(self._ask_output)
        self.go.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.reject)

    def _on_output_edited(self, text: str) -> None:
        self._name_is_ours = not text

    def _update(self) -> None:
        source = self.source.text().strip()
        if self._name_is_ours:
            name = suggested_name(Path(source), self.type.currentData(), self.format.currentData()) if source else ""
            self.output.setText(str(self._folder / name) if name else "")
        elif self.output.text():
            self.output.setText(str(Path(self.output.text()).with_suffix(self.format.currentData())))
        self._update_buttons()

    def _update_buttons(self) -> None:
        source, output = self.source.text().strip(), self.output.text().strip()
        is_itself = bool(output) and Path(output) == Path(source)
        hint = self.tr("That is the model itself: choose another name or type.") if is_itself else ""
        self._type_hint.setText(hint or _type_hint(self.type.currentData()))
        self.go.setEnabled(bool(source and output) and not is_itself)

    def _accept(self) -> None:
        self.accepted_job.emit(self.job())
        self.accept()

    def _ask_file(self) -> None:
        dialogs.ask_source(self, Path(self.source.text() or Path.home()), self.source.setText, folder=False)

    def _ask_folder(self) -> None:
        dialogs.ask_source(self, Path(self.source.text() or Path.home()), self.source.setText, folder=True)

    def _ask_output(self) -> None:
        dialogs.ask_model_output(self, Path(self.output.text() or self._folder), self._take_output)

    def _take_output(self, name: str) -> None:
        self._name_is_ours = False
        suffix = Path(name).suffix.lower()
        self.output.setText(name)
        if (index := self.format.findData(suffix)) >= 0:
            self.format.setCurrentIndex(index)

    def _retranslate(self) -> None:
        title = self.tr("Quantize a model") if self._quantizing else self.tr("Import a model")
        self.setWindowTitle(title)
        self._intro.setText(self._intro_text())
        texts = [self.tr("&Model:"), self.tr("&Type of the weights:"), self.tr("File &format:"), self.tr("&Save as:")]
        for label, text in zip(self._labels, texts, strict=True):
            label.setText(text)
        if not self._quantizing:
            self.type.setItemText(0, self.tr("As it is (F16 where it is not quantized)"))
        self.format.setItemText(0, self.tr("ggml, .bin (whisper.cpp reads it too)"))
        self.format.setItemText(1, self.tr("GGUF, .gguf"))
        self._file.setText(self.tr("File…"))
        self._folder_button.setText(self.tr("Folder…"))
        self._save_as.setText(self.tr("Choose…"))
        self.go.setText(self.tr("Quantize") if self._quantizing else self.tr("Import"))
        self._cancel.setText(self.tr("Cancel"))
        self._explain()
        self._update_buttons()

    def _explain(self) -> None:
        self.source.setToolTip(self.tr("The file or folder with the model; it is not changed"))
        self._file.setToolTip(self.tr("Pick the model's file"))
        self._folder_button.setToolTip(self.tr("Pick the folder that the model lies in"))
        self.type.setToolTip(self.tr("How the weights are stored: smaller types make more mistakes"))
        self.format.setToolTip(self.tr("Which container the weights are written to"))
        self.output.setToolTip(self.tr("The file that is written"))
        self._save_as.setToolTip(self.tr("Pick the folder and the name"))
        self.go.setToolTip(self.tr("Starts writing; the window can be used meanwhile"))
        self._cancel.setToolTip(self.tr("Closes this dialog; nothing is written"))

    def _intro_text(self) -> str:
        if self._quantizing:
            return self.tr(
                "Writes the model with smaller weights to a file of its own. Quantizing what is quantized already "
                "loses more than quantizing the original."
            )
        return self.tr(
            "Turns another program's model into one file: OpenAI's .pt, a Hugging Face or faster-whisper folder, "
            "ggml or GGUF. It is told by its content; the original stays as it is, and no code in it is run."
        )


def _type_hint(type_name: str) -> str:
    hints = {
        "": translate("Types", "Quantized weights stay as they are."),
        "f32": translate("Types", "Exact, twice as large as F16."),
        "f16": translate("Types", "As OpenAI publishes its models."),
        "q8_0": translate("Types", "Half as large as F16; hardly to be told from it."),
        "q5_1": translate("Types", "A little over a third of F16, a good middle."),
        "q5_0": translate("Types", "A third of F16, a good middle for large models."),
        "q4_1": translate("Types", "Under a third of F16; more mistakes, above all in small models."),
        "q4_0": translate("Types", "The smallest; more mistakes, above all in small models."),
    }
    return hints[type_name]
