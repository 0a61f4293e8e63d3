"""Speech as it is spoken, on the engine's thread: what was heard goes in, words come out. Qt-free."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.capture.states import CaptureState, Gap, Heard
from app.engine.service import EngineService
from gpu.cancel import CancelToken
from gpu.types import Committed, Final, LiveEvent, Speaking, Tentative, TranscribeOptions, Word, Words

PAUSE_S = 0.03  # between two looks at what was heard
PIECE = 8_000  # samples that are taken at a time where many wait: an end of speech is not run over


@dataclass
class Progress:
    """How far a dictation is. Written by the engine's thread, read by others.

    Attributes:
        fed_s: of the sound that was looked at.
        languages: chosen while it goes on; None: to be detected.
    """

    fed_s: float = 0.0
    languages: SimpleQueue[str | None] = field(default_factory=SimpleQueue)


@dataclass(frozen=True)
class Dictate:
    """A job: words from what is being heard. `job_id` is the caller's, unique in its session.

    `take`: what was heard since; None: that was all. Called on the engine's thread.
    """

    job_id: int
    options: TranscribeOptions
    take: Callable[[], Sequence[Heard] | None]
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True)
class LiveSaid:
    """Something a dictation has to say. Times are of the sound."""

    job_id: int
    event: LiveEvent | Gap | CaptureState


@dataclass(frozen=True)
class LiveEnded:
    job_id: int


@dataclass(frozen=True)
class LiveFailed:
    """It ended with an error; what was committed before stands."""

    job_id: int
    kind: str
    message: Words
    remedy: Words


LiveMessage = LiveSaid | LiveEnded | LiveFailed


def dictate(service: EngineService, job: Dictate, cancel: CancelToken) -> Iterator[LiveEvent | Gap | CaptureState]:
    """What comes of a dictation, until nothing more is heard.

    Raises:
        EngineError: there is no model, or it fails. Cancelled: it was told to end at once.
    """
    decoder = service.live(job.options, cancel)
    offset_s = 0.0  # where this decoder began
    while (heard := job.take()) is not None:
        told = False
        for item in _pieces(heard):
            cancel.check()
            if isinstance(item, Gap | CaptureState):
                yield item
                continue
            decoder.feed(item)
            job.progress.fed_s = offset_s + decoder.heard_s
            for event in decoder.step() if len(item) == PIECE else ():
                yield _moved(event, offset_s)
        if (chosen := _chosen_language(job)) is not ...:
            for event in decoder.finish():
                yield _moved(event, offset_s)
            offset_s += decoder.heard_s
            decoder = service.live(replace(job.options, language=chosen), cancel)
        for event in decoder.step():
            told = True
            yield _moved(event, offset_s)
        if not told:
            time.sleep(PAUSE_S)
    for event in decoder.finish():
        yield _moved(event, offset_s)


def _pieces(heard: Sequence[Heard]) -> Iterator[Heard]:
    """The same, with the sound between two messages in full pieces and a rest."""
    blocks: list[NDArray[np.float32]] = []
    for item in [*heard, None]:
        if isinstance(item, np.ndarray):
            blocks.append(item)
            continue
        if blocks:
            sound = np.concatenate(blocks)
            yield from (sound[first : first + PIECE] for first in range(0, len(sound), PIECE))
            blocks = []
        if item is not None:
            yield item


def _chosen_language(job: Dictate) -> Any:
    """The latest choice, None for detecting it; `...`: there was none."""
    chosen: Any = ...
    while True:
        try:
            chosen = job.progress.languages.get_nowait()
        except Empty:
            return chosen


def _moved(event: LiveEvent, by_s: float) -> LiveEvent:
    if not by_s:
        return event
    match event:
        case Committed(words):
            return Committed(_later(words, by_s))
        case Tentative(words, heard_s):
            return Tentative(_later(words, by_s), heard_s + by_s)
        case Final(words, end):
            return Final(_later(words, by_s), end + by_s)
        case Speaking(speaking, at):
            return Speaking(speaking, at + by_s)
        case _:
            return event


def _later(words: tuple[Word, ...], by_s: float) -> tuple[Word, ...]:
    return tuple(replace(word, start=word.start + by_s, end=word.end + by_s) for word in words)
