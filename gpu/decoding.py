"""From encoded windows to their tokens: greedy, sampling, beam search and the temperature fallback.

The method is openai/whisper's `decoding.py` and `transcribe.decode_with_fallback`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gpu.alignment import alignment_matrix
from gpu.backends.base import Backend, Cross, DecodePlan, Decoder, Floats, Prefill, RowParams
from gpu.cancel import CancelToken
from gpu.model_file import ModelDimensions
from gpu.token_rules import TokenRules
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions

TOKENS_PER_CALL = 8  # between two looks at the cancel flag
SECONDS_PER_TIMESTAMP = 0.02
MAX_START = 4  # tokens of a prompt beside the context: sot_prev, sot, language, task


@dataclass(frozen=True)
class Hypothesis:
    """A finished sequence: its tokens without eot, and the log-probabilities of all of them, eot's too if it came."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def sum_logprob(self) -> float:
        return sum(self.logprobs)

    @property
    def avg_logprob(self) -> float:
        return self.sum_logprob / (len(self.tokens) + 1)

    def score(self, length_penalty: float | None) -> float:
        """openai/whisper's `MaximumLikelihoodRanker`: by length, or by Google NMT's penalty."""
        length = max(len(self.tokens), 1)
        return self.sum_logprob / (length if length_penalty is None else ((5 + length) / 6) ** length_penalty)


