"""The queue put together: the session's recordings, the engine that works on them, and the file that keeps both."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine.background import Background
from app.engine.messages import JobCancelled, JobFailed, JobFinished, JobLanguage, JobMessage, JobSegment, JobStats
from app.engine.service import Failure, expand
from app.engine.thread import EngineThread
from app.session import Recording, State
from app.store.database import open_database
from app.store.errors import StoreError
from app.store.journal import Journal
from app.store.restore import restore, taken_files
from app.watched_folder import Facts
from app.widgets.recordings_model import RecordingsModel
from gpu.types import RunStats, Segment, TranscribeOptions

_log = logging.getLogger(__name__)


class Recordings(QObject):
    """What is done with recordings. Nothing is written down before `open`, and after an error of that.

    Attributes:
        taken: files of watched folders, with their facts when they were.

    Signals:
        changed: recordings that are not as they were, a list.
        replaced: its transcript is another object now.
        added: recordings, a list; those that cannot be read are among them.
        restored: recordings of an earlier start, a list.
        failed: a `Recording` and its `JobFailed`.
        finished: a `Recording` and its `JobFinished`.
        idle: the last one that ran or waited is over.
        live_end_wanted: the one that is being spoken is to end.
        not_kept: a `StoreError`: the queue will be lost with the program, unless `kept_again` follows.
        unexpected: an exception nobody foresaw.
    """

    changed = Signal(list)
    replaced = Signal(object)
    added = Signal(list)
    restored = Signal(list)
    failed = Signal(object, object)
    finished = Signal(object, object)
    idle = Signal()
    live_end_wanted = Signal()
    not_kept = Signal(Exception)
    kept_again = Signal()
    unexpected = Signal(Exception)

    def __init__(self, model: RecordingsModel, engine: EngineThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model, self.session = model, model.session
        self._engine = engine
        self.taken: dict[Path, Facts] = {}
        self._journal: Journal | None = None
        self._has_stopped = self._cannot_write = False
        self._opening: list[tuple[list[Path], TranscribeOptions]] | None = None  # what is to be added after that
        self._changed: dict[int, Recording] = {}
        self._at_work: int | None = None  # the job that the engine has
        self._pausing = False  # that job was told to stop, and will go on some day
        self._held = False  # the engine is needed for something else
        self._background = Background(self)
        engine.delivered.connect(self._deliver)
        self.not_kept.connect(self._on_not_kept)
        self.kept_again.connect(self._on_kept_again)

    @property
    def are_kept(self) -> bool:
        """They are there again when the program is started next."""
        return self._journal is not None and not self._cannot_write

    @property
    def is_opening(self) -> bool:
        """What is kept is not there yet."""
        return self._opening is not None

    def open(self, path: Path) -> None:
        """Go on with what is kept there, and keep there what follows."""
        self._opening = []
        self._background.run(partial(_open, path), self._take_restored, self._go_on_without)

    def stop(self) -> None:
        """Write down what is not yet. What runs counts as unfinished; the engine is to be stopped after this."""
        self._has_stopped = True
        self._engine.record = None
        if self._journal is not None:
            if not self._journal.close():
                _log.critical("the latest changes of the list of recordings are lost: they could not be written")
            self._journal = None

    def add(self, paths: list[Path], options: TranscribeOptions) -> None:
        """Queue files and the recordings in folders."""
        if self._opening is not None:
            self._opening.append((paths, options))
        else:
            self._background.run(partial(expand, paths), partial(self._take_expanded, options), self.unexpected.emit)

    def add_taken(self, files: Mapping[Path, Facts], options: TranscribeOptions) -> list[Recording]:
        """Queue files of a watched folder, which are not taken again as they are now."""
        recordings = self._insert(list(files), options)
        self.leave(files)
        self._start_next()
        return recordings

    def leave(self, files: Mapping[Path, Facts]) -> None:
        """Files of a watched folder that are not wanted."""
        self.taken.update(files)
        if self._journal is not None:
            for path, (size, modified_ns) in files.items():
                self._journal.set_taken(path, size, modified_ns)

    def add_again(self, recordings: Sequence[Recording], options: TranscribeOptions) -> list[Recording]:
        """Queue recordings once more, beside the texts they have."""
        again = self._insert([recording.path for recording in recordings], options)
        self._start_next()
        return again

    def restart(self, recordings: Sequence[Recording], options: TranscribeOptions | None = None) -> None:
        """Let those that are over wait again, from nothing; None: with the options and models they have."""
        for recording in recordings:
            model = recording.model if options is None else None
            self._restart(recording, options or recording.options, model)
        self._start_next()
        for recording in recordings:
            self.replaced.emit(recording)
        self.changed.emit(list(recordings))

    def pause(self, *recordings: Recording) -> None:
        """Let those that run or wait rest until `resume`."""
        for recording in recordings:
            if recording.job_id == self._at_work:
                self._pausing = True
                self._engine.cancel(recording.job_id)
            elif recording.state is State.WAITING:
                self._set_state(recording, State.PAUSED)
        self.changed.emit(list(recordings))

    def resume(self, *recordings: Recording) -> None:
        """Go on with those that rest, or were cut short, where their text is settled."""
        for recording in recordings:
            old_id = recording.job_id
            self.session.resume(recording)
            if self._journal is not None:
                self._journal.resume(old_id, recording.job_id)
        self._start_next()
        for recording in recordings:
            self.replaced.emit(recording)
        self.changed.emit(list(recordings))

    def set_options(self, chosen: Sequence[tuple[Recording, TranscribeOptions, Path | None]]) -> None:
        """With a model of its own or None. Text that is there already stays; what failed before it had any waits
        again."""
        again = []
        for recording, options, model in chosen:
            if not recording.may_have_options:
                continue  # it has begun since they were asked for
            if recording.state is State.FAILED and not recording.can_resume:
                self._restart(recording, options, model)
                again.append(recording)
                continue
            recording.options, recording.model = options, model
            old_id = recording.job_id
            if old_id == self._at_work:  # the engine has it as it was
                self._engine.cancel(old_id)
                self.session.resume(recording)
                if self._journal is not None:
                    self._journal.resume(old_id, recording.job_id)
            if self._journal is not None:
                self._journal.set_options(recording.job_id, options, model)
        self._start_next()
        for recording in again:
            self.replaced.emit(recording)
        self.changed.emit([recording for recording, *_rest in chosen])

    def cancel(self, *recordings: Recording) -> None:
        for recording in recordings:
            if recording.job_id == self._at_work:
                self._pausing = False
                self._engine.cancel(recording.job_id)
            elif recording.state is State.LIVE:
                self.live_end_wanted.emit()
            elif not recording.state.is_over:
                self._set_state(recording, State.CANCELLED)
        self.changed.emit(list(recordings))

    def cancel_all(self) -> None:
        self.cancel(*[recording for recording in self.session if not recording.state.is_over])

    def hold(self) -> None:
        """The engine is needed for something else: what it does waits, with all the others, for `release`."""
        self._held = True
        recording = self.session.recording(self._at_work) if self._at_work is not None else None
        if recording is None or self._pausing:
            return
        old_id = recording.job_id
        self._engine.cancel(old_id)
        self.session.resume(recording)
        if self._journal is not None:
            self._journal.resume(old_id, recording.job_id)
        self.replaced.emit(recording)
        self.changed.emit([recording])

    def release(self) -> None:
        self._held = False
        self._start_next()

    def begin_live(self, path: Path, options: TranscribeOptions) -> Recording:
        """A recording that is being spoken. If the program ends before it does, it rests at the next start."""
        [recording] = self._insert([path], options)
        recording.state = State.LIVE
        if self._journal is not None:
            self._journal.set_state(recording.job_id, State.PAUSED)
        self.added.emit([recording])
        return recording

    def put_live(self, recording: Recording, segments: Sequence[Segment], stats: RunStats) -> None:
        """More of its text: segments that are new, or in the place of the last one."""
        there = recording.transcript.segments
        for segment in segments:
            if there and there[-1].id == segment.id:
                there[-1] = segment
            else:
                there.append(segment)
            if self._journal is not None:
                self._journal.take(JobSegment(recording.job_id, segment))
        recording.stats, recording.is_saved = stats, False
        if self._journal is not None:
            self._journal.take(JobStats(recording.job_id, stats))
        self.changed.emit([recording])

    def set_live_language(self, recording: Recording, language: str, probability: float | None) -> None:
        message = JobLanguage(recording.job_id, language, probability)
        self.session.apply(message)
        if self._journal is not None:
            self._journal.take(message)

    def end_live(self, recording: Recording, *, complete: bool) -> None:
        """All has been said; or what follows was not understood, and can be had from its sound."""
        self._set_state(recording, State.DONE if complete else State.PAUSED)
        self.changed.emit([recording])

    def move(self, recordings: Sequence[Recording], by: int) -> None:
        """Each one row up (-1) or down (1) in the list, which is the order of what waits; at its end they stay."""
        order, moved = self.session.recordings[::-by], set(recordings)
        for row in range(1, len(order)):
            if order[row] in moved and order[row - 1] not in moved:
                order[row - 1 : row + 1] = order[row], order[row - 1]
        self._arrange(order[::-by])

    def place(self, recordings: Sequence[Recording], row: int) -> None:
        """Together, before what is in that row. What runs goes on, wherever it stands."""
        rows, moved = self.session.recordings, set(recordings)
        before, behind = ([r for r in part if r not in moved] for part in (rows[:row], rows[row:]))
        self._arrange([*before, *(r for r in rows if r in moved), *behind])

    def remove(self, *recordings: Recording) -> None:
        for recording in recordings:
            self._engine.cancel(recording.job_id)
        self.model.remove(recordings)
        if self._journal is not None:
            for recording in recordings:
                self._journal.remove(recording.job_id)

    def keep_edit(self, recording: Recording, first: int, n_old: int, new: list[Segment]) -> None:
        """Segments were replaced by a person."""
        self.session.settle(recording)
        if self._journal is not None:
            self._journal.replace_segments(recording.job_id, first, n_old, new, recording.stats)

    def set_saved(self, recording: Recording) -> None:
        """The text as it stands is in a file."""
        recording.is_saved = recording.state.is_over
        if recording.is_saved and self._journal is not None:
            self._journal.set_saved(recording.job_id)

    def take(self, message: JobMessage) -> None:
        """What the engine says."""
        recording = self.session.apply(message)
        if recording is not None:
            self._changed[recording.job_id] = recording
        is_over = isinstance(message, JobCancelled | JobFailed | JobFinished)
        if is_over and message.job_id == self._at_work:
            if recording is not None and self._pausing and isinstance(message, JobCancelled):
                self._set_state(recording, State.PAUSED)
            self._at_work, self._pausing = None, False
            self._start_next()
        if recording is not None and isinstance(message, JobFailed):
            self.failed.emit(recording, message)
        elif recording is not None and isinstance(message, JobFinished):
            self.finished.emit(recording, message)

    def _deliver(self) -> None:
        """A batch of messages is through."""
        changed, self._changed = self._changed, {}
        there = [r for r in changed.values() if self.session.recording(r.job_id) is r]  # not removed meanwhile
        if there:
            self.changed.emit(there)
        if changed and not self.session.is_busy:
            self.idle.emit()

    def _arrange(self, order: list[Recording]) -> None:
        self.model.arrange(order)
        if self._journal is not None:
            self._journal.set_order([recording.job_id for recording in order])

    def _insert(self, paths: list[Path], options: TranscribeOptions) -> list[Recording]:
        recordings = self.model.add(paths, options)
        if self._journal is not None:
            self._journal.add([recording.job for recording in recordings])
        return recordings

    def _start_next(self) -> None:
        """The engine has one job at a time: the others may still be put in another order."""
        waiting = next((recording for recording in self.session if recording.state is State.WAITING), None)
        if self._at_work is None and waiting is not None and not self._held:
            self._at_work = waiting.job_id
            self._engine.submit(waiting.job)

    def _restart(self, recording: Recording, options: TranscribeOptions, model: Path | None) -> None:
        old_id = recording.job_id
        self.session.restart(recording, options, model)
        if self._journal is not None:
            self._journal.restart(old_id, recording.job)

    def _set_state(self, recording: Recording, state: State) -> None:
        recording.state = state
        if self._journal is not None:
            self._journal.set_state(recording.job_id, state)

    def _take_expanded(self, options: TranscribeOptions, found: tuple[list[Path], list[Failure]]) -> None:
        """Queue what was found; what is wrong stands in the list too, with its reason."""
        paths, failures = found
        recordings = self._insert([*paths, *(failure.path for failure in failures)], options)
        for recording, failure in zip(recordings[len(paths) :], failures, strict=True):
            failed = JobFailed(recording.job_id, failure.path, failure.kind, failure.message, failure.remedy)
            if self._journal is not None:
                self._journal.take(failed)
            self.take(failed)
        self._start_next()
        self.added.emit(recordings)

    def _take_restored(self, kept: tuple[sqlite3.Connection, list[Recording], dict[Path, Facts]]) -> None:
        connection, recordings, self.taken = kept
        if self._has_stopped:
            connection.close()
            return
        self._journal = Journal(connection, self.not_kept.emit, self.kept_again.emit)
        self._engine.record = self._journal.take
        self.model.restore(recordings)
        self._start_next()
        self.restored.emit(recordings)
        self._add_waiting()

    def _on_not_kept(self) -> None:
        self._cannot_write = True

    def _on_kept_again(self) -> None:
        self._cannot_write = False

    def _go_on_without(self, error: Exception) -> None:
        signal = self.not_kept if isinstance(error, StoreError) else self.unexpected
        signal.emit(error)
        self._add_waiting()

    def _add_waiting(self) -> None:
        waiting, self._opening = self._opening or [], None
        for paths, options in waiting:
            self.add(paths, options)


def _open(path: Path) -> tuple[sqlite3.Connection, list[Recording], dict[Path, Facts]]:
    connection = open_database(path)
    return connection, restore(connection), taken_files(connection)
