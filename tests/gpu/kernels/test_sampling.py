"""The choice of tokens on the device against `gpu.token_rules` and what the host decoder makes of the logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpu.backends.base import RowParams
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_sampling import RING, SEQUENCE_STATE, fresh_states
from gpu.errors import DeviceError
from gpu.token_rules import RuleState, TokenRules, log_sum_exp
from tests.support.cuda.choices import (
    NEG_INF,
    RAGGED,
    TINY,
    Run,
    english,
    f32,
    is_close,
    on_device,
    random_rows,
    ruled,
    rules_of,
)  # fmt: skip


def check_choices(run: Run, states: list[RuleState], logits: NDArray[f32]) -> int:
    """Compare with the host's choice; how many could be."""
    run.sequences.admit(0, on_device(states))
    steps = run.choose(logits)
    after, compared = run.states, 0
    for i, state in enumerate(states):
        if is_close(run.rules, state, logits[i]):
            continue
        allowed = ruled(run.rules, state, logits[i])
        token = int(allowed.argmax())
        assert steps.tokens[i] == [token], (state, steps.tokens[i], token)
        assert steps.logprobs[i] == pytest.approx([float(allowed[token]) - log_sum_exp(allowed)], abs=2e-5)
        assert after[i] == on_device([state.after(token, run.rules)], **rest_of(after[i]))[0]
        compared += 1
    return compared


def rest_of(state: NDArray[Any]) -> dict[str, Any]:
    """The fields that are not about rules."""
    about_rules = {"n_sampled", "last_timestamp", "flags", "sound_end"}
    return {name: state[name] for name in SEQUENCE_STATE.names if name not in about_rules}


