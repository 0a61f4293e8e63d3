"""Vocabularies, states, logits, and sequences on a device: for the tests of what chooses tokens there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import RowParams, Steps, TopK
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_sampling import (
    SEQUENCE_STATE,
    Beams,
    SamplingOps,
    Sequences,
    fresh_states,
)
from gpu.token_rules import RuleState, TokenRules, apply

f32 = np.float32
NEG_INF = f32(-np.inf)


def rules_of(n_text: int, n_timestamps: int, max_initial: int = 50) -> TokenRules:
    """Text, eot, sot, two more special tokens, no-timestamps, timestamps."""
    eot = n_text
    return TokenRules(
        n_vocab=n_text + 5 + n_timestamps,
        sot=eot + 1,
        eot=eot,
        no_timestamps=eot + 4,
        timestamp_begin=eot + 5,
        suppressed=(1, n_text // 2, n_text - 2, eot + 1, eot + 2, eot + 3),
        blank=(3, eot),
        max_initial_timestamp=max_initial,
    )


def english(n_vocab: int) -> TokenRules:
    """The vocabularies of Whisper's models: 51864 (English), 51865, 51866."""
    return rules_of(n_vocab - 1501 - 5, 1501)


TINY = rules_of(20, 33, 7)
# Where blocks of the scan begin and end: text and timestamps of just under, exactly and just over whole blocks.
RAGGED = [rules_of(1018, 1), rules_of(1019, 1024), rules_of(1020, 1025), rules_of(2500, 31), rules_of(7, 1)]


@dataclass
class Run:
    """Some sequences on the device."""

    device: CudaDevice
    rules: TokenRules
    n: int

    def __post_init__(self) -> None:
        self.arena = Arena(self.device, 8 << 20)
        self.sequences = Sequences(self.device, self.arena, self.rules, self.n)
        self.logits = self.arena.take((self.n, self.rules.n_vocab), f32)
        self.ops = SamplingOps(self.device)

    def choose(self, logits: NDArray[f32]) -> Steps:
        self.device.upload(self.logits, np.ascontiguousarray(logits, f32))
        self.ops.choose(self.logits, self.sequences)
        return self.sequences.read()

    def candidates(self, logits: NDArray[f32], k: int) -> TopK:
        beams = Beams(self.arena, self.rules, self.n, k)
        self.device.upload(self.logits, np.ascontiguousarray(logits, f32))
        self.ops.candidates(self.logits, self.sequences, beams)
        return self.ops.read_candidates(beams, self.n)

    @property
    def states(self) -> NDArray[Any]:
        return self.device.download(self.sequences.states).reshape(-1).view(SEQUENCE_STATE)


def on_device(states: list[RuleState], **fields: Any) -> NDArray[Any]:
    """The same as the device keeps them."""
    records = fresh_states(RowParams(), [0], 0, len(states), 448)
    for record, state in zip(records, states, strict=True):
        record["n_sampled"], record["last_timestamp"] = state.n_sampled, state.last_timestamp
        record["flags"] = state.last_was_timestamp + 2 * state.penultimate_was_timestamp
        record["sound_end"] = state.sound_end
    for name, value in fields.items():
        records[name] = value
    return records


def ruled(rules: TokenRules, state: RuleState, logits: NDArray[f32]) -> NDArray[f32]:
    after = logits.copy()
    apply(rules, state, after)
    return after


def is_close(rules: TokenRules, state: RuleState, logits: NDArray[f32]) -> bool:
    """Whether rounding decides if the timestamps are more probable than the best text."""
    nudge = np.where(np.arange(rules.n_vocab) < rules.timestamp_begin, f32(1e-4), f32(0))
    more, less = (np.isneginf(ruled(rules, state, logits + sign * nudge)) for sign in (1, -1))
    return bool((more != less).any())


def random_state(rng: np.random.Generator, rules: TokenRules) -> RuleState:
    """Anything, whether it can be reached or not."""
    begin, n_vocab = rules.timestamp_begin, rules.n_vocab
    return RuleState(
        n_sampled=int(rng.integers(0, 4)),
        last_was_timestamp=bool(rng.integers(2)),
        penultimate_was_timestamp=bool(rng.integers(2)),
        last_timestamp=int(rng.choice([0, begin, n_vocab - 1, rng.integers(begin, n_vocab)])),
        sound_end=int(rng.choice([0, begin, rng.integers(begin, n_vocab)])),
    )


def random_logits(rng: np.random.Generator, rules: TokenRules, n: int) -> NDArray[f32]:
    """Flat or peaked, timestamps likely or not, with ties or without."""
    logits = rng.standard_normal((n, rules.n_vocab)) * rng.choice([0.05, 1, 8], (n, 1))
    logits[:, rules.timestamp_begin :] += rng.choice([-6, -1, 0, 2], (n, 1))
    halves = rng.integers(2, size=(n, 1)) == 0
    return np.where(halves, np.round(2 * logits) / 2, logits).astype(f32)


def random_rows(rng: np.random.Generator, rules: TokenRules, n: int) -> tuple[list[RuleState], NDArray[f32]]:
    """States, and logits of which the rules leave something."""
    logits, states = random_logits(rng, rules, n), []
    for row in logits:
        states.append(random_state(rng, rules))
        while ruled(rules, states[-1], row).max() == NEG_INF:
            states[-1] = random_state(rng, rules)
    return states, logits
