"""Which token may follow which: openai/whisper's suppression and timestamp rules, as data plus a NumPy oracle.

A backend may apply `TokenRules` on its device; what it does must equal `apply` here (`whisper/decoding.py`:
`SuppressBlank`, `SuppressTokens`, `ApplyTimestampRules`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEG_INF = np.float32(-np.inf)


@dataclass(frozen=True)
class TokenRules:
    """The static part, one for a run.

    Attributes:
        n_vocab: tokens the model knows.
        sot, eot, no_timestamps, timestamp_begin: special token ids; timestamps run from timestamp_begin to n_vocab - 1.
        suppressed: ids never chosen. blank: ids not chosen first (a leading space, an immediate end).
        max_initial_timestamp: the first timestamp is at most timestamp_begin + this (units of 0.02 s).
        repetition_penalty, no_repeat_ngram_size: see `gpu.types.TranscribeOptions`.
    """

    n_vocab: int
    sot: int
    eot: int
    no_timestamps: int
    timestamp_begin: int
    suppressed: tuple[int, ...]
    blank: tuple[int, ...]
    max_initial_timestamp: int
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0

    @property
    def look_back(self) -> bool:
        """Whether what may come next depends on all the text so far."""
        return self.repetition_penalty != 1 or self.no_repeat_ngram_size > 0


@dataclass(frozen=True, slots=True)
class RuleState:
    """What the rules remember of one sequence.

    Attributes:
        n_sampled: tokens chosen so far.
        last_was_timestamp, penultimate_was_timestamp: of those; a missing penultimate counts as a timestamp.
        last_timestamp: the id of the latest timestamp token, 0 when there is none.
        sound_end: the timestamp up to which there certainly is something to hear, 0 when that is not known. A segment
            opened before it gets text: Whisper likes to end there, and what follows would be lost. (Not OpenAI's.)
        text: the text tokens chosen so far, if the rules look back.
    """

    n_sampled: int = 0
    last_was_timestamp: bool = False
    penultimate_was_timestamp: bool = True
    last_timestamp: int = 0
    sound_end: int = 0
    text: tuple[int, ...] = ()

    @classmethod
    def behind(cls, given: Sequence[int], sound_end: int, rules: TokenRules) -> RuleState:
        """The state once the tokens `given` are there."""
        state = cls(sound_end=sound_end)
        for token in given:
            state = state.after(token, rules)
        return state

    def after(self, token: int, rules: TokenRules) -> RuleState:
        """The state once `token` is appended."""
        is_timestamp = token >= rules.timestamp_begin
        return RuleState(
            n_sampled=self.n_sampled + 1,
            last_was_timestamp=is_timestamp,
            penultimate_was_timestamp=self.last_was_timestamp if self.n_sampled else True,
            last_timestamp=token if is_timestamp else self.last_timestamp,
            sound_end=self.sound_end,
            text=(*self.text, token) if rules.look_back and token < rules.eot else self.text,
        )


def apply(rules: TokenRules, state: RuleState, logits: NDArray[np.float32]) -> None:
    """Set every token that may not come next to -inf, in place.

    Args:
        logits: (n_vocab,) float32, unnormalised.
    """
    begin = rules.timestamp_begin
    if rules.look_back:
        _discourage_repeats(rules, state.text, logits)
    logits[list(rules.suppressed)] = NEG_INF
    logits[rules.no_timestamps] = NEG_INF
    if state.last_was_timestamp:
        if state.penultimate_was_timestamp:  # a segment was opened: text must follow
            logits[begin:] = NEG_INF
            if 0 < state.last_timestamp < state.sound_end and state.n_sampled > 1:
                logits[rules.eot] = NEG_INF
        else:  # a segment was closed: the next one opens, or the end
            logits[: rules.eot] = NEG_INF
    if state.last_timestamp:
        # Time never goes back, and a segment has a length; only its end may be repeated as the next start.
        closed = state.last_was_timestamp and not state.penultimate_was_timestamp
        logits[begin : state.last_timestamp + (0 if closed else 1)] = NEG_INF
    if state.n_sampled == 0:
        logits[list(rules.blank)] = NEG_INF
        logits[:begin] = NEG_INF
        logits[begin + rules.max_initial_timestamp + 1 :] = NEG_INF
        return
    if log_sum_exp(logits[begin:]) > logits[:begin].max():
        logits[:begin] = NEG_INF  # a timestamp is more probable than any single text token


def _discourage_repeats(rules: TokenRules, text: tuple[int, ...], logits: NDArray[np.float32]) -> None:
    """CTRL's repetition penalty (arXiv:1909.05858), and no n-gram of text twice; as CTranslate2 has them."""
    said = list(set(text))
    penalty = np.float32(rules.repetition_penalty)
    logits[said] = np.where(logits[said] > 0, logits[said] / penalty, logits[said] * penalty)
    n = rules.no_repeat_ngram_size
    if 0 < n <= len(text):
        latest = text[len(text) - n + 1 :]
        repeats = [text[i + n - 1] for i in range(len(text) - n + 1) if text[i : i + n - 1] == latest]
        logits[repeats] = NEG_INF


def log_sum_exp(logits: NDArray[np.float32]) -> float:
    """log(sum(exp(logits))) of a 1-D array; -inf when nothing is allowed."""
    top = float(logits.max())
    if top == -np.inf:
        return top
    return top + float(np.log(np.exp(logits - np.float32(top)).sum(dtype=np.float32)))
