"""Dialogs: none of them blocks, the answer comes as a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.document.export import FORMATS, format_of
from app.session import Recording
from app.widgets.texts import format_name, translate


def ask_recordings(parent: QWidget, folder: Path, suffixes: Iterable[str], take: Callable[[list[str]], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Add recordings"), str(folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    patterns = " ".join(f"*{suffix}" for suffix in sorted(suffixes))
    everything = translate("Dialogs", "All files") + " (*)"
    recordings = translate("Dialogs", "Audio and video files")
    dialog.setNameFilters([f"{recordings} ({patterns})", everything] if patterns else [everything])
    dialog.filesSelected.connect(take)
    _open(dialog)


def ask_folder(parent: QWidget, folder: Path, take: Callable[[list[str]], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Add a folder of recordings"), str(folder))
    _offer_folders(dialog)
    dialog.filesSelected.connect(take)
    _open(dialog)


def ask_output_folder(parent: QWidget, folder: Path, take: Callable[[str], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Choose a folder for texts"), str(folder))
    _offer_folders(dialog)
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_watched_folder(parent: QWidget, folder: Path, take: Callable[[str], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Choose a folder to watch"), str(folder))
    _offer_folders(dialog)
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_models_folder(parent: QWidget, folder: Path, take: Callable[[str], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Add a folder of models"), str(folder))
    _offer_folders(dialog)
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_model(parent: QWidget, folder: Path, take: Callable[[str], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Choose a model file"), str(folder))
    _offer_files(dialog, translate("Dialogs", "Whisper models"), "*.bin *.gguf")
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_certificates(parent: QWidget, folder: Path, take: Callable[[str], None]) -> None:
    dialog = QFileDialog(parent, translate("Dialogs", "Choose a file of certificates"), str(folder))
    _offer_files(dialog, translate("Dialogs", "Certificates"), "*.pem *.crt *.cer")
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_source(parent: QWidget, near: Path, take: Callable[[str], None], *, folder: bool) -> None:
    """A model of any program: a file, or the folder that it lies in."""
    dialog = QFileDialog(parent, translate("Dialogs", "Choose a model to import"), str(near))
    if folder:
        _offer_folders(dialog)
    else:
        _offer_files(dialog, translate("Dialogs", "Whisper models"), "*.pt *.safetensors *.bin *.gguf *.index.json")
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_model_output(parent: QWidget, path: Path, take: Callable[[str], None]) -> None:
    """Where to write a model. That a file is replaced is asked later, whichever way its name was given."""
    dialog = QFileDialog(parent, translate("Dialogs", "Save model as"), str(path.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setNameFilters(["ggml (*.bin)", "GGUF (*.gguf)"])
    dialog.selectNameFilter("GGUF (*.gguf)" if path.suffix == ".gguf" else "ggml (*.bin)")
    dialog.setDefaultSuffix(path.suffix[1:])
    dialog.selectFile(path.name)
    dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix("gguf" if "gguf" in text else "bin"))
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_save_path(parent: QWidget, recording: Recording, format_name_: str, take: Callable[[Path, str], None]) -> None:
    """Where to save a transcript, by default beside the recording; `take` gets the path and one of `FORMATS`."""
    dialog = QFileDialog(parent, translate("Dialogs", "Save transcript"), str(recording.path.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    filters = {f"{format_name(name)} (*.{name})": name for name in FORMATS}
    dialog.setNameFilters(list(filters))
    stem = recording.path.stem + (".partial" if recording.is_partial else "")

    def use_format(name_filter: str) -> None:
        name = filters[name_filter]
        chosen = Path(dialog.selectedFiles()[0]).name if dialog.selectedFiles() else ""
        ending = max((f".{each}" for each in FORMATS if chosen.endswith(f".{each}")), key=len, default="")
        dialog.setDefaultSuffix(name)
        dialog.selectFile(f"{chosen.removesuffix(ending) if ending else stem}.{name}")

    def accept(path: str) -> None:
        take(Path(path), format_of(Path(path), filters[dialog.selectedNameFilter()]))

    dialog.selectNameFilter(next(text for text, name in filters.items() if name == format_name_))
    use_format(dialog.selectedNameFilter())
    dialog.filterSelected.connect(use_format)
    dialog.fileSelected.connect(accept)
    _open(dialog)


def _save_dialog(parent: QWidget, title: str, path: Path, name_filter: str) -> QFileDialog:
    """`path` is what is proposed, with the ending that a name without one gets."""
    dialog = QFileDialog(parent, title, str(path.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([name_filter])
    dialog.setDefaultSuffix(path.suffix.removeprefix("."))
    dialog.selectFile(path.name)
    return dialog


def ask_report_path(parent: QWidget, path: Path, take: Callable[[str], None]) -> None:
    """Where to write the self-test's report."""
    dialog = _save_dialog(parent, translate("Dialogs", "Save report"), path, "JSON (*.json)")
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_text_path(parent: QWidget, path: Path, take: Callable[[str], None]) -> None:
    """Where to write a problem report."""
    name_filter = translate("Dialogs", "Text files") + " (*.txt)"
    dialog = _save_dialog(parent, translate("Dialogs", "Save report"), path, name_filter)
    dialog.fileSelected.connect(take)
    _open(dialog)


def ask_appended_file(parent: QWidget, path: Path, take: Callable[[str], None]) -> None:
    """Which file gets more text at its end; one that is there is not replaced."""
    name_filter = translate("Dialogs", "Text files") + " (*.txt *.md)"
    dialog = _save_dialog(parent, translate("Dialogs", "Append dictations to"), path, name_filter)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setDefaultSuffix("txt")
    dialog.fileSelected.connect(take)
    _open(dialog)


@dataclass(frozen=True)
class Question:
    """A question before something is lost, and its two answers: what to do, and the safe one."""

    text: str
    explanation: str
    go_on: str
    keep: str


def confirm(parent: QWidget, question: Question, go_on: Callable[[], None]) -> QMessageBox:
    """Ask; the safe answer has the focus."""
    box = QMessageBox(QMessageBox.Icon.Question, translate("Dialogs", "Please confirm"), question.text, parent=parent)
    box.setInformativeText(question.explanation)
    yes = box.addButton(question.go_on, QMessageBox.ButtonRole.DestructiveRole)
    no = box.addButton(question.keep, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    yes.clicked.connect(go_on)
    _open(box)
    return box


def _offer_folders(dialog: QFileDialog) -> None:
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)


def _offer_files(dialog: QFileDialog, kind: str, patterns: str) -> None:
    """One file that exists; `kind`: what those that match the patterns are called."""
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([f"{kind} ({patterns})", translate("Dialogs", "All files") + " (*)"])


def _open(dialog: QFileDialog | QMessageBox) -> None:
    if isinstance(dialog, QFileDialog):  # Qt's own translations lack some of these
        dialog.setLabelText(QFileDialog.DialogLabel.LookIn, translate("Dialogs", "Folder:"))
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, translate("Dialogs", "File &name:"))
        dialog.setLabelText(QFileDialog.DialogLabel.FileType, translate("Dialogs", "Files of type:"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
