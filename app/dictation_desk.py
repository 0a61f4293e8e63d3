"""Dictation put together: the panel, its menu and button, the microphones, and what is left of the last start."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QPushButton

from app.capture.microphone import Microphone, microphones
from app.capture.pulse import PulseWatch, Source
from app.dictation import Dictation, DictationState
from app.dictation_file import DictationFile
from app.document.transcript import clock
from app.engine.background import Background
from app.notices import Notices
from app.paths import dictations_dir, is_file
from app.recording_options import usable_models
from app.recordings import Recordings
from app.session import Recording, State
from app.widgets import dialogs, engine_texts
from app.widgets.appearance import BUTTON_ICON_SIZE, Appearance
from app.widgets.dictation_menu import DictationMenu
from app.widgets.dictation_panel import DictationPanel
from app.widgets.main_window import MainWindow
from app.widgets.message_bar import Saying
from app.widgets.texts import on_language_change
from gpu.errors import ExplainedError
from gpu.types import TranscribeOptions

TICK_MS = 50
LOOK_MS = 1000


class DictationDesk(QObject):
    """Shows in the window how a dictation stands, and does what is wanted there."""

    _not_appended = Signal(Exception)

    def __init__(
        self, window: MainWindow, dictation: Dictation, recordings: Recordings, appearance: Appearance, notices: Notices
    ) -> None:
        super().__init__(window)
        self._window, self._dictation, self._recordings = window, dictation, recordings
        self._appearance, self._notices = appearance, notices
        self._background = Background(self)
        self._file: DictationFile | None = None
        self._last: Recording | None = None  # that was dictated
        self._is_active = False
        self._lost_s = 0.0
        self._watch: PulseWatch | None = None
        self._sources: tuple[Source, ...] = ()
        self._found: list[Microphone] = []
        self.panel = DictationPanel(appearance, window)  # so that it ends with the window, shown or not
        self.panel.hide()
        self.menu = DictationMenu(window.menuBar(), window.actions_.view_menu, self)
        self.button = QPushButton()
        self.button.setCheckable(True)
        self.button.setIconSize(BUTTON_ICON_SIZE)
        window.add_to_top(self.button)
        window.losses.append(self._loss)
        self._tick = QTimer(self, interval=TICK_MS)
        self._look = QTimer(self, interval=LOOK_MS)
        self._connect()
        self._show_choice()
        self._retranslate()
        self._update_icons()
        self.panel.show_done(has_text=False, has_sound=False)
        on_language_change(window, self._retranslate)

    def stop(self) -> None:
        """The program ends."""
        self._tick.stop()
        self._stop_looking()
        if self._file is not None:
            self._file.close()
        self._dictation.close()

    def show(self, shown: bool = True) -> None:
        """The panel, in the place of the recording."""
        self._window.cover(self.panel if shown else None)
        self.button.setChecked(shown)
        self.menu.show_panel.setChecked(shown)
        if shown:
            self.panel.record.setFocus()

    def _connect(self) -> None:
        panel, menu, dictation = self.panel, self.menu, self._dictation
        for signal, slot in (
            (panel.toggled, dictation.toggle),
            (panel.pause_wanted, dictation.pause),
            (panel.discard_wanted, dictation.discard),
            (panel.copy_wanted, self._copy),
            (panel.close_wanted, partial(self.show, False)),
            (panel.microphone_chosen, self._choose_microphone),
            (panel.refresh_wanted, self._find_microphones),
            (panel.source_chosen, self._choose_source),
            (panel.language_chosen, lambda code: dictation.set_language(code or None)),
            (panel.keep_chosen, lambda keep: self._choose(keep_sound=keep)),
            (panel.append_chosen, self._choose_append),
            (panel.file_wanted, self._ask_for_file),
            (panel.again_wanted, self._transcribe_again),
            (panel.models_wanted, self._find_models),
            (panel.became_visible, self._on_visible),
            (menu.show_panel.triggered, self.show),
            (menu.toggle.triggered, lambda: self._toggle()),
            (menu.pause.triggered, lambda: dictation.pause()),
            (menu.discard.triggered, lambda: dictation.discard()),
            (menu.copy.triggered, lambda: self._copy()),
            (menu.toggle.changed, self._show_key),
            (self.button.clicked, self.show),
            (self._window.recording_picked, lambda: self.show(False)),
            (dictation.state_changed, self._show_state),
            (dictation.tentative_changed, panel.text.show_tentative),
            (dictation.committed, self._take_words),
            (dictation.gap, self._take_gap),
            (dictation.finished, self._finish),
            (dictation.failed, self._tell_failed),
            (self._recordings.restored, self._offer_rest),
            (self._tick.timeout, self._show_figures),
            (self._look.timeout, self._look_for_changes),
            (self._appearance.changed, self._update_icons),
            (self._not_appended, self._notices.tell_failure),
        ):
            signal.connect(slot)

    # ------------------------------------------------------------- how it stands

    def _show_state(self, state: DictationState) -> None:
        began, self._is_active = state.is_active and not self._is_active, state.is_active
        self.panel.show_phase(state.phase)
        self.menu.show_active(state.is_active)
        trouble = state.trouble
        self.panel.lights.show_state(
            voice=state.voice,
            transcribing=state.transcribing,
            stalled=trouble is not None and trouble.kind in ("stalled", "gone", "suspended"),
        )
        self.panel.show_heard_language(state.language if self._dictation.choice.language is None else None)
        if began:
            self._begin()
        if trouble is not None and (self.panel.notice.isHidden() or self.panel.notice.property("of") != trouble.kind):
            self.panel.notice.setProperty("of", trouble.kind)
            self.panel.notice.say(
                "warning",
                lambda: Saying(engine_texts.translated(trouble.message), engine_texts.translated(trouble.remedy)),
            )
        elif trouble is None and self.panel.notice.property("of"):
            self.panel.notice.setProperty("of", "")
            self.panel.notice.hide()
        self._retranslate()

    def _begin(self) -> None:
        self._lost_s = 0.0
        self._last = self._dictation.recording
        self.panel.text.begin()
        self.panel.notice.hide()
        self.panel.show_done(has_text=False, has_sound=False)
        self._tick.start()
        choice = self._dictation.choice
        if choice.append and choice.append_to:
            self._file = DictationFile(Path(choice.append_to), datetime.now(), self._not_appended.emit)

    def _show_figures(self) -> None:
        dictation = self._dictation
        self.panel.show_level(dictation.level_db if dictation.state.phase == "listening" else -1000.0)
        self.panel.show_figures(dictation.elapsed_s, dictation.lag_s, self._lost_s, dictation.state.step_s)
        self._show_button()

    def _take_words(self, words: str) -> None:
        self.panel.text.commit(words)
        self.panel.show_done(has_text=True, has_sound=False)
        if self._file is not None:
            self._file.add(words)

    def _take_gap(self, start_s: float, end_s: float) -> None:
        """Marked where the text is by now."""
        self._lost_s += end_s - start_s
        mark = self._dictation.gap_text(end_s - start_s)
        self.panel.text.commit(mark)
        if self._file is not None:
            self._file.add(mark)

    def _toggle(self) -> None:
        """By key or menu: who begins here wants to see it."""
        if not self._dictation.state.is_active:
            self.show()
        self._dictation.toggle()

    def _finish(self, text: str) -> None:
        self._tick.stop()
        self._show_figures_at_end()
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._last is not None and self._recordings.session.recording(self._last.job_id) is not self._last:
            self._last = None  # nothing was said, or it was not wanted
            self.panel.text.begin()
            text = ""
        has_sound = self._last is not None and is_file(self._last.path) and self._dictation.choice.keep_sound
        self.panel.show_done(has_text=bool(text), has_sound=has_sound)

    def _show_figures_at_end(self) -> None:
        stats = self._last.stats if self._last is not None else None
        self.panel.show_figures(stats.audio_s if stats is not None else 0.0, 0.0, self._lost_s, 0.0)
        self._show_button()

    def _tell_failed(self, error: Exception) -> None:
        if not isinstance(error, ExplainedError):
            self._notices.tell_failure(error)
            return
        said = error
        self.panel.notice.setProperty("of", "")
        self.panel.notice.say(
            "error", lambda: Saying(engine_texts.translated(said.message), engine_texts.translated(said.remedy))
        )
        self.show()

    # ------------------------------------------------------------- what is chosen

    def _choose(self, **chosen: object) -> None:
        self._dictation.choice = replace(self._dictation.choice, **chosen)  # type: ignore[arg-type]
        self._show_choice()

    def _show_choice(self) -> None:
        choice = self._dictation.choice
        self.panel.choose(
            choice.source, choice.language, keep=choice.keep_sound, append=choice.append, file=choice.append_to
        )
        self._show_microphones(self._found)

    def _choose_microphone(self, key: str) -> None:
        name = next((microphone.name for microphone in self._found if microphone.key == key), "")
        self._choose(microphone=key, microphone_name=name)
        self._dictation.listen_elsewhere()

    def _choose_source(self, source: str) -> None:
        self._choose(source=source)
        self._dictation.listen_elsewhere()

    def _choose_append(self, wanted: bool) -> None:
        self._choose(append=wanted)
        if wanted and not self._dictation.choice.append_to:
            self._ask_for_file()

    def _ask_for_file(self) -> None:
        path = self._dictation.choice.append_to
        dialogs.ask_appended_file(self._window, Path(path or Path.home() / "dictation.txt"), self._take_file)

    def _take_file(self, path: str) -> None:
        self._choose(append=True, append_to=path)

    # ------------------------------------------------------------- microphones

    def _on_visible(self, visible: bool) -> None:
        self._show_choice()
        if visible:
            self._find_microphones()
            self._watch = self._watch or PulseWatch()
            self._look.start()
        else:
            self._stop_looking()

    def _stop_looking(self) -> None:
        self._look.stop()
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _look_for_changes(self) -> None:
        """Somebody has plugged something in, or pulled it out."""
        facts = self._watch.fresh if self._watch is not None else None
        sources = tuple(replace(source, suspended=False) for source in facts.sources) if facts is not None else ()
        if sources != self._sources:
            self._sources = sources
            self._find_microphones()

    def _find_microphones(self) -> None:
        self._background.run(microphones, self._show_microphones, self._tell_failed)

    def _show_microphones(self, found: list[Microphone]) -> None:
        self._found = found
        choice = self._dictation.choice
        if not self.panel.microphones.view().isVisible():
            names = [(microphone.key, microphone.name) for microphone in found]
            default = next((microphone.name for microphone in found if microphone.is_default), "")
            self.panel.show_microphones(names, default, choice.microphone, choice.microphone_name)

    # ------------------------------------------------------------- what was dictated

    def _copy(self) -> None:
        if text := self._dictation.text.strip():
            QGuiApplication.clipboard().setText(text)
            self._notices.tell_copied()

    def _find_models(self) -> None:
        self.panel.show_models([])
        self._background.run(usable_models, self.panel.show_models, self._notices.tell_failure)

    def _transcribe_again(self, model: Path | None) -> None:
        if self._last is None:
            return
        options = TranscribeOptions(language=self._last.transcript.language, hotwords=self._last.options.hotwords)
        [again] = self._recordings.add_again([self._last], options)
        if model is not None:
            self._recordings.set_options([(again, options, model)])
        self.show(False)
        self._window.recordings_view.select(again)
        self._window.update_state()

    def _offer_rest(self, recordings: list[Recording]) -> None:
        """Of one that the last start did not finish."""
        folder = dictations_dir()
        cut_short = [r for r in recordings if r.state is State.PAUSED and r.path.parent == folder and is_file(r.path)]
        if not cut_short:
            return

        def compose() -> Saying:
            settled = cut_short[-1].stats.settled_s if cut_short[-1].stats is not None else 0.0
            words = self.tr("Its words are in the list up to {time}; the rest can be had from its sound.")
            return Saying(
                self.tr("The program ended in the middle of a dictation"),
                words.format(time=clock(settled)),
                self.tr("Transcribe the rest"),
            )

        def resume() -> None:
            there = [r for r in cut_short if r.state is State.PAUSED and r in self._recordings.session.recordings]
            self._recordings.resume(*there)
            self._window.message_bar.hide()

        self._window.recordings_view.select(cut_short[-1])
        self._window.message_bar.say("warning", compose, resume)

    def _loss(self) -> dialogs.Question | None:
        if not self._dictation.state.is_active:
            return None
        return dialogs.Question(
            self.tr("A dictation goes on."),
            self.tr("If you quit now, its words and its sound stay; the rest is offered at the next start."),
            self.tr("Quit"),
            self.tr("Keep working"),
        )

    # ------------------------------------------------------------- words

    def _show_button(self) -> None:
        active = self._dictation.state.is_active
        text = self.tr("Dictate") if not active else self.tr("Dictating {time}")
        text = text.format(time=clock(self._dictation.elapsed_s))
        if text != self.button.text():
            self.button.setText(text)

    def _show_key(self) -> None:
        key = self.menu.toggle.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.panel.show_key(key)
        self.button.setToolTip(self.tr("Speak, and see it written"))

    def _retranslate(self) -> None:
        self.menu.retranslate()
        self._show_button()
        self._show_key()

    def _update_icons(self) -> None:
        self.button.setIcon(self._appearance.button_icon("microphone", self._appearance.colors.text))
