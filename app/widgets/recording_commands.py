"""What can be done with the selected recording, from menus, keys and buttons alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QWidget

from app.session import Session, State
from app.widgets import dialogs
from app.widgets.actions import Actions
from app.widgets.recordings_view import RecordingsView


class RecordingCommands(QObject):
    """Asks before text is lost, and where to save it.

    Signals:
        pause_requested, resume_requested, cancel_requested, retry_requested, remove_requested, copy_requested: of a
            `Recording`.
        move_requested: of a `Recording`, by rows (-1: up).
        save_requested: of a `Recording`, to a `Path`, in a format of `app.document.export.FORMATS`.
        cancel_all_requested: none is to run or wait.

    Attributes:
        save_format: the one used last.
    """

    pause_requested = Signal(object)
    resume_requested = Signal(object)
    cancel_requested = Signal(object)
    retry_requested = Signal(object)
    remove_requested = Signal(object)
    copy_requested = Signal(object)
    move_requested = Signal(object, int)
    save_requested = Signal(object, object, str)
    cancel_all_requested = Signal()

    def __init__(self, actions: Actions, view: RecordingsView, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._actions, self._view, self._session, self._window = actions, view, session, window
        self.save_format = "txt"
        slots: list[tuple[QAction, Callable[[], None]]] = [
            (actions.save, partial(self.ask_where_to_save, "")),
            (actions.copy, partial(self._emit, self.copy_requested)),
            (actions.pause, partial(self._emit, self.pause_requested)),
            (actions.resume, partial(self._emit, self.resume_requested)),
            (actions.cancel, partial(self._emit, self.cancel_requested)),
            (actions.cancel_all, self.cancel_all_requested.emit),
            (actions.retry, partial(self._emit, self.retry_requested)),
            (actions.move_up, partial(self._move, -1)),
            (actions.move_down, partial(self._move, 1)),
            (actions.remove, self._remove),
        ]
        for action, slot in slots:
            action.triggered.connect(slot)
        delete = QShortcut(QKeyCombination(Qt.Key.Key_Delete), view)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(actions.remove.trigger)

    def update(self) -> None:
        """Enable what can be done now."""
        recording, actions = self._view.current, self._actions
        has_text = recording is not None and bool(recording.transcript.segments)
        is_over = recording is not None and recording.state.is_over
        actions.save.setEnabled(has_text)
        actions.copy.setEnabled(has_text)
        actions.pause.setEnabled(recording is not None and recording.state in (State.RUNNING, State.WAITING))
        actions.resume.setEnabled(recording is not None and recording.can_resume)
        actions.cancel.setEnabled(recording is not None and not is_over)
        actions.retry.setEnabled(is_over)
        actions.remove.setEnabled(recording is not None)
        rows = self._session.recordings
        actions.move_up.setEnabled(recording is not None and recording is not rows[0])
        actions.move_down.setEnabled(recording is not None and recording is not rows[-1])
        actions.cancel_all.setEnabled(self._session.is_busy)

    def ask_where_to_save(self, format_name: str = "") -> None:
        recording = self._view.current
        if recording is not None and recording.transcript.segments:
            dialogs.ask_save_path(self._window, recording, format_name or self.save_format, self._take_save_path)

    def _emit(self, signal: SignalInstance) -> None:
        signal.emit(self._view.current)

    def _move(self, by: int) -> None:
        self.move_requested.emit(self._view.current, by)
        self.update()

    def _remove(self) -> None:
        recording = self._view.current
        if recording is None:
            return
        if not recording.transcript.segments or recording.is_saved:
            self.remove_requested.emit(recording)
            return
        question = dialogs.Question(
            self.tr("The text of {name} has not been saved.").format(name=recording.path.name),
            self.tr("If you remove it from the list, its text is lost. The recording itself stays."),
            self.tr("Remove"),
            self.tr("Keep it"),
        )
        dialogs.confirm(self._window, question, partial(self.remove_requested.emit, recording))

    def _take_save_path(self, path: Path, format_name: str) -> None:
        self.save_format = format_name
        self.save_requested.emit(self._view.current, path, format_name)
