"""The selected recording: its name, how far it is, what can be done with it, and its text."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.document.export import FORMATS
from app.document.transcript import clock
from app.session import Recording, State
from app.widgets import engine_texts
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.elided_label import ElidedLabel
from app.widgets.find_bar import FindBar
from app.widgets.header_row import HeaderRow
from app.widgets.layouts import enlarge
from app.widgets.message_bar import MessageBar, Saying, Severity
from app.widgets.placeholder import Placeholder
from app.widgets.texts import format_name, percent, time_left
from app.widgets.transcript_model import TranscriptModel
from app.widgets.transcript_view import TranscriptView

PROGRESS_STEPS = 1000


class TranscriptPage(QFrame):
    """Displays one recording; `refresh` takes over what has changed in it.

    Signals:
        pause_requested, resume_requested, cancel_requested, retry_requested, copy_requested, model_wanted: buttons.
        save_requested: one of `app.document.export.FORMATS` was chosen.
    """

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()
    retry_requested = Signal()
    copy_requested = Signal()
    save_requested = Signal(str)
    model_wanted = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._appearance = appearance
        self._recording: Recording | None = None
        self._noticed: tuple[object, ...] = ()
        self.model = TranscriptModel(self)
        self._make_header()
        self._make_content()
        self._arrange()
        appearance.changed.connect(self._update_icons)
        self._update_icons()
        self._retranslate()

    def show_recording(self, recording: Recording | None) -> None:
        self._recording = recording
        self.model.show(recording.transcript if recording is not None else None)
        if recording is not None and not recording.state.is_over:
            self.view.follow()
        self.refresh()

    def refresh(self) -> None:
        self.model.sync()
        recording = self._recording
        if recording is None:
            return
        self._name.setText(recording.path.name)
        self._name.setToolTip(str(recording.path))
        self._badge.setVisible(recording.is_partial)
        self._update_buttons(recording)
        self._update_progress(recording)
        self._update_notice(recording)
        if recording.transcript.segments:
            self._stack.setCurrentWidget(self.view)
        else:
            self._update_placeholder(recording)
            self._stack.setCurrentWidget(self._placeholder)
        self._update_jump()

    def add_below(self, widget: QWidget) -> None:
        """Put something under the text."""
        self._column.addWidget(widget)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._place_jump()

    def _make_header(self) -> None:
        self._name = ElidedLabel()
        enlarge(self._name, 1.2, self._appearance)
        self._badge = QLabel()
        self._badge.setProperty("badge", True)
        self._badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.pause, self.resume, self.cancel = (QPushButton() for _ in range(3))
        self.retry, self.copy, self.save = (QPushButton() for _ in range(3))
        for button in (self.pause, self.resume, self.cancel, self.retry):
            button.hide()  # they are never all there, and would take the room for that
        self.pause.clicked.connect(self.pause_requested)
        self.resume.clicked.connect(self.resume_requested)
        self.cancel.clicked.connect(self.cancel_requested)
        self.retry.clicked.connect(self.retry_requested)
        self.copy.clicked.connect(self.copy_requested)
        self.save.setProperty("menuButton", True)
        self._formats = QMenu(self.save)
        for name in FORMATS:
            action = QAction(self._formats)
            action.setData(name)
            self._formats.addAction(action)
        self._formats.triggered.connect(self._on_format)
        self.save.setMenu(self._formats)
        self.progress = QProgressBar(textVisible=False)
        self._progress_text = QLabel()
        self._progress_text.setProperty("muted", True)

    def _make_content(self) -> None:
        self.notice = MessageBar(self._appearance)
        self.view = TranscriptView(self.model, self._appearance)
        self.find_bar = FindBar(self.view, self.model)
        self._placeholder = Placeholder(self._appearance)
        self._placeholder.retry_requested.connect(self.retry_requested)
        self._placeholder.model_wanted.connect(self.model_wanted)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._placeholder)
        self.jump = QPushButton(self.view)
        self.jump.setProperty("primary", True)
        self.jump.clicked.connect(self.view.follow)
        self.view.following_changed.connect(self._update_jump)

    def _arrange(self) -> None:
        buttons = (self.pause, self.resume, self.cancel, self.retry, self.copy, self.save)
        self.header = HeaderRow(self._name, self._badge, buttons)
        progress = QHBoxLayout()
        progress.setSpacing(12)
        progress.addWidget(self.progress, 1, Qt.AlignmentFlag.AlignVCenter)
        progress.addWidget(self._progress_text)
        top = QVBoxLayout()
        top.setContentsMargins(16, 12, 12, 10)
        top.setSpacing(8)
        top.addWidget(self.header)
        top.addLayout(progress)
        top.addWidget(self.notice)
        top.addWidget(self.find_bar)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 8)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._stack, 1)

    def _update_buttons(self, recording: Recording) -> None:
        self.pause.setVisible(recording.state in (State.RUNNING, State.WAITING))
        self.resume.setVisible(recording.can_resume)
        self.cancel.setVisible(not recording.state.is_over)
        self.retry.setVisible(recording.state.is_over)
        has_text = bool(recording.transcript.segments)
        self.copy.setEnabled(has_text)
        self.save.setEnabled(has_text)

    def _update_progress(self, recording: Recording) -> None:
        running = recording.state is State.RUNNING
        self.progress.setVisible(running)
        self._progress_text.setVisible(running)
        if not running:
            return
        progress, left = recording.progress, recording.time_left_s
        self.progress.setUpdatesEnabled(False)  # else each value is painted at once, and all else that waits with it
        self.progress.setMaximum(0 if progress is None else PROGRESS_STEPS)
        self.progress.setValue(round(PROGRESS_STEPS * (progress or 0.0)))
        self.progress.setUpdatesEnabled(True)
        if progress is None or left is None or recording.stats is None:
            self._progress_text.setText(self.tr("Starting…"))
        else:
            done = self.tr("{position} of {length}").format(
                position=clock(recording.stats.audio_s), length=clock(recording.stats.duration_s or 0.0)
            )
            self._progress_text.setText(f"{percent(progress)} · {done} · {time_left(left)}")

    def _update_notice(self, recording: Recording) -> None:
        subject = (recording.job_id, recording.state, len(recording.warnings))
        if subject == self._noticed:  # what the user has closed stays closed
            return
        self._noticed = subject
        if recording.is_partial or recording.warnings:
            severity: Severity = "error" if recording.state is State.FAILED else "warning"
            self.notice.say(severity, partial(self._notice_of, recording))
        else:
            self.notice.hide()

    def _notice_of(self, recording: Recording) -> Saying:
        """A failure that left text behind, a run that was cut short, or the warnings of a run that went on."""
        if recording.is_partial and recording.failure is not None:
            failure = recording.failure
            problem = engine_texts.problem(failure.kind, failure.message, failure.remedy)
            return Saying(problem.headline, f"{problem.detail}\n{problem.remedy}")
        if recording.is_partial:
            end = clock(recording.transcript.segments[-1].end)
            return Saying(self.tr("Cancelled: the text ends at {time} of the recording.").format(time=end))
        return Saying("\n".join(engine_texts.translated(text) for text in recording.warnings))

    def _update_placeholder(self, recording: Recording) -> None:
        match recording.state:
            case State.WAITING:
                self._placeholder.show_text("waiting", self.tr("Waiting for its turn"))
            case State.RUNNING:
                self._placeholder.show_text("wave", self.tr("The text appears here as it is recognised"))
            case State.LIVE:
                self._placeholder.show_text("microphone", self.tr("The text appears here as it is spoken"))
            case State.PAUSED:
                self._placeholder.show_text("pause", self.tr("Paused before there was any text"))
            case State.DONE:
                self._placeholder.show_text("wave", self.tr("No speech was found in this recording"))
            case State.CANCELLED:
                self._placeholder.show_text("cancelled", self.tr("Cancelled before there was any text"))
            case State.FAILED:
                assert recording.failure is not None
                failure = recording.failure
                problem = engine_texts.problem(failure.kind, failure.message, failure.remedy)
                about_model = engine_texts.concerns_model(failure.kind) and recording.model is None
                self._placeholder.show_problem(problem, about_model=about_model)

    def _update_jump(self) -> None:
        running = self._recording is not None and self._recording.state is State.RUNNING
        self.jump.setVisible(running and not self.view.following)
        self._place_jump()

    def _place_jump(self) -> None:
        self.jump.adjustSize()
        area = self.view.viewport().geometry()
        self.jump.move(area.center().x() - self.jump.width() // 2, area.bottom() - self.jump.height() - 12)

    def _on_format(self, action: QAction) -> None:
        if name := action.data():
            self.save_requested.emit(name)

    def _retranslate(self) -> None:
        self._badge.setText(self.tr("Partial"))
        self.pause.setText(self.tr("Pause"))
        self.pause.setToolTip(self.tr("Let this recording rest; others go on"))
        self.resume.setText(self.tr("Resume"))
        self.resume.setToolTip(self.tr("Go on where the text ends"))
        self.cancel.setText(self.tr("Cancel"))
        self.cancel.setToolTip(self.tr("Stop this recording; the text so far stays"))
        self.retry.setText(self.tr("Transcribe again"))
        self.retry.setToolTip(self.tr("Transcribe this recording again as chosen above"))
        self.copy.setText(self.tr("Copy"))
        self.copy.setToolTip(self.tr("Copy the whole text"))
        self.save.setText(self.tr("Save as"))
        self.save.setToolTip(self.tr("Save the transcript to a file"))
        self.jump.setText(self.tr("Jump to the newest text"))
        self.view.setAccessibleName(self.tr("Transcript"))
        self.view.setAccessibleDescription(
            self.tr("Space: play or pause. Left, right: five seconds. F2: edit. Tab while listening: next segment.")
        )
        self.progress.setAccessibleName(self.tr("Progress"))
        for action in self._formats.actions():
            if name := action.data():
                action.setText(f"{format_name(name)} (.{name})")
        self.refresh()

    def _update_icons(self) -> None:
        colors = self._appearance.colors
        for button, name, color in (
            (self.pause, "pause", colors.text),
            (self.resume, "resume", colors.text),
            (self.cancel, "stop", colors.text),
            (self.retry, "retry", colors.text),
            (self.copy, "copy", colors.text),
            (self.save, "save", colors.text),
            (self.jump, "down", colors.on_accent),
        ):
            button.setIcon(self._appearance.button_icon(name, color))
            button.setIconSize(BUTTON_ICON_SIZE)
