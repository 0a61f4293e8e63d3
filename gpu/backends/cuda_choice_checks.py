"""How the GPU chooses tokens, against `gpu.token_rules` and NumPy: masks, timestamp rules, sums, draws, candidates and
beams, over a whole vocabulary. Part of the self-test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import Floats
from gpu.backends.cuda_check_bench import Bench, records
from gpu.backends.cuda_device import DeviceArray
from gpu.backends.cuda_sampling import SEQUENCE_STATE, Beams, SamplingOps, Sequences, fresh_table
from gpu.token_rules import RuleState, TokenRules, apply, log_sum_exp
from gpu.types import Check, Words

RULES = TokenRules(  # large-v3's
    n_vocab=51866,
    sot=50258,
    eot=50257,
    no_timestamps=50364,
    timestamp_begin=50365,
    suppressed=(1, 2, 7, 8, 9, 31, 32, 1023, 1024, 25000, *range(50258, 50364)),
    blank=(220, 50257),
    max_initial_timestamp=50,
)
_BEGIN = RULES.timestamp_begin
# What may have been said, and how probable timestamps are: beside text, not at all, or more than any text.
_CASES = (
    (RuleState(), 0.0),  # the first token
    (RuleState(1, True, True, _BEGIN + 10), 0.0),  # a segment was opened: text must follow
    (RuleState(2, True, True, _BEGIN + 10, sound_end=_BEGIN + 90), -12.0),  # ... and not the end
    (RuleState(5, False, False, _BEGIN + 10), -12.0),  # in the middle of text
    (RuleState(5, False, False, _BEGIN + 10), 2.0),  # time for a timestamp, which is not behind the last one
    (RuleState(9, True, False, _BEGIN + 300), -12.0),  # a segment was closed: the next one opens, or the end
)
SEEDS = {"seed_lo": [3, 1 << 31, 5, 7, 11, 13], "seed_hi": 17}
_N_BEST = 6
_SUMS = 1e-5


def _choice(bench: Bench) -> Iterator[Check]:
    """The best token of each sequence by the rules, and the state behind it; one is finished."""
    case = _Case.random(bench)
    case.ops.choose(case.on_device, case.sequences)
    tokens = [int(row.argmax()) for row in case.ruled]
    expected = [row[token] - log_sum_exp(row) for row, token in zip(case.ruled, tokens, strict=True)]
    states = case.states_after(tokens)
    found = bench.get(case.sequences.states).reshape(-1).view(SEQUENCE_STATE)
    fields = ("token", "pos", "n_sampled", "last_timestamp", "flags", "done", "n_out")
    results = {name: (found[name], states[name]) for name in fields}
    results["ring"] = (bench.get(case.sequences.tokens)[:-1, 0], np.array(tokens))
    yield bench.equal(Words("Choice of tokens by the rules"), results)
    logprobs = {"logprobs": (bench.get(case.sequences.logprobs)[:-1, 0], np.array(expected))}
    yield bench.close_to(Words("Log-probabilities of chosen tokens"), _SUMS, logprobs)


def _draws(bench: Bench) -> Iterator[Check]:
    """At a temperature: the same random numbers, and so the same tokens, as NumPy's."""
    case = _Case.random(bench, temperature=0.8, **SEEDS)
    case.ops.choose(case.on_device, case.sequences)
    drawn = [
        int((row / np.float32(0.8) + gumbel_noise(RULES, state)).argmax())
        for row, state in zip(case.ruled, case.records, strict=True)
    ]
    got = bench.get(case.sequences.tokens)[:-1, 0]
    yield bench.equal(Words("Draws of tokens at a temperature"), {"tokens": (got, np.array(drawn))})


def _candidates(bench: Bench) -> Iterator[Check]:
    """The best tokens of each beam, in order."""
    case = _Case.random(bench)
    n = len(_CASES)
    beams = Beams(bench.arena, RULES, n, _N_BEST)
    case.ops.candidates(case.on_device, case.sequences, beams)
    top = bench.get(beams.top)
    ids = np.stack([np.argsort(-row, kind="stable")[:_N_BEST] for row in case.ruled])
    yield bench.equal(Words("Candidates of beams"), {"tokens": (top[0], ids)})
    logprobs = np.stack([row[best] - log_sum_exp(row) for row, best in zip(case.ruled, ids, strict=True)])
    results = {"logprobs": (top[1].view(np.float32), logprobs)}
    yield bench.close_to(Words("Log-probabilities of candidates"), _SUMS, results)


def _beams(bench: Bench) -> Iterator[Check]:
    """Beams that go on from others: their states, and the table of where their positions lie."""
    n, n_text_ctx, n_prompt, n_steps = 5, 200, 130, 3
    sequences = Sequences(bench.device, bench.arena, RULES, n)
    beams, ops = Beams(bench.arena, RULES, n, _N_BEST), SamplingOps(bench.device)
    table = fresh_table(0, n, n_prompt, n_text_ctx)
    on_device = bench.put(table)
    sequences.admit(0, records(pos=[n_prompt - 1] * n))
    states = [RuleState() for _ in range(n)]
    for step, n_kept in enumerate((n, 3, 2)):
        parents = bench.rng.integers(0, n if step == 0 else 3, n_kept).tolist()
        tokens = bench.rng.integers(0, RULES.n_vocab, n_kept).tolist()
        ops.continue_beams(sequences, beams, on_device, parents, tokens)
        table[:n_kept, : n_prompt + step] = table[parents, : n_prompt + step]
        states = [states[parent].after(token, RULES) for parent, token in zip(parents, tokens, strict=True)]
    found = bench.get(sequences.states).reshape(-1).view(SEQUENCE_STATE)
    expected = _records(states, token=tokens, pos=n_prompt - 1 + n_steps)
    fields = ("token", "pos", "n_sampled", "last_timestamp", "flags", "done")
    results = {name: (found[name][: len(states)], expected[name]) for name in fields}
    results["resting"] = (found["done"][len(states) :], np.ones(n - len(states)))
    results["table"] = (bench.get(on_device), table)
    yield bench.equal(Words("Beams that go on from others"), results)


