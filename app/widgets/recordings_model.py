"""The recordings of the session as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.document.transcript import clock
from app.languages import language_name
from app.session import Recording, Session, State
from app.widgets import engine_texts
from app.widgets.option_texts import chosen_texts
from app.widgets.texts import model_name, percent, time_left, translate
from gpu.types import TranscribeOptions

_NOWHERE = QModelIndex()


def status_text(recording: Recording) -> str:
    """How a recording stands, in one line."""
    match recording.state:
        case State.WAITING | State.PAUSED:
            return _resting_text(recording)
        case State.RUNNING:
            progress, left = recording.progress, recording.time_left_s
            if progress is None or left is None:
                return translate("Recordings", "Transcribing…")
            return f"{percent(progress)} · {time_left(left)}"
        case State.LIVE:
            return translate("Recordings", "Being dictated")
        case State.DONE:
            return " · ".join([translate("Recordings", "Done"), *_facts(recording)])
        case State.CANCELLED if recording.is_partial:
            return translate("Recordings", "Cancelled · partial text")
        case State.CANCELLED:
            return translate("Recordings", "Cancelled")
        case State.FAILED:
            assert recording.failure is not None
            failure = recording.failure
            return engine_texts.problem(failure.kind, failure.message, failure.remedy).headline


def _resting_text(recording: Recording) -> str:
    """Of one that waits or is paused, perhaps in its middle; with what is chosen for it."""
    paused, done = recording.state is State.PAUSED, recording.progress
    if not done:
        words = translate("Recordings", "Paused") if paused else translate("Recordings", "Waiting")
    elif paused:
        words = translate("Recordings", "Paused at {percent}").format(percent=percent(done))
    else:
        words = translate("Recordings", "Waiting at {percent}").format(percent=percent(done))
    return " · ".join([words, *_chosen(recording.options, recording.model)])


def _chosen(options: TranscribeOptions, model: Path | None) -> list[str]:
    """What is not as it comes: the model, the language, the task, and how many options more."""
    facts = [] if model is None else [model_name(model)]
    language = language_name(options.language) if options.language is not None else ""
    if options.task == "translate":
        facts.append(translate("Recordings", "{language} → English").format(language=language).strip())
    elif language:
        facts.append(language)
    if n_more := len(chosen_texts(options)):
        facts.append(f"+{n_more}")
    return facts


def _facts(recording: Recording) -> list[str]:
    facts = []
    if recording.stats is not None and recording.stats.duration_s:
        facts.append(clock(recording.stats.duration_s))
    if recording.transcript.language is not None:
        facts.append(language_name(recording.transcript.language))
    return facts


class RecordingsModel(QAbstractListModel):
    """Rows of a `Session`. Everything that changes the number of rows goes through here."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session

    def add(self, paths: list[Path], options: TranscribeOptions) -> list[Recording]:
        first = len(self.session.recordings)
        self.beginInsertRows(_NOWHERE, first, first + len(paths) - 1)
        recordings = [self.session.add(path, options) for path in paths]
        self.endInsertRows()
        return recordings

    def restore(self, recordings: list[Recording]) -> None:
        """Begin with those of an earlier start."""
        self.beginResetModel()
        self.session.restore(recordings)
        self.endResetModel()

    def arrange(self, order: list[Recording]) -> None:
        """The same recordings in another order; what is selected stays so."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        kept = [self.recording(index.row()) for index in old]
        self.session.recordings[:] = order
        rows = {recording.job_id: row for row, recording in enumerate(order)}
        self.changePersistentIndexList(old, [self.index(rows[recording.job_id]) for recording in kept])
        self.layoutChanged.emit()

    def remove(self, recordings: Iterable[Recording]) -> None:
        gone = {recording.job_id for recording in recordings}
        rows = [row for row, recording in enumerate(self.session) if recording.job_id in gone]
        for first, last in reversed(_runs(rows)):
            self.beginRemoveRows(_NOWHERE, first, last)
            for recording in self.session.recordings[first : last + 1]:
                self.session.remove(recording)
            self.endRemoveRows()

    def refresh(self, recordings: Sequence[Recording]) -> None:
        """One is repainted alone; of several, what lies between them too."""
        if len(recordings) == 1:
            index = self.index(self.row_of(recordings[0]))
            self.dataChanged.emit(index, index)
        elif recordings:
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def recording(self, row: int) -> Recording:
        return self.session.recordings[row]

    def row_of(self, recording: Recording) -> int:
        return self.session.recordings.index(recording)

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        """Rows may be dragged, and dropped between others."""
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802
        return Qt.DropAction.MoveAction

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self.session.recordings)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        recording = self.recording(index.row())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return recording.path.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{recording.path.name}, {status_text(recording)}"
            case Qt.ItemDataRole.ToolTipRole:
                return self._tool_tip(recording)
        return None

    @staticmethod
    def _tool_tip(recording: Recording) -> str:
        lines = [str(recording.path), status_text(recording)]
        if recording.model is not None:
            lines.append(translate("Recordings", "Model: {name}").format(name=model_name(recording.model)))
        if not recording.state.is_over:
            lines += chosen_texts(recording.options)
        if recording.failure is not None:
            failure = recording.failure
            problem = engine_texts.problem(failure.kind, failure.message, failure.remedy)
            lines += [problem.detail, problem.remedy]
        return "\n".join([*lines, *map(engine_texts.translated, recording.warnings)])


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each stretch of rows that follow each other; `rows` ascend."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
