"""What can be done with the selected recordings, from menus, keys and buttons alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QKeyCombination, QObject, QPoint, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QMenu, QWidget

from app.session import Recording, Session, State
from app.widgets import dialogs
from app.widgets.actions import Actions
from app.widgets.recordings_view import RecordingsView


class RecordingCommands(QObject):
    """Asks before text is lost, and where to save it.

    Signals:
        pause_requested, resume_requested, cancel_requested, retry_requested, remove_requested, copy_requested,
            options_requested: of recordings, a list.
        move_requested: of recordings, by rows (-1: up).
        place_requested: of recordings, before a row.
        save_requested: of a `Recording`, to a `Path`, in a format of `app.document.export.FORMATS`.
        save_several_requested: of recordings, a list.
        cancel_all_requested: none is to run or wait.

    Attributes:
        save_format: the one used last.
    """

    pause_requested = Signal(list)
    resume_requested = Signal(list)
    cancel_requested = Signal(list)
    retry_requested = Signal(list)
    remove_requested = Signal(list)
    copy_requested = Signal(list)
    options_requested = Signal(list)
    move_requested = Signal(list, int)
    place_requested = Signal(list, int)
    save_requested = Signal(object, object, str)
    save_several_requested = Signal(list)
    cancel_all_requested = Signal()

    def __init__(self, actions: Actions, view: RecordingsView, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._actions, self._view, self._session, self._window = actions, view, session, window
        self.save_format = "txt"
        self.menu = self._make_menu()
        slots: list[tuple[QAction, Callable[[], None]]] = [
            (actions.save, partial(self._ask_where_to_save, "")),
            (actions.copy, partial(self._emit, self.copy_requested, _has_text)),
            (actions.pause, partial(self._emit, self.pause_requested, _can_pause)),
            (actions.resume, partial(self._emit, self.resume_requested, _can_resume)),
            (actions.cancel, partial(self._emit, self.cancel_requested, _can_cancel)),
            (actions.cancel_all, self.cancel_all_requested.emit),
            (actions.retry, partial(self._emit, self.retry_requested, _is_over)),
            (actions.retry_failed, self._retry_failed),
            (actions.recording_options, partial(self._emit, self.options_requested, _may_have_options)),
            (actions.move_up, partial(self._move, -1)),
            (actions.move_down, partial(self._move, 1)),
            (actions.remove, self._remove_selected),
            (actions.remove_done, self._remove_done),
        ]
        for action, slot in slots:
            action.triggered.connect(slot)
        delete = QShortcut(QKeyCombination(Qt.Key.Key_Delete), view)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(actions.remove.trigger)
        view.selection_changed.connect(self.update)
        view.dropped.connect(self._place)
        view.menu_wanted.connect(self._show_menu)

    def update(self) -> None:
        """Enable what can be done now."""
        selected, actions = self._view.selected, self._actions
        for action, fits in (
            (actions.save, _has_text),
            (actions.copy, _has_text),
            (actions.pause, _can_pause),
            (actions.resume, _can_resume),
            (actions.cancel, _can_cancel),
            (actions.retry, _is_over),
            (actions.recording_options, _may_have_options),
        ):
            action.setEnabled(any(map(fits, selected)))
        rows, n = self._session.recordings, len(selected)
        actions.remove.setEnabled(n > 0)
        actions.move_up.setEnabled(n > 0 and rows[:n] != selected)
        actions.move_down.setEnabled(n > 0 and rows[-n:] != selected)
        actions.cancel_all.setEnabled(self._session.is_busy)
        actions.retry_failed.setEnabled(any(map(_has_failed, rows)))
        actions.remove_done.setEnabled(any(map(_is_done, rows)))

    def tell_current(self, signal: SignalInstance) -> None:
        """One of the signals, for the recording that is shown and no other."""
        if (recording := self._view.current) is not None:
            signal.emit([recording])

    def ask_where_to_save(self, format_name: str = "") -> None:
        """The text that is shown."""
        recording = self._view.current
        if recording is not None and recording.transcript.segments:
            take = partial(self._take_save_path, recording)
            dialogs.ask_save_path(self._window, recording, format_name or self.save_format, take)

    def _make_menu(self) -> QMenu:
        """Of the list. Parts of the menu bar's, with their keys."""
        actions, menu = self._actions, QMenu(self._window)
        for group in (
            [actions.pause, actions.resume, actions.cancel, actions.retry, actions.recording_options],
            [actions.copy, actions.save],
            [actions.move_up, actions.move_down, actions.remove],
            [actions.retry_failed, actions.remove_done],
        ):
            menu.addActions(group)
            menu.addSeparator()
        return menu

    def _show_menu(self, position: QPoint) -> None:
        self.menu.popup(position)

    def _emit(self, signal: SignalInstance, fits: Callable[[Recording], bool]) -> None:
        if recordings := [recording for recording in self._view.selected if fits(recording)]:
            signal.emit(recordings)

    def _ask_where_to_save(self, format_name: str) -> None:
        """One by its name; several by a rule."""
        with_text = [recording for recording in self._view.selected if _has_text(recording)]
        if len(with_text) > 1:
            self.save_several_requested.emit(with_text)
        elif with_text:
            [recording] = with_text
            take = partial(self._take_save_path, recording)
            dialogs.ask_save_path(self._window, recording, format_name or self.save_format, take)

    def _retry_failed(self) -> None:
        self.retry_requested.emit([recording for recording in self._session if _has_failed(recording)])

    def _move(self, by: int) -> None:
        self.move_requested.emit(self._view.selected, by)
        self.update()

    def _place(self, recordings: list[Recording], row: int) -> None:
        self.place_requested.emit(recordings, row)
        self.update()

    def _remove_selected(self) -> None:
        self._remove(self._view.selected)

    def _remove_done(self) -> None:
        self._remove([recording for recording in self._session if _is_done(recording)])

    def _remove(self, recordings: Sequence[Recording]) -> None:
        unsaved = [recording for recording in recordings if _has_text(recording) and not recording.is_saved]
        if not unsaved:
            if recordings:
                self.remove_requested.emit(recordings)
            return
        several = len(recordings) > 1
        question = dialogs.Question(
            self.tr("Texts that have not been saved: {n}.").format(n=len(unsaved))
            if several
            else self.tr("The text of {name} has not been saved.").format(name=unsaved[0].path.name),
            self.tr("If you remove them from the list, their texts are lost. The recordings themselves stay.")
            if several
            else self.tr("If you remove it from the list, its text is lost. The recording itself stays."),
            self.tr("Remove"),
            self.tr("Keep them") if several else self.tr("Keep it"),
        )
        dialogs.confirm(self._window, question, partial(self.remove_requested.emit, list(recordings)))

    def _take_save_path(self, recording: Recording, path: Path, format_name: str) -> None:
        self.save_format = format_name
        self.save_requested.emit(recording, path, format_name)


def _has_text(recording: Recording) -> bool:
    return bool(recording.transcript.segments)


def _can_pause(recording: Recording) -> bool:
    return recording.state in (State.RUNNING, State.WAITING)


def _can_resume(recording: Recording) -> bool:
    return recording.can_resume


def _can_cancel(recording: Recording) -> bool:
    return not recording.state.is_over


def _may_have_options(recording: Recording) -> bool:
    return recording.may_have_options


def _is_over(recording: Recording) -> bool:
    return recording.state.is_over


def _is_done(recording: Recording) -> bool:
    return recording.state is State.DONE


def _has_failed(recording: Recording) -> bool:
    return recording.state is State.FAILED
