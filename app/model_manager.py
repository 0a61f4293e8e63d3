"""The window of models at work: wires it to the overview, the queue of works and the program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app.engine.background import Background
from app.engine.messages import ModelFailed, ModelLoaded, ModelLoading
from app.engine.model_jobs import ConvertModel
from app.model_queue import ModelQueue
from app.model_settings import ModelSettings
from app.model_work import FetchModel, Job, JobState, Trouble, VerifyModel, new_job, trouble_of
from app.models.catalogue import load_catalogue
from app.models.library import remove
from app.models.network import Network
from app.models.overview import Overview, overview
from app.models.part_file import discard_part
from app.paths import default_model, models_dir, shared_settings_file
from app.settings import Settings
from app.widgets import dialogs, engine_texts
from app.widgets.appearance import Appearance
from app.widgets.convert_dialog import ConvertDialog
from app.widgets.front import bring_forward
from app.widgets.message_bar import Saying, Severity
from app.widgets.model_rows import CatalogueRow, ModelRow, action_text
from app.widgets.models_window import ModelsWindow
from app.widgets.verify_window import VerifyWindow
from gpu.cancel import CancelToken
from gpu.errors import Cancelled

CLOCK_MS = 1000  # also while nothing arrives, speed and time left change


class ModelManager(QObject):
    """Lists models, fetches, converts, checks and removes them.

    Args:
        network: makes what a download talks to; called for each, on its thread.

    Signals:
        model_chosen: a model file to transcribe with, a `Path`.
    """

    model_chosen = Signal(object)

    def __init__(
        self,
        settings: Settings,
        appearance: Appearance,
        network: Callable[[], Network] = Network,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._appearance = appearance
        self._background = Background(self)
        self._token = CancelToken()
        self._look_token = CancelToken()
        self._looking = self._look_again = False
        self._downloads: dict[str, Job] = {}  # by the model's name; those that are over until the list is made anew
        self._verify_windows: dict[Job, VerifyWindow] = {}
        self._wanted: Path | None = None  # the model that was to be loaded from here
        self._message_action: Callable[[], None] = lambda: None
        self._repaint = QTimer(self, singleShot=True, interval=0)  # once for all that happens in a turn of the loop
        self._clock = QTimer(self, interval=CLOCK_MS)
        self.queue = ModelQueue(network, self)
        self.window = ModelsWindow(appearance)
        self.window.restoreGeometry(settings.models_geometry)
        self._shared = ModelSettings(self.window, appearance)
        self._connect()

    def show(self) -> None:
        """Open the window, or bring it to the front, and look what is there now."""
        bring_forward(self.window)
        self.refresh()

    def show_model(self, path: Path, message: ModelLoading | ModelLoaded | ModelFailed) -> None:
        """What becomes of the model file the program is to use."""
        if isinstance(message, ModelLoaded):
            self.window.show_current(path)
        if path != self._wanted:
            return
        match message:
            case ModelLoading():
                self._say("info", lambda: Saying(self.tr("Loading {name}…").format(name=path.name)))
            case ModelLoaded():
                self._say("info", lambda: Saying(self.tr("{name} is in use now").format(name=path.name)))
            case ModelFailed():
                self._tell(Trouble(message.kind, message.message, message.remedy), path.name)

    def stop(self) -> None:
        """Stop all works and wait for their ends. What a download has fetched stays for the next time."""
        self._token.cancel()
        self._look_token.cancel()
        self.queue.stop()

    def refresh(self) -> None:
        """Make the list anew, in the background."""
        if self._token.cancelled:  # the program ends
            return
        if self._looking:
            self._look_again = True
            return
        self._looking, self._look_token = True, CancelToken()
        over = [job for job in self._downloads.values() if job.state in (JobState.DONE, JobState.CANCELLED)]
        work = partial(overview, token=self._look_token)
        self._background.run(work, partial(self._take_overview, over), self._on_no_overview)

    def _look_elsewhere(self) -> None:
        """What is being looked for now is of other folders."""
        self._look_token.cancel()
        self.refresh()

    def _connect(self) -> None:
        window, queue = self.window, self.queue
        window.action_requested.connect(self._act)
        window.import_wanted.connect(self._ask_import)
        window.refresh_wanted.connect(self.refresh)
        window.folders_wanted.connect(self._shared.ask_folders)
        window.network_wanted.connect(self._shared.ask_network)
        window.file_chosen.connect(self._use)
        window.job_pause_requested.connect(queue.pause)
        window.job_resume_requested.connect(queue.add)
        window.job_cancel_requested.connect(queue.cancel)
        window.message_bar.action_requested.connect(self._on_message_action)
        window.closing.connect(self._remember)
        self._shared.folders_changed.connect(self._look_elsewhere)
        self._shared.open_wanted.connect(self._open_folder)
        self._shared.failed.connect(partial(self._on_error, shared_settings_file().name))
        queue.changed.connect(self._repaint.start)
        self._repaint.timeout.connect(self._show_jobs)
        self._clock.timeout.connect(self._show_jobs)
        queue.ended.connect(self._on_ended)

    def _act(self, action: str, row: ModelRow) -> None:
        match action, row:
            case (("download" | "resume"), CatalogueRow()):
                self._fetch(FetchModel(row.listed.model), row.listed.n_bytes_there)
            case "pause", CatalogueRow(job=Job() as job):
                self.queue.pause(job)
            case "cancel", CatalogueRow():
                self._cancel_download(row)
            case "import", _:
                self._ask_convert(row.path, quantizing=False)
            case "quantize", _:
                self._ask_convert(row.path, quantizing=True)
            case "verify", _:
                self._verify(row)
            case _:
                self._act_on_file(action, row)

    def _act_on_file(self, action: str, row: ModelRow) -> None:
        if (path := row.path) is None:
            return
        match action:
            case "use":
                self._use(path)
            case "show":
                self._open(path if path.is_dir() else path.parent)
            case "remove":
                self._ask_remove(path, is_current=row.is_current)

    def _fetch(self, work: FetchModel, n_there: int) -> None:
        self.window.message_bar.hide()
        job = self.queue.job_of(work) or new_job(work, n_there)
        self._downloads[work.model.name] = job
        if job.state is not JobState.RUNNING:
            self.queue.add(job)

    def _cancel_download(self, row: CatalogueRow) -> None:
        if row.job is not None and not row.job.state.is_over:
            self.queue.cancel(row.job)
        else:
            self._downloads.pop(row.key, None)  # a failure is told no longer
            self._discard(row.listed.model.file)

    def _discard(self, file_name: str) -> None:
        """Throw away what has arrived."""
        self._background.run(
            partial(discard_part, models_dir(), file_name),
            lambda _was_there: self.refresh(),
            partial(self._on_error, file_name),
            must_finish=True,
        )

    def _use(self, path: Path) -> None:
        self._wanted = path
        self.model_chosen.emit(path)

    def _verify(self, row: ModelRow) -> None:
        if isinstance(row, CatalogueRow):
            assert row.path is not None
            work = VerifyModel(row.path, row.path, is_readable=True)
        else:
            model = row.found.model
            work = VerifyModel(model.path, model.weights, is_readable=model.kind in ("ggml", "gguf"))
        job = self.queue.job_of(work)
        if job is None:
            job = new_job(work)
            view = self._verify_windows[job] = VerifyWindow(job, self._appearance, self.window)
            view.cancel_requested.connect(self.queue.cancel)
            view.finished.connect(lambda _result: self._verify_windows.pop(job))
            view.show()
            self.queue.add(job)
        self._verify_windows[job].raise_()
        self._verify_windows[job].activateWindow()

    def _ask_import(self) -> None:
        self._ask_convert(None, quantizing=False)

    def _ask_convert(self, source: Path | None, *, quantizing: bool) -> None:
        dialog = ConvertDialog(source, models_dir(), self.window, quantizing=quantizing)
        dialog.accepted_job.connect(self._convert)
        dialog.open()

    def _convert(self, work: ConvertModel) -> None:
        """Write it, after a question if that replaces a file."""
        self.window.message_bar.hide()
        self._background.run(
            work.output.exists, partial(self._convert_or_ask, work), partial(self._on_error, work.output.name)
        )

    def _convert_or_ask(self, work: ConvertModel, exists: bool) -> None:
        if not exists:
            self.queue.add(new_job(work))
            return
        question = dialogs.Question(
            self.tr("{name} exists already.").format(name=work.output.name),
            self.tr("It is replaced once the new file is complete."),
            self.tr("Replace"),
            self.tr("Keep it"),
        )
        dialogs.confirm(self.window, question, lambda: self.queue.add(new_job(work)))

    def _ask_remove(self, path: Path, *, is_current: bool) -> None:
        explanation = self.tr("The file is deleted from this computer.")
        if is_current:
            explanation += " " + self.tr("It is the model in use: the built-in one is used instead.")
        question = dialogs.Question(
            self.tr("Remove {name}?").format(name=path.name), explanation, self.tr("Remove"), self.tr("Keep it")
        )
        dialogs.confirm(self.window, question, partial(self._remove, path, is_current))

    def _remove(self, path: Path, is_current: bool) -> None:
        def done(_paths: list[Path]) -> None:
            self._say("info", lambda: Saying(self.tr("{name} was removed").format(name=path.name)))
            if is_current:
                self._use(default_model())
            self.refresh()

        self._background.run(
            lambda: remove(path.name, load_catalogue()), done, partial(self._on_error, path.name), must_finish=True
        )

    def _open_folder(self, folder: Path) -> None:
        """The program's own is made where it is not there yet."""

        def make() -> None:
            if folder == models_dir():
                folder.mkdir(parents=True, exist_ok=True)

        self._background.run(make, lambda _none: self._open(folder), partial(self._on_error, str(folder)))

    def _open(self, folder: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._say("warning", lambda: Saying(self.tr("No program here opens folders"), str(folder)))

    def _show_jobs(self) -> None:
        if self._token.cancelled:  # the program ends
            return
        is_running = any(job.state is JobState.RUNNING for job in self.queue.jobs)
        if is_running != self._clock.isActive():
            self._clock.start() if is_running else self._clock.stop()
        self.window.show_jobs(self.queue.jobs, self._downloads)
        for view in self._verify_windows.values():
            view.refresh()

    def _on_ended(self, job: Job) -> None:
        if job.state is JobState.PAUSED:
            return
        if job.state is JobState.FAILED:
            self._tell_failed(job)
        elif job.state is JobState.DONE:
            self._tell_done(job)
        if job.state is JobState.CANCELLED and isinstance(job.work, FetchModel):
            self._discard(job.work.model.file)
        else:
            self.refresh()

    def _tell_done(self, job: Job) -> None:
        match job.work:
            case FetchModel(model):
                path = models_dir() / model.file
            case ConvertModel(output=path):
                pass
            case VerifyModel():  # that has a window of its own
                return

        def compose() -> Saying:
            if isinstance(job.work, FetchModel):
                headline = self.tr("{name} was downloaded and is the published file")
            else:
                headline = self.tr("{name} was written")
            return Saying(headline.format(name=job.name), "", action_text("use"))

        self._say("info", compose, partial(self._use, path))
        QApplication.alert(self.window)

    def _tell_failed(self, job: Job) -> None:
        trouble, work = job.trouble, job.work
        if trouble is None or isinstance(work, VerifyModel):  # that has a window of its own
            return
        again = partial(self._fetch, work, job.n_done) if isinstance(work, FetchModel) else None
        self._tell(trouble, job.name, again)
        QApplication.alert(self.window)

    def _tell(self, trouble: Trouble, name: str, again: Callable[[], None] | None = None) -> None:
        def compose() -> Saying:
            problem = engine_texts.problem(trouble.kind, trouble.message, trouble.remedy)
            action = self.tr("Try again") if again is not None else ""
            return Saying(problem.headline_for(name), f"{problem.detail}\n{problem.remedy}", action)

        self._say("error", compose, again)

    def _say(self, severity: Severity, compose: Callable[[], Saying], action: Callable[[], None] | None = None) -> None:
        self._message_action = action or (lambda: None)
        self.window.message_bar.say(severity, compose)

    def _on_message_action(self) -> None:
        self.window.message_bar.hide()
        self._message_action()

    def _take_overview(self, over: list[Job], seen: Overview) -> None:
        if self._token.cancelled:  # the program ends
            return
        self._looking = False
        self._downloads = {name: job for name, job in self._downloads.items() if job not in over}
        self.window.show_jobs(self.queue.jobs, self._downloads)
        self.window.show_overview(seen)
        if self._look_again:
            self._refresh_again()
        else:
            self._shared.show_overview(seen)

    def _on_no_overview(self, error: Exception) -> None:
        self._looking = False
        if not isinstance(error, Cancelled):
            self._on_error(self.tr("Models"), error)
        if self._look_again:
            self._refresh_again()

    def _refresh_again(self) -> None:
        self._look_again = False
        self.refresh()

    def _on_error(self, name: str, error: Exception) -> None:
        self._tell(trouble_of(error, name), name)

    def _remember(self) -> None:
        self._settings.models_geometry = self.window.saveGeometry()
