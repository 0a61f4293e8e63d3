"""The incremental rules against openai/whisper's, which look at the whole sequence every time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.token_rules import RuleState, TokenRules, apply, log_sum_exp

N_TEXT, EOT, NO_TIMESTAMPS, BEGIN, N_VOCAB = 20, 20, 25, 26, 60
RULES = TokenRules(
    n_vocab=N_VOCAB,
    sot=21,
    eot=EOT,
    no_timestamps=NO_TIMESTAMPS,
    timestamp_begin=BEGIN,
    suppressed=(3, 4, 21, 22, 23, 24),
    blank=(7, EOT),
    max_initial_timestamp=10,
)


def test_a_state_behind_given_tokens_is_that_of_choosing_them():
    state = RuleState(sound_end=40)
    for token in (BEGIN + 3, 5, 6, BEGIN + 9):
        state = state.after(token, RULES)
    assert RuleState.behind((BEGIN + 3, 5, 6, BEGIN + 9), 40, RULES) == state


def openai_filters(logits: np.ndarray, sampled: list[int]) -> np.ndarray:
    """`SuppressBlank`, `SuppressTokens` and `ApplyTimestampRules` of whisper/decoding.py, for one sequence."""
    logits = logits.copy()
    if not sampled:
        logits[[7, EOT]] = -np.inf
    logits[list(RULES.suppressed)] = -np.inf
    logits[NO_TIMESTAMPS] = -np.inf
    last_was = bool(sampled) and sampled[-1] >= BEGIN
    penultimate_was = len(sampled) < 2 or sampled[-2] >= BEGIN
    if last_was:
        if penultimate_was:
            logits[BEGIN:] = -np.inf
        else:
            logits[:EOT] = -np.inf
    timestamps = [t for t in sampled if t >= BEGIN]
    if timestamps:
        floor = timestamps[-1] if last_was and not penultimate_was else timestamps[-1] + 1
        logits[BEGIN:floor] = -np.inf
    if not sampled:
        logits[:BEGIN] = -np.inf
        logits[BEGIN + RULES.max_initial_timestamp + 1 :] = -np.inf
    with np.errstate(divide="ignore"):
        timestamp_mass = np.log(np.exp(logits[BEGIN:].astype(np.float64)).sum())
    if timestamp_mass > logits[:BEGIN].max():
        logits[:BEGIN] = -np.inf
    return logits


@given(
    sampled=st.lists(st.one_of(st.integers(0, N_TEXT), st.integers(BEGIN, N_VOCAB - 1)), max_size=12),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.1, 1.0, 8.0]),
)
def test_equal_to_openai(sampled, seed, scale):
    logits = (np.random.default_rng(seed).standard_normal(N_VOCAB) * scale).astype(np.float32)
    state = RuleState()
    for token in sampled:
        state = state.after(token, RULES)
    ours = logits.copy()
    apply(RULES, state, ours)
    np.testing.assert_array_equal(ours, openai_filters(logits, sampled))


def test_first_token_is_an_early_timestamp():
    logits = np.zeros(N_VOCAB, np.float32)
    apply(RULES, RuleState(), logits)
    assert np.flatnonzero(logits > -np.inf).tolist() == list(range(BEGIN, BEGIN + 11))


@pytest.mark.parametrize("offset", [0.0, 500.0, -500.0])
def test_log_sum_exp_does_not_overflow(offset):
    logits = np.float32([1, 2, 3]) + np.float32(offset)
    assert log_sum_exp(logits) == pytest.approx(offset + np.log(np.exp([1, 2, 3]).sum()), rel=1e-6)
    assert log_sum_exp(np.full(3, -np.inf, np.float32)) == -np.inf


def test_no_end_after_opening_a_segment_while_there_is_sound():
    """<|0.00|> text <|0.16|><|0.16|> and then nothing would leave the rest of the window out."""
    logits = np.zeros(N_VOCAB, np.float32)
    for sound_end, may_end in ((0, True), (BEGIN + 8, True), (BEGIN + 9, False)):
        state = RuleState(sound_end=sound_end)
        for token in (BEGIN, 5, 6, BEGIN + 8, BEGIN + 8):
            state = state.after(token, RULES)
        ruled = logits.copy()
        apply(RULES, state, ruled)
        assert bool(ruled[EOT] > -np.inf) == may_end
        assert ruled[5] == 0


def test_a_window_may_be_empty_in_spite_of_sound():
    state = RuleState(sound_end=BEGIN + 9).after(BEGIN, RULES)
    logits = np.zeros(N_VOCAB, np.float32)
    apply(RULES, state, logits)
    assert logits[EOT] == 0
