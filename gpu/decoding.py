"""From encoded windows to their tokens: greedy, sampling, beam search and the temperature fallback.

The method is openai/whisper's `decoding.py` and `transcribe.decode_with_fallback`.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np

from gpu.alignment import alignment_matrix
from gpu.backends.base import Backend, Cross, DecodePlan, Decoder, Floats, Prefill, RowParams
from gpu.backends.failover import DeviceSwitched
from gpu.beam_search import Hypothesis, beam_search
from gpu.cancel import CancelToken
from gpu.errors import DeviceMemoryError
from gpu.model_file import ModelDimensions
from gpu.token_rules import TokenRules
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions

_log = logging.getLogger(__name__)

TOKENS_PER_CALL = 8  # between two looks at the cancel flag
SECONDS_PER_TIMESTAMP = 0.02
TOKENS_PER_SECOND = 12  # of text: more than the densest speech has; and of a window ...
SPARE_TOKENS = 50  # ... besides
GREEDILY = RowParams()
MAX_START = 4  # tokens of a prompt beside the context: sot_prev, sot, language, task


Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True)
class DecodedWindow:
    """What a window says.

    Attributes:
        tokens: without eot; logprobs: of each.
        n_fallbacks: decodings that were thrown away for this one.
        is_loop: it would have gone on repeating its end, which was cut off.
        alignment: when each is spoken, see `gpu.alignment.alignment_matrix`; None where words are not to be timed.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    temperature: float
    n_fallbacks: int
    is_loop: bool = False
    alignment: Floats | None = None