@dataclass(frozen=True)
class DecodedWindow:
    """What a window says.

    Attributes:
        tokens: without eot; logprobs: of each.
        n_fallbacks: decodings that were thrown away for this one.
        alignment: when each is spoken, see `gpu.alignment.alignment_matrix`; None where words are not to be timed.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    temperature: float
    n_fallbacks: int
    alignment: Floats | None = None


class WindowDecoder:
    """Decodes windows one after the other; decoders are opened once and used again."""

    def __init__(
        self,
        backend: Backend,
        dims: ModelDimensions,
        tokenizer: Tokenizer,
        options: TranscribeOptions,
        cancel: CancelToken,
    ) -> None:
        self._backend, self._tokenizer, self._options, self._cancel = backend, tokenizer, options, cancel
        with_context = bool(options.initial_prompt) or options.condition_on_previous_text
        self._max_context = dims.n_text_ctx // 2 - 1 if with_context else 0
        self._max_prompt = self._max_context + MAX_START
        self._max_tokens = min(dims.n_text_ctx // 2, dims.n_text_ctx - self._max_prompt)
        self._rules = TokenRules(
            n_vocab=dims.n_vocab,
            sot=tokenizer.sot,
            eot=tokenizer.eot,
            no_timestamps=tokenizer.no_timestamps,
            timestamp_begin=tokenizer.timestamp_begin,
            suppressed=tokenizer.suppressed_tokens,
            blank=tokenizer.blank_tokens if options.suppress_blank else (),
            max_initial_timestamp=round(options.max_initial_timestamp_s / SECONDS_PER_TIMESTAMP),
        )
        self._decoders: dict[int, Decoder] = {}

    def detect_language(self, cross: Cross) -> tuple[str, float]:
        """The most probable language of a window and its probability among all the model knows."""
        decoder = self._decoder(1)
        prefill = decoder.admit(0, cross, (self._tokenizer.sot,), RowParams())
        decoder.retire(0)
        logprobs = prefill.sot_logprobs[list(self._tokenizer.language_tokens)]
        best = int(logprobs.argmax())
        return self._tokenizer.languages[best], float(np.exp(logprobs[best]) / np.exp(logprobs).sum())

    def decode(self, cross: Cross, prompt: Sequence[int]) -> DecodedWindow:
        """Decode a window, again at the next temperature as long as the result looks like a failure."""
        return self._climb(cross, prompt, 0)

    def batch(self, rows: int) -> WindowBatch:
        """A place to decode windows side by side; greedily."""
        align = self._options.word_timestamps
        plan = DecodePlan(rows, 1, self._rules, self._max_tokens, self._max_prompt, align=align)
        return WindowBatch(self, self._backend.open(plan, self._cancel), rows)

    def check(self, cross: Cross, prompt: Sequence[int], prefill: Prefill, greedy: Hypothesis) -> DecodedWindow:
        """What to make of a window's greedy decoding: itself, or what higher temperatures give."""
        window = self._window(prefill, greedy, 0.0, 0)
        return self._climb(cross, prompt, 1) if self._failed(window) and len(self._options.temperature) > 1 else window

    def _climb(self, cross: Cross, prompt: Sequence[int], n_fallbacks: int) -> DecodedWindow:
        """Up the ladder of temperatures."""
        for n, temperature in enumerate(self._options.temperature[n_fallbacks:], n_fallbacks):
            window = self._decode_at(temperature, cross, prompt, n)
            if not self._failed(window):
                break
        decoder = self._decoder(1)
        if self._options.word_timestamps and (window.temperature > 0 or self._beams > 1):
            # It was decoded among others, whose queries nobody keeps: the decoder reads it once more.
            decoder.admit(0, cross, (*prompt, *window.tokens), RowParams())
            decoder.retire(0)
        return self.aligned(window, decoder, 0, cross, len(prompt))

    def aligned(self, window: DecodedWindow, decoder: Decoder, slot: int, cross: Cross, n_prompt: int) -> DecodedWindow:
        """With its alignment if words are to be timed, from the decoder and slot in which it was decoded."""
        if not self._options.word_timestamps or not window.tokens:
            return window
        attention = decoder.attention(slot, cross, n_prompt - 1)
        return replace(window, alignment=alignment_matrix(attention))

    def prompt(self, context: Sequence[int], language: str | None) -> tuple[int, ...]:
        """Everything before a window's first token.

        Args:
            context: tokens of the text before it; the last 223 are used.
        """
        start = self._tokenizer.sot_sequence(language, self._options.task)
        if not context:
            return start
        return (self._tokenizer.sot_prev, *context[-self._max_context :], *start)

    @property
    def _beams(self) -> int:
        return self._options.beam_size or 1

    def _failed(self, window: DecodedWindow) -> bool:
        o = self._options
        unsure = o.logprob_threshold is not None and window.avg_logprob < o.logprob_threshold
        if unsure and o.no_speech_threshold is not None and window.no_speech_prob > o.no_speech_threshold:
            return False  # silence
        repeats = o.compression_ratio_threshold is not None and window.compression_ratio > o.compression_ratio_threshold
        return repeats or unsure

    def _decode_at(self, temperature: float, cross: Cross, prompt: Sequence[int], n_fallbacks: int) -> DecodedWindow:
        if temperature == 0 and self._beams > 1:
            prefill, best = self._beam_search(cross, prompt, self._beams)
        else:
            prefill, best = self._sample(cross, prompt, RowParams(temperature, seed=n_fallbacks))
        return self._window(prefill, best, temperature, n_fallbacks)

    def _window(self, prefill: Prefill, best: Hypothesis, temperature: float, n_fallbacks: int) -> DecodedWindow:
        return DecodedWindow(
            tokens=best.tokens,
            logprobs=best.logprobs[: len(best.tokens)],
            avg_logprob=best.avg_logprob,
            compression_ratio=compression_ratio(self._tokenizer.decode_bytes(best.tokens)),
            no_speech_prob=float(np.exp(prefill.sot_logprobs[self._tokenizer.no_speech])),
            temperature=temperature,
            n_fallbacks=n_fallbacks,
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
            tokens = tokens or [[] for _ in steps.tokens]
            logprobs = logprobs or [[] for _ in steps.tokens]
            for i, (new, new_logprobs) in enumerate(zip(steps.tokens, steps.logprobs, strict=True)):
                tokens[i] += new
                logprobs[i] += new_logprobs
            done = all(steps.done)
        decoder.retire(0)
        finished = [self.hypothesis(*sequence) for sequence in zip(tokens, logprobs, strict=True)]
        return prefill, max(finished, key=lambda h: h.score(self._options.length_penalty))

    def timestamp(self, units: int) -> int:
        """The token of a time in a window."""
        return self._tokenizer.timestamp_begin + units

    def hypothesis(self, tokens: Sequence[int], logprobs: Sequence[float]) -> Hypothesis:
        return Hypothesis(tuple(t for t in tokens if t != self._tokenizer.eot), tuple(logprobs))

    def _beam_search(self, cross: Cross, prompt: Sequence[int], beam_size: int) -> tuple[Prefill, Hypothesis]:
        """openai/whisper's `BeamSearchDecoder`, with patience (arXiv:2204.05424)."""
        decoder = self._decoder(beam_size)
        prefill = decoder.admit(0, cross, prompt, RowParams())
        beams = [Hypothesis((), ())]  # all sequences are the prompt so far: one of them counts
        finished: dict[tuple[int, ...], tuple[float, ...]] = {}
        n_wanted = round(beam_size * self._options.patience)
        for _ in range(self._max_tokens):
            top = decoder.candidates()
            candidates = sorted(
                (
                    (beam.sum_logprob + float(logprob), parent, int(token), float(logprob))
                    for parent, beam in enumerate(beams)
                    for token, logprob in zip(top.ids[parent], top.logprobs[parent], strict=True)
                    if logprob > -math.inf
                ),
                reverse=True,
            )
            kept: list[tuple[int, int, float]] = []
            for _, parent, token, logprob in candidates:
                if token == self._tokenizer.eot:
                    if len(finished) < n_wanted:
                        finished[beams[parent].tokens] = (*beams[parent].logprobs, logprob)
                else:
                    kept.append((parent, token, logprob))
                    if len(kept) == beam_size:
                        break
            if len(finished) >= n_wanted or not kept:
                break
            beams = [Hypothesis((*beams[p].tokens, token), (*beams[p].logprobs, lp)) for p, token, lp in kept]
            kept += [kept[-1]] * (beam_size - len(kept))  # fewer candidates than beams: the decoder's rows stay full
            decoder.choose([parent for parent, _, _ in kept], [token for _, token, _ in kept])
        decoder.retire(0)
        for beam in beams:  # best first
            if len(finished) >= beam_size:
                break
            finished.setdefault(beam.tokens, beam.logprobs)
        hypotheses = [Hypothesis(tokens, logprobs) for tokens, logprobs in finished.items()]
        return prefill, max(hypotheses, key=lambda h: h.score(self._options.length_penalty))

    def _decoder(self, sequences: int) -> Decoder:
        if sequences not in self._decoders:
            plan = DecodePlan(1, sequences, self._rules, self._max_tokens, self._max_prompt, top_k=sequences + 1)
            align = self._options.word_timestamps and sequences == 1
            self._decoders[sequences] = self._backend.open(replace(plan, align=align), self._cancel)
        return self._decoders[sequences]


class WindowBatch:
    """Windows decoded side by side, each replaced as soon as it is done. Made by `WindowDecoder.batch`."""

    def __init__(self, windows: WindowDecoder, decoder: Decoder, rows: int) -> None:
        self._windows, self._decoder = windows, decoder
        self._free = list(range(rows))
        self._slots: dict[int, _BatchSlot] = {}

    def __len__(self) -> int:
        """Windows being decoded."""
        return len(self._slots)

    def admit(self, key: int, cross: Cross, prompt: Sequence[int], sound_end: int) -> None:
        """Begin a window, which `advance` will call `key`. Its `cross` is freed when it is done.

        Args:
            sound_end: where its last sound is, in timestamp units; see `gpu.token_rules.RuleState`.
        """
        slot = self._free.pop()
        params = RowParams(sound_end=self._windows.timestamp(sound_end))
        self._slots[slot] = _BatchSlot(key, cross, prompt, self._decoder.admit(slot, cross, prompt, params))

    def advance(self) -> list[tuple[int, DecodedWindow]]:
        """A few tokens for each window; those that are done now."""
        steps = self._decoder.advance(TOKENS_PER_CALL)
        finished = []
        for slot, row in list(self._slots.items()):
            row.tokens += steps.tokens[slot]
            row.logprobs += steps.logprobs[slot]
            if steps.done[slot]:
                self._decoder.retire(slot)
                greedy = self._windows.hypothesis(row.tokens, row.logprobs)
                window = self._windows.check(row.cross, row.prompt, row.prefill, greedy)
                if window.n_fallbacks == 0:
                    window = self._windows.aligned(window, self._decoder, slot, row.cross, len(row.prompt))
                finished.append((row.key, window))
                row.cross.free()
                del self._slots[slot]
                self._free.append(slot)
        return finished


@dataclass
class _BatchSlot:
    """A window on its way."""

    key: int
    cross: Cross
    prompt: Sequence[int]
    prefill: Prefill
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def compression_ratio(text: bytes) -> float:
    """How much better than one to one zlib compresses a text: above 2.4 it repeats itself."""
    stripped = text.strip()
    return len(stripped) / len(zlib.compress(stripped)) if stripped else 0.0
