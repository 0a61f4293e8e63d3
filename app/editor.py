"""What a person changes in a transcript: each change can be undone, is kept at once, and is what is exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.document import editing
from app.engine.background import Background
from app.long_lived import long_lived
from app.session import Recording
from app.widgets.edit_menu import EditMenu
from app.widgets.transcript_page import TranscriptPage
from gpu.types import Segment

FEW = 100  # segments: in so many a text is replaced at once
NEAR = 50  # rows: what is replaced with so few between is one step


class Editor(QObject):
    """Changes the transcript that is shown; each recording has changes of its own to undo, without limit.

    Signals:
        edited: of a `Recording`: the first segment that has changed, how many were there, and those that are instead.
        failed: an exception nobody foresaw.
    """

    edited = Signal(object, int, int, object)  # a list as it is: Qt would copy each of tens of thousands
    failed = Signal(Exception)

    def __init__(self, page: TranscriptPage, menu: EditMenu) -> None:
        super().__init__(page)
        self._page, self._menu = page, menu
        self._stacks: dict[int, QUndoStack] = {}  # by job: one that is done again begins anew
        self._recording: Recording | None = None
        self._background = Background(self)
        page.model.text_edited.connect(self.set_text)
        page.view.split_wanted.connect(self.split)
        menu.merge_wanted.connect(self.merge)
        menu.delete_wanted.connect(self.delete)
        page.find_bar.replace_wanted.connect(self.replace)

    def show(self, recording: Recording | None) -> None:
        """The recording whose transcript is shown, or how it stands, is another one now."""
        self._recording = recording
        self._page.model.editable = recording is not None and recording.state.is_over
        stack = None
        if recording is not None and recording.state.is_over:
            stack = self._stack_of(recording)
        active = self._menu.undo_group.activeStack()
        if stack is not None:
            stack.setActive(True)
        elif active is not None:
            active.setActive(False)
        self._menu.update()

    def forget(self, recording: Recording) -> None:
        """It is not in the list any more."""
        if (stack := self._stacks.pop(recording.job_id, None)) is not None:
            stack.deleteLater()

    def set_text(self, row: int, text: str) -> None:
        """Without any, the segment goes."""
        if not text.split():
            self.delete([row])
            return
        old = self._page.model.segment(row)
        new = editing.with_text(old, text)
        if new is not old:
            self._replace(row, 1, [new])

    def split(self, row: int, text: str, position: int) -> None:
        """Where there is nothing before or behind, the text is all that changes."""
        shown = " ".join(text[:position].split())
        segment = editing.with_text(self._page.model.segment(row), text)
        try:
            parts = editing.split(segment, len(shown))
        except ValueError:
            self.set_text(row, text)
            return
        self._replace(row, 1, list(parts))

    def retime(self, row: int, start_s: float, end_s: float) -> None:
        """Another time for a segment. One that has no length is none."""
        old = self._page.model.segment(row)
        if (start_s, end_s) != (old.start, old.end):
            with suppress(ValueError):
                self._replace(row, 1, [editing.retimed(old, start_s, end_s)])

    def move_boundary(self, row: int, time_s: float) -> None:
        """A segment ends then, and the next one begins: one change."""
        first, second = self._page.model.segment(row), self._page.model.segment(row + 1)
        if time_s != first.end:
            with suppress(ValueError):
                moved = [editing.retimed(first, first.start, time_s), editing.retimed(second, time_s, second.end)]
                self._replace(row, 2, moved)

    def merge(self, rows: Sequence[int]) -> None:
        """With all that is between the first and the last."""
        first, last = rows[0], rows[-1]
        segments = [self._page.model.segment(row) for row in range(first, last + 1)]
        self._replace(first, len(segments), [editing.merged(segments)])

    def delete(self, rows: Sequence[int]) -> None:
        if self._recording is not None:
            self._together(self._recording, [(row, []) for row in rows])
        self._page.view.select_row(rows[0])  # others would be selected in their place

    def replace(self, rows: Sequence[int], find: str, instead: str, match_case: bool) -> None:
        """One text by another, that of many rows in the background. A segment of which nothing is left goes."""
        self._change_each(rows, partial(editing.replaced, find=find, instead=instead, match_case=match_case))

    def set_speaker(self, rows: Sequence[int], speaker: int | str | None) -> None:
        """Who speaks there, by name or channel; None: nobody is named."""
        self._change_each(rows, partial(editing.spoken_by, speaker=speaker))

    def _change_each(self, rows: Sequence[int], change: Callable[[Segment], Segment]) -> None:
        recording = self._recording
        if recording is None:
            return
        work = partial(_changed, [(row, recording.transcript.segments[row]) for row in rows], change)
        if len(rows) <= FEW:
            self._put_changed(recording, work())
        else:
            self._background.run(work, partial(self._put_changed, recording), self.failed.emit)

    def _put_changed(self, recording: Recording, changes: list[tuple[int, Segment, list[Segment]]]) -> None:
        """But where there is something else by now."""
        there = recording.transcript.segments
        n = len(there)
        self._together(recording, [(row, new) for row, old, new in changes if row < n and there[row] is old])

    def put(self, recording: Recording, first: int, n_old: int, new: list[Segment]) -> None:
        """Segments in the place of some of a recording that is over, whether it is shown or not."""
        old = recording.transcript.segments[first : first + n_old]
        self._stack_of(recording).push(_Change(self, recording, first, old, new))

    def _stack_of(self, recording: Recording) -> QUndoStack:
        if recording.job_id not in self._stacks:
            self._stacks[recording.job_id] = QUndoStack(self._menu.undo_group)
        return self._stacks[recording.job_id]

    def _together(self, recording: Recording, changes: Sequence[tuple[int, list[Segment]]]) -> None:
        """Single segments in their order, to be undone as one change. Those near each other are done at one go."""
        if not recording.state.is_over or not changes:
            return
        stack = self._stack_of(recording)
        stack.beginMacro("")
        for first, n_old, new in reversed(_runs(recording.transcript.segments, changes)):
            self.put(recording, first, n_old, new)
        stack.endMacro()

    def _replace(self, first: int, n_old: int, new: list[Segment]) -> None:
        stack, recording = self._menu.undo_group.activeStack(), self._recording
        if stack is not None and recording is not None:
            old = recording.transcript.segments[first : first + n_old]
            stack.push(_Change(self, recording, first, old, new))

    def apply(self, recording: Recording, first: int, old: Sequence[Segment], new: Sequence[Segment]) -> None:
        """Do a change, or undo it: `old` are there now."""
        recording.is_saved = False
        if recording is self._recording:
            self._page.model.replace(first, len(old), new)
        else:
            recording.transcript.segments[first : first + len(old)] = new
        self.edited.emit(recording, first, len(old), list(new))


def _changed(
    there: Sequence[tuple[int, Segment]], change: Callable[[Segment], Segment]
) -> list[tuple[int, Segment, list[Segment]]]:
    """Of rows with their segments: those that are others then, and what is to be there instead."""
    changes = []
    for row, old in long_lived(there):
        new = change(old)
        if new is not old:
            changes.append((row, old, [new] if new.text.strip() else []))
    return changes


def _runs(
    segments: Sequence[Segment], changes: Sequence[tuple[int, list[Segment]]]
) -> list[tuple[int, int, list[Segment]]]:
    """First row, how many, and what is there instead; with the few segments between that stay as they are."""
    runs: list[tuple[int, int, list[Segment]]] = []
    first = end = 0
    instead: list[Segment] = []
    for row, new in changes:
        if row - end >= NEAR or not end:
            if end:
                runs.append((first, end - first, instead))
            first, end, instead = row, row, []
        instead += segments[end:row]
        instead += new
        end = row + 1
    return [*runs, (first, end - first, instead)]


class _Change(QUndoCommand):
    """Some segments instead of others."""

    def __init__(
        self, editor: Editor, recording: Recording, first: int, old: Sequence[Segment], new: Sequence[Segment]
    ) -> None:
        super().__init__()
        self._editor, self._recording = editor, recording
        self._first, self._old, self._new = first, old, new

    def redo(self) -> None:
        self._editor.apply(self._recording, self._first, self._old, self._new)

    def undo(self) -> None:
        self._editor.apply(self._recording, self._first, self._new, self._old)
