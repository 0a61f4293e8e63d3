"""The command `dictate`: speech in, words out while they are spoken."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.capture.recorder import Recorder
from app.capture.stream import Capture
from app.console import Console, unwritable
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

PAUSE_S = 0.02  # between two looks at the microphone
SLOW_STEP_S = 1.5  # between two readings: worth a word


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
                        console.note(f"{message.model.name} on {message.device.name}; listening, Ctrl-C ends")
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
        decoder = service.live(self.options, CancelToken())
        capture = Capture(self.input_name, system=self.source == "system")
        out = _Output(self.format, console)
        with ExitStack() as opened:
            recorder = opened.enter_context(Recorder(self.save_audio)) if self.save_audio is not None else None
            capture.start()
            opened.callback(capture.stop)
            out.begin()
            lost_s = 0.0
            while not stop.cancelled and (self.duration_s is None or decoder.heard_s < self.duration_s):
                block = capture.read()
                if len(block):
                    if recorder is not None:
                        recorder.write(block)
                    decoder.feed(block)
                if capture.lost_s > lost_s:
                    out.gap(decoder.heard_s, capture.lost_s - lost_s)
                    lost_s = capture.lost_s
                if not out.tell(decoder.step()):
                    time.sleep(PAUSE_S)
            rest = capture.stop()
            if recorder is not None:
                recorder.write(rest)
            decoder.feed(rest)
            out.tell(decoder.finish())
        out.end()
        return 0


class _Output:
    """Text as it settles, or an event a line."""

    def __init__(self, kind: str, console: Console) -> None:
        self._is_text, self._console = kind == "text", console
        self._began = 0.0
        self._in_line = False
        self._told_slow = False

    def begin(self) -> None:
        self._began = time.monotonic()

    def tell(self, events: Iterable[LiveEvent]) -> bool:
        """Whether there were any."""
        told = False
        for event in events:
            told = True
            if self._is_text:
                self._tell_text(event)
            else:
                self._tell_json(event)
        return told

    def gap(self, at_s: float, seconds: float) -> None:
        if self._is_text:
            self._write(f" [{seconds:.1f} s lost]")
        else:
            self._event("gap", "", at_s, at_s + seconds)

    def end(self) -> None:
        if self._in_line:
            self._write("\n")
            self._in_line = False

    def _tell_text(self, event: LiveEvent) -> None:
        match event:
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

    def _tell_json(self, event: LiveEvent) -> None:
        match event:
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

    def _event(self, kind: str, text: str, start: float, end: float) -> None:
        at = time.monotonic() - self._began
        event = {"type": kind, "text": text, "start": round(start, 3), "end": round(end, 3), "time": round(at, 3)}
        self._write(json.dumps(event, ensure_ascii=False) + "\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
