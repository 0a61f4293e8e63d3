"""The window of GPU support at work: wires it to the driver, the downloads and the self-test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.engine.background import Background
from app.engine.worker import WorkEnded, Worker
from app.gpu_pack.installation import GpuPack
from app.gpu_work import GpuSight, GpuWork, events_of, look_around
from app.model_work import JobState, Trouble, trouble_of
from app.models.network import Network
from app.paths import default_model
from app.selftest_report import write_report
from app.widgets import dialogs, engine_texts
from app.widgets.appearance import Appearance
from app.widgets.front import bring_forward
from app.widgets.gpu_window import GpuWindow
from app.widgets.message_bar import Saying
from gpu.errors import reason
from gpu.types import Words

CLOCK_MS = 1000  # also while nothing arrives, speed and time left change
REPORT_NAME = "whisperdesktop-selftest.json"


class GpuManager(QObject):
    """Says what this machine has, fetches what is missing, tests it, and removes it.

    Args:
        look: what there is; called in the background.
        network: makes what a download talks to; called for each, on its thread.

    Signals:
        use_changed: other GPUs are used unasked than before: the model is to be loaded anew.
    """

    use_changed = Signal()

    def __init__(
        self,
        appearance: Appearance,
        look: Callable[[], GpuSight] = look_around,
        network: Callable[[], Network] = Network,
    ) -> None:
        super().__init__()
        self._look = look
        self._network = network
        self._sight: GpuSight | None = None
        self._work: GpuWork | None = None
        self._is_stopped = False
        self._report_folder = Path.home()
        self._message_action: Callable[[], None] = lambda: None
        self._background = Background(self)
        self._worker = Worker("gpu", self)
        self._clock = QTimer(self, interval=CLOCK_MS)
        self.window = GpuWindow(appearance)
        self._connect()

    def show(self, *, for_test: bool = False) -> None:
        """Open the window, or bring it to the front, and look what there is now.

        Args:
            for_test: the keyboard's focus is on the self-test.
        """
        bring_forward(self.window)
        (self.window.run if for_test else self.window.pack_card.enable).setFocus()
        self.refresh()

    def stop(self) -> None:
        """Stop what runs and wait for its end. What a download has fetched stays for the next time."""
        self._is_stopped = True
        self._worker.stop()

    def refresh(self) -> None:
        """Look again, in the background."""
        self._background.run(self._look, self._take_sight, partial(self._on_error, self.tr("GPU support")))

    def _connect(self) -> None:
        window, card = self.window, self.window.pack_card
        self._worker.message.connect(self._on_message)
        self._worker.delivered.connect(self._show_work)
        self._clock.timeout.connect(self._show_work)
        card.enable_requested.connect(self._enable)
        card.pause_requested.connect(self._pause)
        card.resume_requested.connect(self._resume)
        card.cancel_requested.connect(self._cancel)
        card.remove_requested.connect(self._ask_remove)
        window.test_requested.connect(partial(self._start, None))
        window.test_cancel_requested.connect(self._cancel)
        window.save_requested.connect(self._ask_where_to_save)
        window.message_bar.action_requested.connect(self._on_message_action)

    def _enable(self) -> None:
        if self._sight is not None and self._sight.can_enable:
            self._start(self._sight.pack)

    def _start(self, pack: GpuPack | None) -> None:
        if self._work is None or self._work.state.is_over:
            self._work = GpuWork(pack)
            self._resume()

    def _resume(self) -> None:
        if (work := self._work) is None or work.state is JobState.RUNNING:
            return
        self.window.message_bar.hide()
        work.start()
        self._clock.start()
        self._worker.start(partial(events_of, work.pack, self._network))
        self._show_work()

    def _pause(self) -> None:
        if self._work is not None:
            self._work.pause_wanted = True
            self._worker.cancel()

    def _cancel(self) -> None:
        work = self._work
        if work is None:
            return
        if work.state is JobState.PAUSED:
            work.state = JobState.CANCELLED
            self._discard(work)
        else:
            work.pause_wanted = False
            self._worker.cancel()

    def _on_message(self, message: object) -> None:
        work = self._work
        if work is None or self._is_stopped:
            return
        if not isinstance(message, WorkEnded):
            work.apply(message)
            return
        was_fetching = work.is_fetching
        work.end(message.error)
        self._clock.stop()
        if work.trouble is not None:
            self._tell(work.trouble, self.tr("GPU support"), partial(self._start, work.pack))
            QApplication.alert(self.window)
        if work.state is JobState.CANCELLED and was_fetching:
            self._discard(work)
        elif work.state is not JobState.PAUSED:
            self.refresh()

    def _discard(self, work: GpuWork) -> None:
        """Throw away what has arrived."""
        if work.pack is not None:
            self._in_background(work.pack.discard_downloads, lambda _none: self.refresh())
        self._show_work()

    def _show_work(self) -> None:
        if self._work is not None and not self._is_stopped:
            self.window.show_work(self._work)

    def _take_sight(self, sight: GpuSight) -> None:
        if self._is_stopped:
            return
        before, self._sight = self._sight, sight
        self.window.show_sight(sight)
        if before is not None and before.usable != sight.usable:
            self._tell_use(uses_gpu=bool(sight.usable))
            self.use_changed.emit()

    def _tell_use(self, *, uses_gpu: bool) -> None:
        def compose() -> Saying:
            if uses_gpu:
                return Saying(self.tr("The GPU is used from now on: the model is loaded anew"))
            return Saying(self.tr("The GPU is no longer used unasked: the model is loaded anew"))

        self.window.message_bar.say("info", compose)

    def _ask_remove(self) -> None:
        question = dialogs.Question(
            self.tr("Remove what was fetched for the GPU?"),
            self.tr("It is deleted from this computer. Programs that use it already do so until they end."),
            self.tr("Remove"),
            self.tr("Keep it"),
        )
        dialogs.confirm(self.window, question, self._remove)

    def _remove(self) -> None:
        if (sight := self._sight) is None or sight.pack is None:
            return

        def done(_none: None) -> None:
            self.window.message_bar.say("info", lambda: Saying(self.tr("What was fetched for the GPU was removed")))
            self.refresh()

        self._in_background(sight.pack.remove, done)

    def _ask_where_to_save(self) -> None:
        dialogs.ask_report_path(self.window, self._report_folder / REPORT_NAME, self._save)

    def _save(self, name: str) -> None:
        if self._work is None:
            return
        path, checks = Path(name), tuple(self._work.checks)
        self._report_folder = path.parent

        def done(_none: None) -> None:
            self.window.message_bar.say("info", lambda: Saying(self.tr("Saved as {path}").format(path=path)))

        work = partial(write_report, path, default_model(), checks)
        self._background.run(work, done, partial(self._tell_not_saved, path), must_finish=True)

    def _tell_not_saved(self, path: Path, error: Exception) -> None:
        if not isinstance(error, OSError):
            self._on_error(path.name, error)
            return
        remedy = Words("Choose another folder, or make room on the disk.")
        self._tell(Trouble("OSError", reason(error), remedy), path.name)

    def _in_background(self, work: Callable[[], None], done: Callable[[None], None]) -> None:
        self._background.run(work, done, partial(self._on_error, self.tr("GPU support")), must_finish=True)

    def _on_error(self, name: str, error: Exception) -> None:
        self._tell(trouble_of(error, name), name)

    def _tell(self, trouble: Trouble, name: str, again: Callable[[], None] | None = None) -> None:
        self._message_action = again or (lambda: None)

        def compose() -> Saying:
            problem = engine_texts.problem(trouble.kind, trouble.message, trouble.remedy)
            action = self.tr("Try again") if again is not None else ""
            return Saying(problem.headline_for(name), f"{problem.detail}\n{problem.remedy}", action)

        self.window.message_bar.say("error", compose)

    def _on_message_action(self) -> None:
        self.window.message_bar.hide()
        self._message_action()