@settings(max_examples=40)
@given(rules=st.sampled_from([TINY, rules_of(6, 1, 0), rules_of(59, 3, 1)]), seed=st.integers(0, 2**32 - 1))
def test_any_state_and_logits(cuda: CudaDevice, rules: TokenRules, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert check_choices(Run(cuda, rules, 24), *random_rows(rng, rules, 24)) > 12


@pytest.mark.parametrize("rules", [*RAGGED, *map(english, (51864, 51865, 51866))], ids=lambda r: f"{r.n_vocab}")
def test_vocabularies_of_any_size(cuda: CudaDevice, rules: TokenRules) -> None:
    rng = np.random.default_rng(rules.n_vocab)
    run = Run(cuda, rules, 3)
    for _ in range(2):
        assert check_choices(run, *random_rows(rng, rules, 3)) > 0


def test_the_first_of_equals_wins_wherever_it_is(cuda: CudaDevice) -> None:
    rules = rules_of(2500, 1600)
    ends = {0, 255, 256, 1023, 1024, 2047, 2048, rules.eot, rules.timestamp_begin, rules.n_vocab - 1}
    text_follows = RuleState(3, last_was_timestamp=True, penultimate_was_timestamp=True, last_timestamp=0)
    any_follows = RuleState(3, last_timestamp=0)
    for token in sorted(ends):
        state = text_follows if token < rules.timestamp_begin else any_follows
        run = Run(cuda, rules, 2)
        run.sequences.admit(0, on_device([state, state]))
        logits = np.full((2, rules.n_vocab), -5, f32)
        logits[0, token] = 9
        logits[1, token : rules.timestamp_begin if token < rules.timestamp_begin else None] = 9  # all after it as good
        assert run.choose(logits).tokens == [[token], [token]]


def test_timestamps_win_only_if_more_probable_than_the_best_text(cuda: CudaDevice) -> None:
    begin = TINY.timestamp_begin
    run = Run(cuda, TINY, 4)
    run.sequences.admit(0, on_device([RuleState(2)] * 4))
    logits = np.full((4, TINY.n_vocab), NEG_INF, f32)
    logits[:, 5] = 2.0
    logits[0, begin + 4] = 2.0  # equal: text
    logits[1, begin + 4] = np.nextafter(f32(2), f32(3))  # more: the timestamp, alone
    logits[2, begin + 4 : begin + 8] = 1.0  # together e * 4 > e^2: the first of them
    logits[3, begin + 4 : begin + 6] = 1.0  # e * 2 < e^2: text
    steps = run.choose(logits)
    assert steps.tokens == [[5], [begin + 4], [begin + 4], [5]]
    expected = [-np.log(2), 0.0, -np.log(4), 2 - np.log(np.exp(2) + 2 * np.exp(1))]
    assert np.ravel(steps.logprobs) == pytest.approx(expected, abs=1e-6)


def test_step_after_step_as_on_the_host(cuda: CudaDevice) -> None:
    """Through the ring more than once, until the budget or eot ends each sequence; the ended are left alone."""
    rng = np.random.default_rng(3)
    n, n_steps = 5, 3 * RING + 1
    params = RowParams(sound_end=TINY.timestamp_begin + 20, max_tokens=n_steps - 3)
    run = Run(cuda, TINY, n + 1)  # no window is admitted to the last
    run.sequences.admit(0, fresh_states(params, [7, 8, 9], 2, n, 448))
    states, expected, done = [RuleState(sound_end=params.sound_end)] * n, [[] for _ in range(n)], [False] * n
    logprobs: list[list[float]] = [[] for _ in range(n)]
    got = [[] for _ in range(n)]
    for step in range(n_steps):
        logits = rng.standard_normal((n + 1, TINY.n_vocab)).astype(f32)
        logits[:, TINY.timestamp_begin :] -= 1
        logits[1:, TINY.eot] -= 5
        run.device.upload(run.logits, logits)
        run.ops.choose(run.logits, run.sequences)
        for i in range(n):
            if not done[i]:
                allowed = ruled(TINY, states[i], logits[i])
                token = int(allowed.argmax())
                expected[i].append(token)
                logprobs[i].append(float(allowed[token]) - log_sum_exp(allowed))
                states[i] = states[i].after(token, TINY)
                done[i] = token == TINY.eot or states[i].n_sampled == n_steps - 3
        if step % 5 == 4 or step == n_steps - 1:  # some of them per look, less than the ring has
            steps = run.sequences.read()
            for i in range(n):
                got[i] += steps.tokens[i]
            assert steps.done == [*done, True]
            assert steps.tokens[n] == []
    assert got == expected
    assert all(done)
    assert len({len(tokens) for tokens in expected}) > 1  # eot came somewhere
    for i, state in enumerate(run.states[:n]):
        assert state["pos"] == 2 + len(expected[i])
        assert (state["token"], state["n_out"], state["slot"]) == (expected[i][-1], len(expected[i]), 2)
        assert state["sum_logprob"] == pytest.approx(sum(logprobs[i]), abs=1e-3)


@pytest.mark.parametrize("at", ["text", "times"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_end_the_sequence(cuda: CudaDevice, at: str, value: float) -> None:
    rng = np.random.default_rng(0)
    run = Run(cuda, TINY, 2)
    run.sequences.admit(0, on_device([RuleState(2)] * 2))
    logits = rng.standard_normal((2, TINY.n_vocab)).astype(f32)
    logits[0, 6 if at == "text" else TINY.timestamp_begin + 3] = value
    run.device.upload(run.logits, logits)
    run.ops.choose(run.logits, run.sequences)
    assert (run.states["done"].tolist(), run.states["token"][0]) == ([1, 0], TINY.eot)
    with pytest.raises(DeviceError, match="not numbers"):
        run.sequences.read()


def test_where_nothing_is_allowed_the_sequence_ends(cuda: CudaDevice) -> None:
    run = Run(cuda, TINY, 1)
    run.sequences.admit(0, on_device([RuleState(2)]))
    with pytest.raises(DeviceError):
        run.choose(np.full((1, TINY.n_vocab), NEG_INF, f32))
    assert run.states["done"].tolist() == [1]


@pytest.mark.parametrize("n_vocab", [1, 31, 513, 51865])
def test_log_softmax(cuda: CudaDevice, n_vocab: int) -> None:
    logits = (8 * np.random.default_rng(n_vocab).standard_normal((2, n_vocab))).astype(f32)
    logits[1] += 3e4  # beyond what exp can take
    run = Run(cuda, TINY, 1)
    given_, taken = (run.arena.take(logits.shape, f32) for _ in range(2))
    cuda.upload(given_, logits)
    run.ops.log_softmax(given_, taken)
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    expected = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    error = np.abs(cuda.download(taken) - expected).max(axis=1)
    assert error[0] < 1e-5
    assert error[1] < 4e-3  # a float of 30000 has no more digits