def _log_softmax(bench: Bench) -> Iterator[Check]:
    logits = 3 * bench.normal(2, RULES.n_vocab)
    out = bench.out(2, RULES.n_vocab)
    SamplingOps(bench.device).log_softmax(bench.put(logits), out)
    expected = logits - np.array([[log_sum_exp(row)] for row in logits], np.float32)
    yield bench.close_to(Words("Log-probabilities of all tokens"), _SUMS, {"log_softmax": (bench.get(out), expected)})


choice_checks = (_choice, _draws, _candidates, _beams, _log_softmax)


@dataclass
class _Case:
    """A sequence in each of `_CASES` with its logits, and one that is finished.

    Attributes:
        records: of the unfinished. ruled: their logits, -inf for what may not come.
    """

    ops: SamplingOps
    sequences: Sequences
    on_device: DeviceArray
    records: NDArray[Any]
    ruled: list[Floats]

    @classmethod
    def random(cls, bench: Bench, **fields: Any) -> _Case:
        n = len(_CASES) + 1
        logits = bench.normal(n, RULES.n_vocab)
        logits[:-1, _BEGIN:] += np.array([[bonus] for _, bonus in _CASES], np.float32)
        ruled = [row.copy() for row in logits[:-1]]
        for row, (state, _) in zip(ruled, _CASES, strict=True):
            apply(RULES, state, row)
        sequences = Sequences(bench.device, bench.arena, RULES, n)
        of_cases = _records([state for state, _ in _CASES], pos=20, budget=100, **fields)
        sequences.admit(0, of_cases)
        return cls(SamplingOps(bench.device), sequences, bench.put(logits), of_cases, ruled)

    def states_after(self, tokens: list[int]) -> NDArray[Any]:
        """Of all sequences, the finished one too."""
        after = [state.after(token, RULES) for (state, _), token in zip(_CASES, tokens, strict=True)]
        going_on = _records(after, token=tokens, pos=21, n_out=1, done=np.array(tokens) == RULES.eot)
        return np.append(going_on, records(done=[1]))


def _records(states: list[RuleState], **fields: Any) -> NDArray[Any]:
    """As the device keeps them."""
    return records(
        n_sampled=[state.n_sampled for state in states],
        last_timestamp=[state.last_timestamp for state in states],
        flags=[state.last_was_timestamp + 2 * state.penultimate_was_timestamp for state in states],
        sound_end=[state.sound_end for state in states],
        **fields,
    )


def gumbel_noise(rules: TokenRules, state: Any) -> NDArray[np.float64]:
    """(n_vocab,) what the device adds to the logits of a sequence: 1024 tokens of one kind have 256 counters of 4
    words."""
    counters, lengths = [], (rules.timestamp_begin, rules.n_vocab - rules.timestamp_begin)
    n_blocks = 0
    for n_tokens in lengths:
        blocks = np.arange(n_blocks, n_blocks - -n_tokens // 1024)
        n_blocks += len(blocks)
        counters.append(blocks)
    noise = []
    for blocks, n_tokens in zip(counters, lengths, strict=True):
        counter = np.zeros((len(blocks) * 256, 4), np.uint32)
        counter[:, 0] = (256 * blocks[:, np.newaxis] + np.arange(256)).ravel()
        counter[:, 1] = state["n_sampled"]
        words = philox(counter, int(state["seed_lo"]), int(state["seed_hi"]))
        noise.append(words.reshape(-1, 256, 4).transpose(0, 2, 1).ravel()[:n_tokens])
    uniform = (np.concatenate(noise).astype(np.float64) + 0.5) * 2.0**-32
    gumbel: NDArray[np.float64] = -np.log(-np.log1p(-uniform))
    return gumbel


def philox(counter: NDArray[np.uint32], key_lo: int, key_hi: int) -> NDArray[np.uint32]:
    """Philox4x32-10 (Salmon et al., SC 2011) of (n, 4) counters: (n, 4) words."""
    c, low, half = counter.astype(np.uint64), np.uint64(0xFFFFFFFF), np.uint64(32)
    keys = [np.uint64(key_lo), np.uint64(key_hi)]
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[:, 0], np.uint64(0xCD9E8D57) * c[:, 2]
        words = (second >> half) ^ c[:, 1] ^ keys[0], second & low, (first >> half) ^ c[:, 3] ^ keys[1], first & low
        c = np.stack(words, axis=1)
        keys = [keys[0] + np.uint64(0x9E3779B9) & low, keys[1] + np.uint64(0xBB67AE85) & low]
    return c.astype(np.uint32)
