"""Dictation: a microphone, the engine, and the list of recordings, in which every word is kept as it is committed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.capture.errors import CaptureError
from app.capture.listener import Listener
from app.capture.states import CaptureState, Gap
from app.capture.stream import Choice
from app.dictation_settings import DictationSettings
from app.document.live_text import LiveText
from app.engine.background import Background
from app.engine.live import Dictate, LiveEnded, LiveFailed, LiveMessage, LiveSaid, Progress
from app.engine.service import machine_memory
from app.engine.thread import EngineThread
from app.paths import dictations_dir
from app.recordings import Recordings
from app.session import Recording
from app.settings import Settings
from gpu.types import (
    Committed,
    Final,
    LanguageDetected,
    LiveEvent,
    LivePace,
    RunStats,
    Segment,
    Speaking,
    Tentative,
    TranscribeOptions,
    Word,
)

Phase = Literal["idle", "starting", "listening", "paused", "stopping"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DictationState:
    """How a dictation stands.

    Attributes:
        voice: somebody speaks.
        transcribing: words of it are worked out.
        device: what is to be said of the microphone; `is_trouble` where nothing or little is heard.
        language: its code, once it is known.
        step_s: from one reading to the next, on this machine.
    """

    phase: Phase = "idle"
    voice: bool = False
    transcribing: bool = False
    device: CaptureState | None = None
    language: str | None = None
    step_s: float = 0.0

    @property
    def is_active(self) -> bool:
        return self.phase != "idle"

    @property
    def trouble(self) -> CaptureState | None:
        """Why nothing is heard: `message` and `remedy`; None if all is well."""
        return self.device if self.device is not None and self.device.is_trouble else None


class _Run:
    """One dictation, from its start to its end."""

    def __init__(self, recording: Recording, listener: Listener, sound: Path, language: str | None) -> None:
        self.recording, self.listener, self.sound = recording, listener, sound
        self.text = LiveText(language)
        self.progress = Progress()
        self.read_s = 0.0  # up to where it was read
        self.cost_s = 0.0  # of all readings
        self.heard_voice = self.unwanted = False
        self.failure: Exception | None = None


class Dictation(QObject):
    """One at a time. Files that are transcribed wait meanwhile, and go on behind it.

    Signals:
        state_changed: a `DictationState`.
        tentative_changed: the words that may still change; each text replaces the one before.
        committed: new words, which do not change any more.
        utterance_ended: all that was said between two pauses, when it is committed.
        gap: sound was lost, from, to (seconds of the sound).
        finished: all that was said. Once for every dictation.
        failed: why it ended by itself; `finished` follows.
    """

    state_changed = Signal(object)
    tentative_changed = Signal(str)
    committed = Signal(str)
    utterance_ended = Signal(str)
    gap = Signal(float, float)
    finished = Signal(str)
    failed = Signal(Exception)

    def __init__(
        self, recordings: Recordings, engine: EngineThread, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._recordings, self._engine, self._settings = recordings, engine, settings
        self._background = Background(self)
        self._state = DictationState()
        self._run: _Run | None = None
        self._last_text = ""
        self._start_later = False
        engine.live.connect(self._take)
        recordings.live_end_wanted.connect(self.stop)
        for signal in (recordings.restored, recordings.not_kept):
            signal.connect(self._on_list_there)

    @property
    def state(self) -> DictationState:
        return self._state

    @property
    def choice(self) -> DictationSettings:
        """What is used from the next start on; the language at once, see `set_language`."""
        return self._settings.dictation

    @choice.setter
    def choice(self, value: DictationSettings) -> None:
        self._settings.dictation = value

    @property
    def recording(self) -> Recording | None:
        """The one that is being spoken."""
        return self._run.recording if self._run is not None else None

    @property
    def text(self) -> str:
        """What has been committed of this dictation, or of the last one."""
        return self._run.text.text if self._run is not None else self._last_text

    @property
    def elapsed_s(self) -> float:
        """Length of the sound, without pauses."""
        return self._run.listener.heard_s if self._run is not None else 0.0

    @property
    def level_db(self) -> float:
        return self._run.listener.level_db if self._run is not None else -120.0

    @property
    def lag_s(self) -> float:
        """How far what was read is behind what was heard."""
        run = self._run
        if run is None:
            return 0.0
        read_s = run.read_s if self._state.voice else run.progress.fed_s
        return max(run.listener.heard_s - read_s, 0.0)

    def gap_text(self, seconds: float) -> str:
        """What stands in the text for sound that is lost."""
        return self.tr(" [{seconds} s of sound are missing]").format(seconds=f"{seconds:.1f}")

    def start(self) -> None:
        """Begin, unless there is one. The microphone is heard at once, also while the model is still being loaded."""
        if self._run is not None:
            return
        if self._recordings.is_opening:
            self._start_later = True
        else:
            self._begin()

    def _begin(self) -> None:
        choice = self.choice
        options = TranscribeOptions(language=choice.language, hotwords=self._settings.options.hotwords)
        name = self.tr("Dictation {date}").format(date=f"{datetime.now():%Y-%m-%d %H-%M-%S}")
        sound = dictations_dir() / f"{name}.flac"
        listener = Listener(_heard(choice), sound, patient=True)
        listener.start()
        recording = self._recordings.begin_live(sound, options)
        run = self._run = _Run(recording, listener, sound, choice.language)
        _log.info("dictation begins: %r", str(sound))
        self._recordings.hold()
        self._engine.submit(Dictate(recording.job_id, options, listener.take_or_end, run.progress))
        self._show(replace(DictationState(), phase="starting", language=choice.language))

    def stop(self) -> None:
        """Finish what is being said, and end."""
        self._start_later = False
        if self._run is not None and self._state.phase != "stopping":
            self._run.listener.stop()
            self._show(replace(self._state, phase="stopping"))

    def toggle(self) -> None:
        if self._run is None:
            self.start()
        else:
            self.stop()

    def pause(self) -> None:
        """Let the microphone go, or take it again."""
        if self._run is None or self._state.phase == "stopping":
            return
        paused = self._state.phase != "paused"
        self._run.listener.pause(paused)
        self._show(replace(self._state, phase="paused" if paused else "listening"))

    def discard(self) -> None:
        """End it, and forget what was said, with its sound."""
        if self._run is not None:
            self._run.unwanted = True
            self._run.listener.stop()
            self._engine.cancel(self._run.recording.job_id)
            self._show(replace(self._state, phase="stopping"))

    def set_language(self, language: str | None) -> None:
        """From now on; None: it is detected, in what is said next."""
        self.choice = replace(self.choice, language=language)
        if self._run is not None:
            self._run.text.language = language
            self._run.progress.languages.put(language)
            self._show(replace(self._state, language=language))

    def listen_elsewhere(self) -> None:
        """To what is chosen now, from now on."""
        if self._run is not None:
            self._run.listener.choose(_heard(self.choice))

    def close(self) -> None:
        """The program ends: the sound is complete on the disk, and what was said of it is offered at the next start."""
        if self._run is not None:
            self._run.listener.stop()
            self._run.listener.wait(1.0)

    # ------------------------------------------------------------- what the engine says

    def _take(self, message: LiveMessage) -> None:
        run = self._run
        if run is None or message.job_id != run.recording.job_id:
            return
        match message:
            case LiveSaid(event=event):
                self._take_event(run, event)
            case LiveEnded():
                self._finish(run)
            case LiveFailed(message=said, remedy=remedy):
                run.failure = CaptureError(said, remedy=remedy)
                run.listener.stop()
                self._finish(run)

    def _take_event(self, run: _Run, event: LiveEvent | Gap | CaptureState) -> None:
        match event:
            case CaptureState():
                self._take_device(event)
            case Committed(words):
                self._commit(run, words)
            case Final(words, end):
                self._commit(run, words)
                run.read_s = end
                self._end_utterance(run)
            case Tentative(words, heard_s):
                run.read_s = heard_s
                self.tentative_changed.emit("".join(word.word for word in words))
            case Speaking(speaking, at):
                run.heard_voice = True
                run.read_s = max(run.read_s, at)
                self._show(replace(self._state, voice=speaking, transcribing=self._state.transcribing and speaking))
            case LivePace(cost_s, step_s):
                run.cost_s += cost_s
                self._show(replace(self._state, transcribing=True, step_s=step_s))
            case LanguageDetected(language, probability):
                run.text.language = language
                self._recordings.set_live_language(run.recording, language, probability)
                self._show(replace(self._state, language=language))
            case Gap(start_s, end_s):
                text = self.gap_text(end_s - start_s)
                self._keep(run, run.text.add_gap(start_s, end_s, text, speaking=self._state.voice))
                self.gap.emit(start_s, end_s)

    def _take_device(self, device: CaptureState) -> None:
        phase = self._state.phase
        if phase == "starting" and device.kind != "opening":
            phase = "listening"
        self._show(replace(self._state, phase=phase, device=device))

    def _commit(self, run: _Run, words: Sequence[Word]) -> None:
        if words:
            self._keep(run, run.text.add(words))
            self.committed.emit("".join(word.word for word in words))

    def _end_utterance(self, run: _Run) -> None:
        said = run.text.utterance
        self._keep(run, run.text.end_utterance())
        self.tentative_changed.emit("")
        self._show(replace(self._state, transcribing=False))
        if said:
            self.utterance_ended.emit(said)

    def _keep(self, run: _Run, segments: Sequence[Segment]) -> None:
        if segments and self._is_there(run):
            settled_s = max(segments[-1].end, run.recording.stats.settled_s if run.recording.stats else 0.0)
            self._recordings.put_live(run.recording, segments, self._stats(run, segments[-1].id + 1, settled_s))

    def _stats(self, run: _Run, n_segments: int, settled_s: float) -> RunStats:
        heard_s = run.listener.heard_s
        memory = machine_memory()
        return RunStats(min(settled_s, heard_s), heard_s, run.cost_s, 0, 0, 0, memory, n_segments, settled_s)

    def _is_there(self, run: _Run) -> bool:
        """Nobody has removed it from the list."""
        return self._recordings.session.recording(run.recording.job_id) is run.recording

    # ------------------------------------------------------------- the end

    def _finish(self, run: _Run) -> None:
        self._run, self._last_text = None, run.text.text
        run.listener.stop()  # where the engine ended first
        failure = run.failure or run.listener.failure
        complete = failure is None and run.progress.fed_s >= run.listener.heard_s - 0.1
        if self._is_there(run):
            nothing = not run.heard_voice and not run.text.text and failure is None
            goes = run.unwanted or nothing
            if goes:
                self._recordings.remove(run.recording)
            else:
                self._keep_end(run, complete=complete)
            if goes or (complete and not self.choice.keep_sound):
                self._forget_sound(run)
        _log.info("dictation ended, %.1f s, %.1f s lost", run.listener.heard_s, run.listener.lost_s)
        self._recordings.release()
        self.tentative_changed.emit("")
        self._show(DictationState())
        if failure is not None:
            self.failed.emit(failure)
        self.finished.emit(self._last_text)

    def _keep_end(self, run: _Run, *, complete: bool) -> None:
        recording = run.recording
        n_segments = len(recording.transcript.segments)
        settled_s = recording.stats.settled_s if recording.stats is not None else 0.0
        if complete:
            settled_s = run.listener.heard_s
        self._recordings.put_live(recording, [], self._stats(run, n_segments, settled_s))
        self._recordings.end_live(recording, complete=complete)

    def _forget_sound(self, run: _Run) -> None:
        def forget() -> None:
            run.listener.wait(10.0)
            run.sound.unlink(missing_ok=True)

        self._background.run(forget, lambda _none: None, self.failed.emit, must_finish=True)

    def _on_list_there(self) -> None:
        if self._start_later:
            self._start_later = False
            self._begin()

    def _show(self, state: DictationState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)


def _heard(choice: DictationSettings) -> Choice:
    return Choice("" if choice.source == "system" else choice.microphone, choice.source == "system")
