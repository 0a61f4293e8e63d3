"""The command `dictate`: speech in, words out while they are spoken."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from app.capture.listener import Listener
from app.capture.states import CaptureState, Gap, Heard
from app.capture.stream import RATE, Choice
from app.console import Console, unwritable
from app.engine.live import Dictate, Progress, dictate
from app.engine.messages import ModelFailed, ModelLoaded
from app.engine.service import EngineService
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, SIGPIPE, cancelling_on_signals
from app.log import start_logging
from gpu.cancel import CancelToken
from gpu.errors import ExplainedError
from gpu.types import (
    Committed,
    Final,
    LanguageDetected,
    LiveEvent,
    LivePace,
    Speaking,
    Tentative,
    TranscribeOptions,
    Word,
)

SLOW_STEP_S = 1.5  # between two readings: worth a word
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class DictateCommand:
    """What was typed, checked. `duration_s`: None until Ctrl-C."""

    options: TranscribeOptions
    model: Path
    device: str
    threads: int | None
    input_name: str
    source: Literal["microphone", "system"]
    duration_s: float | None
    format: Literal["text", "jsonl"]
    save_audio: Path | None

    def run(self) -> int:
        """Until the first Ctrl-C, which finishes what is being said; the exit code."""
        start_logging()
        console, stop = Console(quiet=False), CancelToken()
        service = EngineService(self.model, self.device, self.threads)
        try:
            with cancelling_on_signals(stop):
                for message in service.load():
                    if isinstance(message, ModelFailed):
                        console.error(str(message.path), message.message, message.remedy)
                        return EXIT_FAILED
                    if isinstance(message, ModelLoaded):
                        console.note(f"{message.model.name} on {message.device.name}")
                return self._listen(service, console, stop)
        except ExplainedError as e:
            console.error("dictate", e.message, e.remedy)
            return EXIT_FAILED
        except OSError as e:
            if isinstance(e, BrokenPipeError):
                return EXIT_SIGNAL + SIGPIPE
            console.error("standard output", *unwritable(e))
            return EXIT_FAILED

    def _listen(self, service: EngineService, console: Console, stop: CancelToken) -> int:
        listener = Listener(Choice(self.input_name, self.source == "system"), self.save_audio)
        out, progress = _Output(self.format, console), Progress()

        def take() -> list[Heard] | None:
            if stop.cancelled or (self.duration_s is not None and progress.fed_s >= self.duration_s):
                listener.stop()
            heard = listener.take_or_end()
            out.begin(heard or ())
            return heard

        listener.start()
        try:
            for event in dictate(service, Dictate(0, self.options, take, progress), CancelToken()):
                out.tell(event)
        finally:
            listener.stop()
            listener.wait(5.0)
            out.end()
        if listener.failure is not None:
            raise listener.failure
        return 0


class _Output:
    """Text as it settles, or an event a line."""

    def __init__(self, kind: str, console: Console) -> None:
        self._is_text, self._console = kind == "text", console
        self._began: float | None = None
        self._in_line = False
        self._told_slow = self._was_trouble = False

    def begin(self, heard: Sequence[Heard]) -> None:
        """The time counts from the first sample on."""
        if self._began is None and (blocks := [item for item in heard if isinstance(item, np.ndarray)]):
            self._began = time.monotonic() - sum(map(len, blocks)) / RATE
            self._console.note("listening, Ctrl-C ends")

    def tell(self, event: LiveEvent | Gap | CaptureState) -> None:
        if self._is_text:
            self._tell_text(event)
        else:
            self._tell_json(event)

    def end(self) -> None:
        if self._in_line:
            self._write("\n")
            self._in_line = False

    def _tell_text(self, event: LiveEvent | Gap | CaptureState) -> None:
        match event:
            case Gap(start_s, end_s):
                self._write(f" [{end_s - start_s:.1f} s lost]")
            case CaptureState(is_trouble=True):
                self._console.note(f"{event.message} {event.remedy}")
                self._was_trouble = True
            case CaptureState(kind="listening") if self._was_trouble:
                self._console.note(f"listening to {event.name} again")
                self._was_trouble = False
            case Committed(words):
                self._say(words)
            case Final(words):
                self._say(words)
                self.end()
            case LanguageDetected(language, probability) if probability is not None:
                self._console.note(f"language: {language} ({probability:.0%})")
            case LivePace(step_s=step_s) if step_s > SLOW_STEP_S and not self._told_slow:
                self._told_slow = True
                self._console.note(f"this machine is slow: words come every {step_s:.1f} s; a smaller model helps")

    def _say(self, words: tuple[Word, ...]) -> None:
        text = "".join(word.word for word in words)
        if text:
            self._write(text if self._in_line else text.lstrip())
            self._in_line = True

    def _tell_json(self, event: LiveEvent | Gap | CaptureState) -> None:
        match event:
            case Gap(start_s, end_s):
                self._event("gap", "", start_s, end_s)
            case CaptureState(kind, _name, at_s):
                more = {"message": event.message, "remedy": event.remedy} if event.is_trouble else {}
                self._event("state", f"microphone {kind}", at_s, at_s, more)
            case Committed(words):
                self._words("committed", words)
            case Tentative(words, heard_s):
                self._words("tentative", words, heard_s)
            case Final(words, end):
                self._words("final", words, end)
            case Speaking(speaking, at):
                self._event("state", "speaking" if speaking else "silent", at, at)
            case LanguageDetected(language):
                self._event("state", f"language {language}", 0.0, 0.0)

    def _words(self, kind: str, words: tuple[Word, ...], end: float = 0.0) -> None:
        text = "".join(word.word for word in words)
        self._event(kind, text, words[0].start if words else end, words[-1].end if words else end)

    def _event(self, kind: str, text: str, start: float, end: float, more: Mapping[str, str] = _NOTHING) -> None:
        at = time.monotonic() - self._began if self._began is not None else 0.0
        event = {"type": kind, "text": text, "start": round(start, 3), "end": round(end, 3), "time": round(at, 3)}
        self._write(json.dumps({**event, **more}, ensure_ascii=False) + "\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