class WindowDecoder:
    """Decodes windows one after the other; decoders are opened once and used again.

    Attributes:
        n_decoded: tokens so far, whatever became of them.
    """

    def __init__(
        self,
        backend: Backend,
        dims: ModelDimensions,
        tokenizer: Tokenizer,
        options: TranscribeOptions,
        cancel: CancelToken,
    ) -> None:
        self._backend, self._tokenizer, self._options, self._cancel = backend, tokenizer, options, cancel
        with_context = bool(options.initial_prompt or options.hotwords) or options.condition_on_previous_text
        self._max_context = dims.n_text_ctx // 2 - 1 if with_context else 0
        self._max_prompt = self._max_context + MAX_START
        self._max_tokens = min(dims.n_text_ctx // 2, dims.n_text_ctx - self._max_prompt)
        self._hotwords = tokenizer.encode(" " + options.hotwords.strip()) if options.hotwords else []
        self._rules = TokenRules(
            n_vocab=dims.n_vocab,
            sot=tokenizer.sot,
            eot=tokenizer.eot,
            no_timestamps=tokenizer.no_timestamps,
            timestamp_begin=tokenizer.timestamp_begin,
            suppressed=tokenizer.suppressed_tokens,
            blank=tokenizer.blank_tokens if options.suppress_blank else (),
            max_initial_timestamp=round(options.max_initial_timestamp_s / SECONDS_PER_TIMESTAMP),
            repetition_penalty=options.repetition_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram_size,
        )
        self._decoders: dict[int, Decoder] = {}
        self.n_decoded = 0

    def language_probabilities(self, cross: Cross) -> Floats:
        """(n_languages,) float32: of all the model knows, as the tokenizer orders them."""
        prefill = self._surely(lambda: self._listen(cross))
        logprobs = prefill.sot_logprobs[list(self._tokenizer.language_tokens)]
        odds = np.exp(logprobs - logprobs.max())
        probabilities: Floats = odds / odds.sum()
        return probabilities

    def _listen(self, cross: Cross) -> Prefill:
        decoder = self._decoder(1)
        prefill = decoder.admit(0, cross, (self._tokenizer.sot,), GREEDILY)
        decoder.retire(0)
        return prefill

    def _surely(self, work: Callable[[], Result]) -> Result:
        """What it gives, on the device that works in the end."""
        try:
            return work()
        except DeviceSwitched:
            self._decoders.clear()
            return work()

    def decode(self, cross: Cross, prompt: Sequence[int], params: RowParams = GREEDILY) -> DecodedWindow:
        """Decode a window, again at the next temperature as long as the result looks like a failure.

        Args:
            params: of its rows, temperature and seed aside.
        """
        return self._surely(lambda: self._climb(cross, prompt, params, 0))

    def batch(self, rows: int) -> WindowBatch[Any] | OneByOne[Any]:
        """A place to decode windows side by side, if greedily."""
        if rows == 1:
            return OneByOne(self)
        return WindowBatch(self, rows)

    def open_batch(self, rows: int) -> tuple[Decoder, int]:
        """A decoder for as many rows as asked for, or as the device can; and how many that is."""
        return self._surely(lambda: self._open_batch(min(rows, self._backend.limits.rows)))

    def _open_batch(self, rows: int) -> tuple[Decoder, int]:
        """With fewer rows where the memory is fuller by now than when the model was loaded."""
        align = self._options.word_timestamps
        plan = DecodePlan(rows, 1, self._rules, self._max_tokens, self._max_prompt, align=align)
        try:
            return self._backend.open(plan, self._cancel), rows
        except DeviceMemoryError as error:
            if rows == 1:
                raise
            _log.warning("%d windows at once instead of %d: %s", rows // 2, rows, error)
        return self._open_batch(rows // 2)

    def check(
        self, cross: Cross, prompt: Sequence[int], params: RowParams, prefill: Prefill, greedy: Hypothesis
    ) -> DecodedWindow:
        """What to make of a window's greedy decoding: itself, or what higher temperatures give."""
        window = self._window(prefill, greedy, 0.0, 0)
        if not self._failed(window) or len(self._options.temperature) == 1:
            return window
        return self._surely(lambda: self._climb(cross, prompt, params, 1))

    def _climb(self, cross: Cross, prompt: Sequence[int], params: RowParams, n_fallbacks: int) -> DecodedWindow:
        """Up the ladder of temperatures."""
        for n, temperature in enumerate(self._options.temperature[n_fallbacks:], n_fallbacks):
            window = self._decode_at(temperature, cross, prompt, params, n)
            if not self._failed(window):
                break
        decoder = self._decoder(1)
        if self._options.word_timestamps and (window.temperature > 0 or self._beams > 1):
            # It was decoded among others, whose queries nobody keeps: the decoder reads it once more.
            decoder.admit(0, cross, (*prompt, *window.tokens), GREEDILY)
            decoder.retire(0)
        return self.aligned(window, decoder, 0, cross, len(prompt) - params.n_given)

    def aligned(self, window: DecodedWindow, decoder: Decoder, slot: int, cross: Cross, n_prompt: int) -> DecodedWindow:
        """With its alignment if words are to be timed, from the decoder and slot in which it was decoded; that of the
        prompt's tokens from `n_prompt` on comes first."""
        if not self._options.word_timestamps or not window.tokens:
            return window
        attention = decoder.attention(slot, cross, n_prompt - 1)
        return replace(window, alignment=alignment_matrix(attention))

    @property
    def _beams(self) -> int:
        return self._options.beam_size or 1

    def prompt(self, context: Sequence[int], language: str | None) -> tuple[int, ...]:
        """Everything before a window's first token.

        Args:
            context: tokens of the text before it; the last of them are used, 223 with the hotwords before them.
        """
        start = self._tokenizer.sot_sequence(language, self._options.task)
        hotwords = self._hotwords[: self._max_context // 2]
        n_context = self._max_context - len(hotwords)
        previous = (*hotwords, *(context[-n_context:] if n_context else ()))
        return (self._tokenizer.sot_prev, *previous, *start) if previous else start

    def _failed(self, window: DecodedWindow) -> bool:
        o = self._options
        unsure = o.logprob_threshold is not None and window.avg_logprob < o.logprob_threshold
        if unsure and o.no_speech_threshold is not None and window.no_speech_prob > o.no_speech_threshold:
            return False  # silence
        repeats = o.compression_ratio_threshold is not None and window.compression_ratio > o.compression_ratio_threshold
        return repeats or unsure or window.is_loop

    def _decode_at(
        self, temperature: float, cross: Cross, prompt: Sequence[int], params: RowParams, n_fallbacks: int
    ) -> DecodedWindow:
        if temperature == 0 and self._beams > 1:
            decoder = self._decoder(self._beams)
            prefill = decoder.admit(0, cross, prompt, params)
            best = beam_search(decoder, self._options, self._tokenizer.eot, params.budget(self._max_tokens))
            decoder.retire(0)
            self.n_decoded += self._beams * len(best.tokens)
        else:
            prefill, best = self._sample(cross, prompt, replace(params, temperature=temperature, seed=n_fallbacks))
        return self._window(prefill, best, temperature, n_fallbacks)

    def _window(self, prefill: Prefill, best: Hypothesis, temperature: float, n_fallbacks: int) -> DecodedWindow:
        tokens = best.tokens[: self.loop_start(best.tokens)]
        return DecodedWindow(
            tokens=tokens,
            logprobs=best.logprobs[: len(tokens)],
            avg_logprob=best.avg_logprob,
            compression_ratio=compression_ratio(self._tokenizer.decode_bytes(tokens)),
            no_speech_prob=float(np.exp(prefill.sot_logprobs[self._tokenizer.no_speech])),
            temperature=temperature,
            n_fallbacks=n_fallbacks,
            is_loop=len(tokens) < len(best.tokens),
        )

    def _sample(self, cross: Cross, prompt: Sequence[int], params: RowParams) -> tuple[Prefill, Hypothesis]:
        """Greedy at temperature 0, else the best of `best_of` samples."""
        decoder = self._decoder(1 if params.temperature == 0 else self._options.best_of)
        prefill = decoder.admit(0, cross, prompt, params)
        tokens: list[list[int]] = []
        logprobs: list[list[float]] = []
        done = False
        while not done:
            steps = decoder.advance(TOKENS_PER_CALL)
            self.n_decoded += sum(map(len, steps.tokens))
            tokens = tokens or [[] for _ in steps.tokens]
            logprobs = logprobs or [[] for _ in steps.tokens]
            for i, (new, new_logprobs) in enumerate(zip(steps.tokens, steps.logprobs, strict=True)):
                tokens[i] += new
                logprobs[i] += new_logprobs
            done = all(done or self.loop_start(t) is not None for done, t in zip(steps.done, tokens, strict=True))
        decoder.retire(0)
        finished = [self.hypothesis(*sequence) for sequence in zip(tokens, logprobs, strict=True)]
        return prefill, max(finished, key=lambda h: h.score(self._options.length_penalty))

    def loop_start(self, tokens: Sequence[int]) -> int | None:
        """From where on a sequence only repeats itself, whatever the times; None if its end does not."""
        text = [i for i, token in enumerate(tokens) if token < self._tokenizer.eot]
        start = repeating_from([tokens[i] for i in text])
        return None if start is None else text[start]

    def params(self, sound_end: int) -> RowParams:
        """How to decode a window whose last sound is there, in timestamp units; see `gpu.token_rules.RuleState`."""
        budget = SPARE_TOKENS + round(sound_end * SECONDS_PER_TIMESTAMP * TOKENS_PER_SECOND)
        return RowParams(sound_end=self._tokenizer.timestamp_begin + sound_end, max_tokens=budget)

    def hypothesis(self, tokens: Sequence[int], logprobs: Sequence[float]) -> Hypothesis:
        return Hypothesis(tuple(t for t in tokens if t != self._tokenizer.eot), tuple(logprobs))

    def _decoder(self, sequences: int) -> Decoder:
        if sequences not in self._decoders:
            plan = DecodePlan(1, sequences, self._rules, self._max_tokens, self._max_prompt, top_k=sequences + 1)
            align = self._options.word_timestamps and sequences == 1
            self._decoders[sequences] = self._backend.open(replace(plan, align=align), self._cancel)
        return self._decoders[sequences]


class WindowBatch(Generic[Key]):
    """Windows decoded side by side, each replaced as soon as it is done. Made by `WindowDecoder.batch`."""

    def __init__(self, windows: WindowDecoder, rows: int) -> None:
        self._windows = windows
        self._slots: dict[int, _BatchSlot[Key]] = {}
        self._waiting: list[_BatchSlot[Key]] = []  # for a slot
        self._open(rows)

    def __len__(self) -> int:
        """Windows that are not done."""
        return len(self._slots) + len(self._waiting)

    def admit(self, key: Key, cross: Cross, prompt: Sequence[int], sound_end: int) -> None:
        """Begin a window, which `advance` will call `key`. Its `cross` is freed when it is done.

        Args:
            sound_end: where its last sound is, in timestamp units; see `gpu.token_rules.RuleState`.
        """
        self._waiting.append(_BatchSlot(key, cross, prompt, self._windows.params(sound_end)))
        with self._restarting():
            self._admit_waiting()

    def advance(self) -> list[tuple[Key, DecodedWindow]]:
        """A few tokens for each window; those that are done now."""
        finished: list[tuple[Key, DecodedWindow]] = []
        with self._restarting():
            self._admit_waiting()
            steps = self._decoder.advance(TOKENS_PER_CALL)
            for slot, row in list(self._slots.items()):
                row.tokens += steps.tokens[slot]
                self._windows.n_decoded += len(steps.tokens[slot])
                row.logprobs += steps.logprobs[slot]
                if steps.done[slot] or self._windows.loop_start(row.tokens) is not None:
                    finished.append((row.key, self._finish(slot, row)))
        return finished

    def _open(self, rows: int) -> None:
        self._decoder, n_slots = self._windows.open_batch(rows)
        self._free = list(range(n_slots))

    def _admit_waiting(self) -> None:
        while self._waiting and self._free:
            row, slot = self._waiting[0], min(self._free)  # a GPU's step is one of all rows up to the last in use
            row.prefill = self._decoder.admit(slot, row.cross, row.prompt, row.params)
            self._free.remove(slot)
            self._slots[slot] = self._waiting.pop(0)

    def _finish(self, slot: int, row: _BatchSlot[Key]) -> DecodedWindow:
        self._decoder.retire(slot)
        assert row.prefill is not None
        greedy = self._windows.hypothesis(row.tokens, row.logprobs)
        window = self._windows.check(row.cross, row.prompt, row.params, row.prefill, greedy)
        if window.n_fallbacks == 0:
            window = self._windows.aligned(window, self._decoder, slot, row.cross, len(row.prompt))
        row.cross.free()
        del self._slots[slot]
        self._free.append(slot)
        return window

    @contextmanager
    def _restarting(self) -> Iterator[None]:
        """When another device takes over inside, the windows that are not done begin again there."""
        try:
            yield
        except DeviceSwitched:
            begun = [_BatchSlot(row.key, row.cross, row.prompt, row.params) for row in self._slots.values()]
            self._waiting = begun + self._waiting
            self._slots.clear()
            self._open(len(self._waiting))


class OneByOne(Generic[Key]):
    """The same for one window at a time: with beams, or sampled. See `WindowBatch`."""

    def __init__(self, windows: WindowDecoder) -> None:
        self._windows = windows
        self._waiting: list[tuple[Key, Cross, Sequence[int], int]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def admit(self, key: Key, cross: Cross, prompt: Sequence[int], sound_end: int) -> None:
        self._waiting.append((key, cross, prompt, sound_end))

    def advance(self) -> list[tuple[Key, DecodedWindow]]:
        decoded = []
        for key, cross, prompt, sound_end in self._waiting:
            decoded.append((key, self._windows.decode(cross, prompt, self._windows.params(sound_end))))
            cross.free()
        self._waiting = []
        return decoded


@dataclass
class _BatchSlot(Generic[Key]):
    """A window on its way."""

    key: Key
    cross: Cross
    prompt: Sequence[int]
    params: RowParams
    prefill: Prefill | None = None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def repeating_from(tokens: Sequence[int]) -> int | None:
    """Where a sequence that has said something says it again and again up to its end: four times or more, and in 24
    tokens or more. Whisper's loops are a short phrase or a few."""
    n = len(tokens)
    for period in range(1, n // 4 + 1):
        start = n - period
        while start > 0 and tokens[start - 1] == tokens[start - 1 + period]:
            start -= 1
        if n - start >= max(4 * period, 24):
            return start + period
    return None


def compression_ratio(text: bytes) -> float:
    """How much better than one to one zlib compresses a text: above 2.4 it repeats itself."""
    stripped = text.strip()
    return len(stripped) / len(zlib.compress(stripped)) if stripped else 0.0
