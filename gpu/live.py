"""Speech as it is spoken: words that are settled, and those that may still change.

The method is LocalAgreement (Macháček et al., arXiv:2307.14743): what two successive readings agree on is committed.
Ours decodes nothing twice that is committed: those words are given to the decoder as the beginning of its answer, so it
can only go on from there, and none of them is ever rewritten. Only the utterance that is being spoken is encoded, with
a few seconds of silence behind it instead of the 30 s that the model was trained with.

Silero VAD opens an utterance and ends it. What the step costs is measured: a slow machine looks less often, so that it
lags by a step, and never by more and more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gpu.audio import SAMPLE_RATE
from gpu.backends.base import Floats
from gpu.cancel import CancelToken
from gpu.live_reading import LiveReader, LiveWord
from gpu.transcribe import LoadedModel
from gpu.types import (
    Committed,
    Final,
    LiveEvent,
    LivePace,
    Speaking,
    Tentative,
    TranscribeOptions,
    Word,
)
from gpu.vad import CHUNK

SPEECH, SILENCE = 0.5, 0.35  # probabilities: above it is speech, below it is none
_SECOND = SAMPLE_RATE


@dataclass(frozen=True)
class LiveOptions:
    """All in seconds.

    Attributes:
        opens: so much speech opens an utterance. pre_roll: of sound before it that belongs to it.
        step: between two readings, at least; longer where a reading takes longer.
        slack: the step is this many times what a reading costs.
        holdback: words that end less than this before what has been heard are not committed.
        sure: words this far back are committed though they were read only once.
        first_end: of silence after which the end is read. last_end: of silence that ends an utterance.
        trim: of an utterance that is forgotten where a sentence ends in it. most: that is forgotten anywhere.
        silence, final_silence: encoded behind the speech while it goes on, and at its end.
    """

    opens: float = 0.25
    pre_roll: float = 0.3
    step: float = 0.5
    slack: float = 1.3
    holdback: float = 0.4
    sure: float = 1.2
    first_end: float = 0.2
    last_end: float = 0.4
    trim: float = 12.0
    most: float = 20.0
    silence: float = 3.0
    final_silence: float = 3.0


DEFAULTS = LiveOptions()


@dataclass
class _Utterance:
    """What is being said. In samples since the start.

    Attributes:
        start: of what is still being read. speech_end: where speech was last heard.
        heard: up to where it was read last. finished: a reading of the end, for a `speech_end`.
        committed: words of it that are settled, still being read; given: their tokens.
        read: the latest reading behind those.
    """

    start: int
    speech_end: int
    heard: int
    committed: list[LiveWord]
    read: list[LiveWord]
    finished: int = -1

    @property
    def given(self) -> list[int]:
        return [token for word in self.committed for token in word.tokens]


class LiveDecoder:
    """One stream of speech. Belongs to the engine's thread.

    `feed` what was heard, then `step` until it yields nothing; `finish` at the end. Times are seconds of what was fed.
    """

    def __init__(
        self,
        model: LoadedModel,
        options: TranscribeOptions,
        cancel: CancelToken,
        live: LiveOptions = DEFAULTS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._reader = LiveReader(model, options, cancel)
        self._live, self._clock = live, clock
        self._vad = model.vad.stream()
        self._audio = np.zeros(0, np.float32)  # from `_first` on
        self._first = self._n_heard = self._n_chunks = 0
        self._speech_chunks = 0  # at the end of what was heard, pauses of a chunk forgiven
        self._utterance: _Utterance | None = None
        self._opened = False  # and nobody was told
        self._not_before = 0  # a pre-roll never reaches into the utterance before
        self._next_step = 0
        self._cost_s = 0.0

    @property
    def heard_s(self) -> float:
        return self._n_heard / _SECOND

    def feed(self, block: Floats) -> None:
        """(n,) float32 mono 16 kHz, what comes next. Cheap: hears whether it is speech, nothing else."""
        self._audio = np.concatenate([self._audio, block])
        self._n_heard += len(block)
        for probability in self._vad.feed(block):
            self._n_chunks += 1
            self._hear(float(probability), self._n_chunks * CHUNK)
        self._forget()

    def step(self) -> Iterator[LiveEvent]:
        """Do what is due now, one reading at the most; nothing: there is none."""
        utterance = self._utterance
        if utterance is None:
            return
        yield from self._reader.news()
        if self._opened:
            self._opened = False
            yield Speaking(True, utterance.start / _SECOND)
        silence = self._n_heard - utterance.speech_end
        if silence >= self._samples(self._live.last_end):
            yield from self._end(utterance)
        elif silence >= self._samples(self._live.first_end):
            if utterance.finished != utterance.speech_end:
                yield from self._read(utterance, ending=True)
        elif self._n_heard >= self._next_step:
            yield from self._read(utterance, ending=False)

    def finish(self) -> Iterator[LiveEvent]:
        """The end of what there is to hear."""
        if self._utterance is not None:
            yield from self._end(self._utterance)

    # ------------------------------------------------------------- what is heard

    def _hear(self, probability: float, end: int) -> None:
        """A chunk of 32 ms that ends there."""
        is_speech = probability > (SILENCE if self._utterance is not None or self._speech_chunks else SPEECH)
        if self._utterance is not None:
            if is_speech:
                self._utterance.speech_end = end
            return
        self._speech_chunks = self._speech_chunks + 1 if is_speech else 0
        if self._speech_chunks * CHUNK >= self._samples(self._live.opens):
            start = end - self._speech_chunks * CHUNK - self._samples(self._live.pre_roll)
            start = max(start, self._not_before, self._first)
            self._utterance = _Utterance(start, end, start, [], [])
            self._speech_chunks = 0
            self._opened = True
            self._next_step = start + self._samples(self._live.pre_roll + self._live.step)

    def _forget(self) -> None:
        """Sound nobody will read again."""
        kept = self._samples(self._live.pre_roll + self._live.opens) + CHUNK
        first = self._utterance.start if self._utterance is not None else max(self._n_heard - kept, self._not_before)
        if first - self._first > _SECOND:
            self._audio = self._audio[first - self._first :].copy()
            self._first = first

    # ------------------------------------------------------------- what is read

    def _read(self, utterance: _Utterance, *, ending: bool) -> Iterator[LiveEvent]:
        began = self._clock()
        heard = self._n_heard
        words = self._words(utterance, heard, ending=ending)
        settled = self._settled(utterance, words, heard)
        utterance.committed += words[:settled]
        utterance.read, utterance.heard = words[settled:], heard
        if ending:
            utterance.finished = utterance.speech_end
        yield from self._reader.news()
        if settled:
            yield Committed(tuple(self._placed(utterance, words[:settled])))
        yield Tentative(tuple(self._placed(utterance, words[settled:])), heard / _SECOND)
        self._trim(utterance)
        self._cost_s = self._clock() - began
        step_s = max(self._live.step, self._live.slack * self._cost_s)
        self._next_step = heard + self._samples(step_s)
        yield LivePace(self._cost_s, step_s)

    def _end(self, utterance: _Utterance) -> Iterator[LiveEvent]:
        """All words are settled; the next utterance begins anew."""
        if utterance.finished != utterance.speech_end:
            words = self._words(utterance, self._n_heard, ending=True)
            yield from self._reader.news()
        else:
            words = utterance.read
        self._reader.said(utterance.given + [token for word in words for token in word.tokens])
        self._utterance, self._not_before = None, min(utterance.speech_end + self._samples(0.1), self._n_heard)
        yield Final(tuple(self._placed(utterance, words)), utterance.speech_end / _SECOND)
        yield Speaking(False, self.heard_s)

    def _words(self, utterance: _Utterance, heard: int, *, ending: bool) -> list[LiveWord]:
        """What is said behind the committed words."""
        last = min(heard, utterance.speech_end + self._samples(0.2)) if ending else heard
        audio = self._audio[utterance.start - self._first : last - self._first]
        behind = self._live.final_silence if ending else self._live.silence
        return self._reader.read(audio, behind, utterance.given)

    def _settled(self, utterance: _Utterance, words: Sequence[LiveWord], heard: int) -> int:
        """How many of the words just read are settled."""
        length = (heard - utterance.start) / _SECOND
        agreed = 0
        for old, new in zip(utterance.read, words, strict=False):
            if old.key != new.key:
                break
            agreed += 1
        held = next((i for i, word in enumerate(words) if word.end > length - self._live.holdback), len(words))
        sure = next((i for i, word in enumerate(words) if word.end > length - self._live.sure), len(words))
        return max(min(agreed, held), sure)

    def _trim(self, utterance: _Utterance) -> None:
        """Leave behind what is settled of a long utterance: it costs time at every step."""
        length = (utterance.heard - utterance.start) / _SECOND
        if length < self._live.trim or not utterance.committed:
            if length >= self._live.most:  # nothing is agreed on: what was read last stands
                utterance.committed, utterance.read = utterance.committed + utterance.read, []
            else:
                return
        cut = next((i for i, word in reversed(list(enumerate(utterance.committed))) if word.ends_sentence), None)
        if cut is None or (length >= self._live.most and utterance.committed[cut].end < length / 2):
            cut = len(utterance.committed) - 1
        left = utterance.committed[: cut + 1]
        self._reader.said([token for word in left for token in word.tokens])
        moved = round(left[-1].end * _SECOND)
        utterance.start += moved
        by = moved / _SECOND
        utterance.committed = [word.moved(-by) for word in utterance.committed[cut + 1 :]]
        utterance.read = [word.moved(-by) for word in utterance.read]

    def _placed(self, utterance: _Utterance, words: Sequence[LiveWord]) -> Iterator[Word]:
        begin = utterance.start / _SECOND
        for word in words:
            yield Word(word.text, begin + word.start, begin + word.end, word.probability)

    @staticmethod
    def _samples(seconds: float) -> int:
        return round(seconds * _SECOND)
