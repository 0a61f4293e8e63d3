"""The selected part of a transcript recognised once more, another way: a job of its own beside the list's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QKeySequence

from app.document.stretch import Stretch
from app.document.transcript import Transcript
from app.editor import Editor
from app.engine.background import Background
from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobSegment,
    JobStarted,
    JobStats,
    Message,
    ModelLoading,
    TranscribeFile,
)
from app.engine.thread import EngineThread
from app.notices import Notices
from app.recording_options import usable_models
from app.session import Recording, Session
from app.widgets import engine_texts
from app.widgets.again_bar import AgainBar
from app.widgets.again_dialog import AgainDialog
from app.widgets.main_window import MainWindow
from app.widgets.message_bar import Saying
from gpu.types import Segment, TranscribeOptions


@dataclass(eq=False)
class _Selection:
    """What is to be replaced. `row_id`: the recording's job when it was chosen."""

    recording: Recording
    row_id: int
    transcript: Transcript
    stretch: Stretch
    job: TranscribeFile | None = None
    found: list[Segment] = field(default_factory=list)


class Again(QObject):
    """One selection at a time. Its text changes when the engine is done with it, and not at all if it fails.

    Its jobs have numbers below zero: no recording of the list has those, so that nobody else takes them up.
    """

    def __init__(
        self, window: MainWindow, session: Session, editor: Editor, engine: EngineThread, notices: Notices
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._editor, self._engine = window, session, editor, engine
        self._notices = notices
        self._background = Background(self)
        self._model: Path | None = None  # in use
        self._last_job_id = 0
        self._at_work: _Selection | None = None
        self.dialog: AgainDialog | None = None
        self.bar = AgainBar()
        window.page.add_below(self.bar)
        self.bar.cancel_requested.connect(self.cancel)
        window.edit_menu.again_wanted.connect(self.ask)
        engine.message.connect(self._take)

    def ask(self, rows: Sequence[int]) -> None:
        """How to transcribe these rows of the transcript that is shown, with all that is between them."""
        recording = self._window.current
        if recording is None or not rows or self._at_work is not None or self.dialog is not None:
            return
        self._window.finish_edits()
        transcript = recording.transcript
        if rows[-1] >= len(transcript.segments):  # a text that was emptied
            return
        stretch = Stretch(transcript.segments, rows[0], rows[-1])
        selection = _Selection(recording, recording.job_id, transcript, stretch)
        language = recording.options.language
        if language is None and not recording.options.multilingual:
            language = transcript.language  # a few seconds are little to detect it from
        options = replace(recording.options, language=language, clip_timestamps=(stretch.start_s, stretch.end_s))
        self.dialog = AgainDialog(options, self._model, self._window)
        self.dialog.chosen.connect(partial(self._begin, selection))
        self.dialog.finished.connect(self._forget_dialog)
        self._background.run(usable_models, partial(self._show_models, recording.model), self._notices.tell_failure)
        self.dialog.open()

    def cancel(self) -> None:
        if self._at_work is not None and self._at_work.job is not None:
            self.bar.cancel.setEnabled(False)
            self._engine.cancel(self._at_work.job.job_id)

    def _show_models(self, usual: Path | None, models: list[tuple[Path, int]]) -> None:
        if self.dialog is not None:
            others = [(path, n_bytes) for path, n_bytes in models if path != self._model]
            self.dialog.show_models(others, usual)

    def _forget_dialog(self) -> None:
        self.dialog = None

    def _begin(self, selection: _Selection, options: TranscribeOptions, model: Path | None) -> None:
        self._last_job_id -= 1
        selection.job = TranscribeFile(self._last_job_id, selection.recording.path, options, model=model)
        self._at_work = selection
        self._window.edit_menu.may_transcribe = False
        stretch = selection.stretch
        self.bar.begin(selection.recording.path.name, stretch.start_s, stretch.end_s)
        self._engine.submit(selection.job)

    def _take(self, message: Message) -> None:
        """What the engine says; of jobs only its own concerns it."""
        if isinstance(message, ModelLoading):
            self._model = message.path
        selection = self._at_work
        job = selection.job if selection is not None else None
        if selection is None or job is None or getattr(message, "job_id", None) != job.job_id:
            return
        match message:
            case JobStarted():
                self.bar.show_progress(0.0)
            case JobSegment(segment=segment):
                selection.found.append(segment)
            case JobStats(stats=stats):
                start_s, end_s = selection.stretch.start_s, selection.stretch.end_s
                self.bar.show_progress(min(max((stats.audio_s - start_s) / (end_s - start_s), 0.0), 1.0))
            case JobFinished():
                self._end()
                self._replace(selection)
            case JobCancelled():
                self._end()
                self._tell(self.tr("Cancelled: the text is as it was"))
            case JobFailed():
                self._end()
                is_model = job.model is not None and engine_texts.concerns_model(message.kind)
                path = job.model if is_model and job.model is not None else job.path
                self._notices.tell_problem(path, message.kind, message.message, message.remedy)

    def _end(self) -> None:
        self._at_work = None
        self.bar.hide()
        self._window.edit_menu.may_transcribe = True

    def _replace(self, selection: _Selection) -> None:
        new, recording = selection.stretch.fitting(selection.found), selection.recording
        place = self._place(selection)
        if not new:
            self._tell(self.tr("Nothing was heard in the selection: the text is as it was"))
            return
        view = self._window.page.view
        if place is not None and self._window.current is recording:
            first, n_old = place
            if first <= view.currentIndex().row() < first + n_old:  # what is typed there is to be had by undoing
                self._window.finish_edits()
                place = self._place(selection)
        if place is None:
            self._tell_gone(new)
            return
        self._editor.put(recording, *place, new)
        self._tell_done(recording)

    def _place(self, selection: _Selection) -> tuple[int, int] | None:
        """First row, and how many; None where it is gone, or the recording is."""
        recording = selection.recording
        is_there = self._session.recording(selection.row_id) is recording and recording.state.is_over
        if not is_there or recording.transcript is not selection.transcript:
            return None
        return selection.stretch.find(recording.transcript.segments)

    def _tell(self, text: str) -> None:
        self._window.message_bar.say("info", lambda: Saying(text))

    def _tell_done(self, recording: Recording) -> None:
        key = self._window.edit_menu.undo.shortcut().toString(QKeySequence.SequenceFormat.NativeText)

        def compose() -> Saying:
            headline = self.tr("The selection was transcribed again: {name}").format(name=recording.path.name)
            return Saying(headline, self.tr("Undo ({key}) brings the text back that was there.").format(key=key))

        self._window.message_bar.say("info", compose)

    def _tell_gone(self, new: Sequence[Segment]) -> None:
        def compose() -> Saying:
            return Saying(
                self.tr("The segments that were transcribed again are not there any more"),
                self.tr("Nothing was changed. The new text can be copied."),
                self.tr("Copy the new text"),
            )

        text = "\n".join(segment.text.strip() for segment in new)
        self._window.message_bar.say("warning", compose, lambda: QGuiApplication.clipboard().setText(text))
