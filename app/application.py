"""The window program put together: session, engine thread, widgets, and every connection between them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.again import Again
from app.anywhere_desk import AnywhereDesk
from app.auto_save import AutoSave
from app.completion import Completion
from app.dictation import Dictation
from app.dictation_desk import DictationDesk
from app.document.export import save, to_txt
from app.editor import Editor
from app.engine.background import Background
from app.engine.messages import EngineMemory, JobFailed, JobFinished, Message, ModelFailed, ModelLoaded, ModelLoading
from app.engine.service import EngineService, recording_suffixes
from app.engine.thread import EngineThread
from app.exports import Exports
from app.gpu_entry import GpuEntry
from app.help_desk import HelpDesk
from app.i18n import Translation, choose_language
from app.models.benchmark import save_benchmark
from app.models.library import last_or_built_in
from app.models_entry import ModelsEntry
from app.notices import Notices
from app.paths import default_model, resources_dir
from app.playback_desk import PlaybackDesk
from app.recording_options import RecordingOptions
from app.recordings import Recordings
from app.review import Review
from app.search_desk import SearchDesk
from app.segment_desk import SegmentDesk
from app.session import Recording, Session, State
from app.settings import Settings
from app.settings_desk import SettingsDesk
from app.status_meter import StatusMeter
from app.store.errors import StoreError
from app.watch_folder import WatchFolder
from app.welcome import Welcome
from app.widgets.about import show_about
from app.widgets.appearance import Appearance, ThemeChoice
from app.widgets.front import bring_forward
from app.widgets.main_window import MainWindow
from app.widgets.recordings_model import RecordingsModel
from gpu.types import TranscribeOptions

_log = logging.getLogger(__name__)


class Application(QObject):
    """One window, one session, one engine.

    Signals:
        unexpected: an exception nobody caught, in words; from any thread.
    """

    unexpected = Signal(str)

    def __init__(self, settings: Settings, make_service: Callable[[Path], EngineService] | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._translation = Translation(resources_dir() / "i18n")
        self._translation.use(choose_language(settings.interface_language))
        self._appearance = Appearance(resources_dir(), settings.theme_now, settings.font_percent)
        self._model, self._model_failed = default_model(), False
        self._loaded: ModelLoaded | None = None
        self._mixed: Recording | None = None  # begun on a device that failed: says nothing about the other's speed
        self._without_model: list[Recording] = []  # failed only because there was no model
        self._engine_on = (settings.device, settings.threads)
        self.thread_ = EngineThread(make_service or self._make_service, self)
        self.recordings = Recordings(RecordingsModel(Session(), self), self.thread_, self)
        self.dictation = Dictation(self.recordings, self.thread_, settings, self)
        self._background = Background(self)
        self.window = MainWindow(self.recordings.model, self._appearance)
        self.notices = Notices(self.window.message_bar)
        self._auto_save = AutoSave(settings, self.window)
        self.exports = Exports(self.window, settings, self.notices)
        self.editor = Editor(self.window.page, self.window.edit_menu)
        self.again = Again(self.window, self.session, self.editor, self.thread_, self.notices)
        self.recording_options = RecordingOptions(self.window, self.recordings, self.thread_, self.notices)
        self.playback = PlaybackDesk(self.window, self.editor, settings, self._appearance)
        self.dictating = DictationDesk(self.window, self.dictation, self.recordings, self._appearance, self.notices)
        self.models = ModelsEntry(self.window, settings, self._appearance)
        self.gpu = GpuEntry(self.window, self._appearance)
        self.review = Review(self.window, settings, self.notices)
        self.segments = SegmentDesk(self.window, self.editor)
        self.search = SearchDesk(self.window, self.session, self._appearance)
        owners = {"main": self.window.actions_, "edit": self.window.edit_menu, "playback": self.playback.menu}
        owners |= {"dictation": self.dictating.menu} | {n: vars(self)[n] for n in ("review", "segments", "search")}
        self.settings = SettingsDesk(self.window, settings, self._appearance, self.notices, owners)
        collaborators = (self.dictation, settings, self._appearance, self.notices, self.settings)
        self.anywhere = AnywhereDesk(self.window, *collaborators)
        self.welcome = Welcome(self.window, settings, self.notices)
        self._meter = StatusMeter(self.window.status_panel, self.session, self.thread_, settings)
        self.help = HelpDesk(self.window, self.session, settings, self._appearance, self.notices)
        self.watch = WatchFolder(settings, self.recordings, self.window)
        self.completion = Completion(self.recordings, self.window, settings)
        self._restore()
        self._connect()

    @property
    def session(self) -> Session:
        return self.recordings.session

    def start(self, paths: list[Path], kept: Path | None = None) -> None:
        """Show the window, and let the model load behind it.

        Args:
            kept: the file with the recordings of the last start, which will hold those of this one; None: nowhere.
        """
        self.window.show()
        self.anywhere.start()
        if kept is not None:
            self.recordings.open(kept)
            self.welcome.start()
        else:
            self.watch.start()
        self.thread_.start()
        model, notice = last_or_built_in(self._settings.model)
        self.choose_model(model)
        if notice is not None:
            self.notices.warn(notice)
        self._background.run(recording_suffixes, self._take_suffixes, self.notices.tell_failure)
        if paths:
            self.add(paths)

    def stop(self) -> None:
        """End the engine's thread, which stops what it does. The window may be gone already."""
        self.models.stop()
        self.gpu.stop()
        self.playback.stop()
        self.welcome.stop()
        self.anywhere.close()
        self.dictating.stop()
        self.recordings.stop()
        self.thread_.stop()

    def add(self, paths: list[Path]) -> None:
        """Queue files and the recordings in folders."""
        self.recordings.add(paths, self._options())

    def retry(self, *recordings: Recording) -> None:
        """Transcribe again with the options chosen now. Text that is there already stays where it is."""
        with_text = [recording for recording in recordings if recording.transcript.segments]
        if without := [recording for recording in recordings if not recording.transcript.segments]:
            self.recordings.restart(without, self._options())
        if with_text:
            again = self.recordings.add_again(with_text, self._options())
            self.window.recordings_view.select(again[-1])
            self._refresh(again)

    def remove(self, *recordings: Recording) -> None:
        self.recordings.remove(*recordings)
        for recording in recordings:
            self.editor.forget(recording)
        if (current := self.window.current) is not None:
            self.window.recordings_view.select(current)
        self.window.update_state()

    def take_from_another_start(self, paths: list[Path]) -> None:
        """The program was started once more: with files, or to see the window."""
        self.come_forward()
        if paths:
            self.add(paths)

    def come_forward(self) -> None:
        bring_forward(self.window)

    def copy(self, *recordings: Recording) -> None:
        """Of several, each below its name."""
        texts = [to_txt(recording.transcript) for recording in recordings]
        if len(texts) > 1:
            texts = [f"{recording.path.name}\n\n{text}" for recording, text in zip(recordings, texts, strict=True)]
        QGuiApplication.clipboard().setText("\n".join(texts))
        self.notices.tell_copied()

    def save(self, recording: Recording, path: Path, format_name: str) -> None:
        """Write the text as it stands now; `path` is the user's choice, so what is there is replaced."""
        self._background.run(
            partial(save, recording.transcript.copy(), path, format_name, self.exports.layout),
            lambda _none: self._tell_saved(recording, [path]),
            partial(self._tell_not_saved, recording),
            must_finish=True,
        )

    def choose_model(self, path: Path | None = None) -> None:
        """Load another model file, which is remembered once it has loaded; or the current one again."""
        self._model = path or self._model
        self.thread_.load(self._model)

    def _connect(self) -> None:
        window, thread, commands = self.window, self.thread_, self.window.commands
        thread.message.connect(self._on_message)
        recordings = self.recordings
        recordings.changed.connect(self._refresh)
        recordings.replaced.connect(self._show_replaced)
        recordings.added.connect(self._show_added)
        recordings.restored.connect(self._show_restored)
        recordings.failed.connect(self._on_job_failed)
        recordings.finished.connect(self._on_job_finished)
        recordings.not_kept.connect(self._tell_not_kept)
        recordings.kept_again.connect(self._tell_kept_again)
        recordings.unexpected.connect(self.notices.tell_failure)
        window.intake.paths_added.connect(self.add)
        window.model_chosen.connect(self.choose_model)
        self.editor.edited.connect(recordings.keep_edit)
        window.auto_save_requested.connect(self._auto_save.ask)
        self._auto_save.subtitles_wanted.connect(self.exports.ask_about_subtitles)
        self._auto_save.saved.connect(self._tell_saved)
        self._auto_save.failed.connect(self._tell_not_saved)
        self.dictating.menu.anywhere.triggered.connect(self.anywhere.show_settings)
        self.models.model_chosen.connect(self.choose_model)
        self.settings.engine_changed.connect(self._change_engine)
        self.settings.options_changed.connect(self._remember_options)
        self.settings.subtitles_wanted.connect(self.exports.ask_over)
        self._auto_save.rule_kept.connect(self.settings.show_rule)
        for part in (self.models, self.gpu, self.playback, self.editor, self.watch):
            part.failed.connect(self.notices.tell_failure)
        self.gpu.use_changed.connect(self.choose_model)
        commands.pause_requested.connect(lambda several: recordings.pause(*several))
        commands.resume_requested.connect(lambda several: recordings.resume(*several))
        commands.cancel_requested.connect(lambda several: recordings.cancel(*several))
        commands.retry_requested.connect(lambda several: self.retry(*several))
        commands.remove_requested.connect(lambda several: self.remove(*several))
        commands.copy_requested.connect(lambda several: self.copy(*several))
        commands.move_requested.connect(recordings.move)
        commands.place_requested.connect(recordings.place)
        commands.cancel_all_requested.connect(recordings.cancel_all)
        commands.save_requested.connect(self.save)
        commands.save_several_requested.connect(self._auto_save.ask_for)
        window.recording_selected.connect(self._on_selected)
        self._meter.queue_measured.connect(window.header.show_queue)
        for signal in (recordings.restored, recordings.not_kept):
            signal.connect(self.watch.start)
        self.watch.found.connect(self._show_found)
        self.watch.lost.connect(self.notices.tell_folder_lost)
        self.watch.found_again.connect(self.notices.tell_folder_found)
        self.completion.raise_wanted.connect(self.come_forward)
        self.completion.several_failed.connect(self.notices.tell_several_failed)
        self.completion.unavailable.connect(self.notices.tell_no_notifications)
        window.about_requested.connect(partial(show_about, window))
        window.closing.connect(self._remember)
        window.options.changed.connect(self._remember_options)
        window.actions_.theme_chosen.connect(self._choose_theme)
        window.actions_.language_chosen.connect(self._choose_interface_language)
        self.unexpected.connect(self.notices.tell_unexpected)

    def _make_service(self, path: Path) -> EngineService:
        """On the engine's thread."""
        return EngineService(path, *self._engine_on)

    def _change_engine(self) -> None:
        self._engine_on = (self._settings.device, self._settings.threads)
        self.choose_model()

    def _on_message(self, message: Message) -> None:
        match message:
            case ModelLoading(path):
                self._model = path
                self._show_model(message)
            case ModelLoaded():
                self._on_model_loaded(message)
            case ModelFailed():
                self._on_model_failed(message)
            case EngineMemory(memory):
                self.window.status_panel.show_memory(memory)
            case _:
                self.recordings.take(message)

    def _on_model_loaded(self, message: ModelLoaded) -> None:
        self._show_model(message)
        self._settings.model = None if self._model == default_model() else self._model
        if self._model_failed:
            self.window.message_bar.hide()
        self._model_failed = False
        self._loaded, self._mixed = message, self.session.running
        waiting, self._without_model = self._without_model, []
        there = [r for r in waiting if self.session.recording(r.job_id) is r and r.state is State.FAILED]
        if there:
            self.recordings.restart(there)

    def _show_model(self, message: ModelLoading | ModelLoaded | ModelFailed) -> None:
        self.window.status_panel.show_model(message)
        self.models.show_model(self._model, message)

    def _show_replaced(self, recording: Recording) -> None:
        if recording is self.window.current:
            self.window.page.show_recording(recording)
            self.editor.show(recording)
            self.playback.show(recording)

    def _on_model_failed(self, message: ModelFailed) -> None:
        self._model_failed = True
        self._show_model(message)
        self.notices.tell_model_failed(message)

    def _on_job_failed(self, recording: Recording, message: JobFailed) -> None:
        if self._model_failed and recording.model is None:
            self._without_model.append(recording)
        else:
            self.notices.tell_job_failed(recording.path, message)

    def _on_job_finished(self, recording: Recording, message: JobFinished) -> None:
        self._auto_save.save(recording)
        # What the expected speed of other models is worked out from.
        if (loaded := self._loaded) is not None and recording is not self._mixed and recording.model is None:
            work = partial(save_benchmark, loaded.model, loaded.device, message.stats)
            self._background.run(work, lambda _none: None, self.notices.tell_failure, must_finish=True)

    def _on_selected(self, recording: Recording | None) -> None:
        self.editor.show(recording)
        self.playback.show(recording)
        self.window.status_panel.show_recording(self.session.running or recording)

    def _refresh(self, recordings: list[Recording]) -> None:
        window = self.window
        self.recordings.model.refresh(recordings)
        if (recording := window.current) in recordings:
            window.page.refresh()
            self.editor.show(recording)
            self.playback.show(recording)
        window.status_panel.show_recording(self.session.running or window.current)
        window.update_state()

    def _options(self) -> TranscribeOptions:
        return self.window.chosen_options

    def _show_added(self, recordings: list[Recording]) -> None:
        current = self.window.current
        if recordings and (current is None or current.state.is_over):
            self.window.recordings_view.select(recordings[0])
        self.window.update_state()

    def _show_found(self, recordings: list[Recording]) -> None:
        """They came by themselves: what somebody reads stays in sight."""
        if self.window.current is None:
            self.window.recordings_view.select(recordings[0])
        self.window.update_state()

    def _show_restored(self, recordings: list[Recording]) -> None:
        self.window.recordings_are_kept = True
        if recordings:
            unfinished = next((r for r in recordings if not r.state.is_over), recordings[-1])
            self.window.recordings_view.select(unfinished)
        self.window.update_state()

    def _tell_not_kept(self, error: StoreError) -> None:
        self.window.recordings_are_kept = self.recordings.are_kept
        self.notices.tell_not_kept(error)

    def _tell_kept_again(self) -> None:
        self.window.recordings_are_kept = self.recordings.are_kept
        self.notices.tell_kept_again()

    def _take_suffixes(self, suffixes: frozenset[str]) -> None:
        self.window.intake.suffixes = suffixes

    def _tell_saved(self, recording: Recording, paths: list[Path]) -> None:
        self.recordings.set_saved(recording)
        self.notices.tell_saved(paths)

    def _tell_not_saved(self, recording: Recording, error: Exception) -> None:
        self.notices.tell_not_saved(recording.path, error)

    def _choose_theme(self, choice: ThemeChoice) -> None:
        self._settings.theme = choice
        self._appearance.set_choice(choice)

    def _choose_interface_language(self, code: str) -> None:
        self._settings.interface_language = code
        self._translation.use(choose_language(code))
        self._appearance.update_font()

    def _remember_options(self) -> None:
        self._settings.options = self._options()
        self._settings.highlight_words = self.window.options.panel.highlight.isChecked()

    def _remember(self) -> None:
        self._settings.geometry = self.window.saveGeometry()
        self._settings.folder = self.window.intake.folder
        self._settings.options_shown = self.window.actions_.options.isChecked()

    def _restore(self) -> None:
        window, settings = self.window, self._settings
        window.options.choose(settings.options, highlight_words=settings.highlight_words)
        window.actions_.options.setChecked(settings.options_shown)
        window.intake.folder = settings.folder
        window.model_folder = (settings.model or default_model()).parent
        window.actions_.check(settings.theme, settings.interface_language)
        window.restoreGeometry(settings.geometry)
