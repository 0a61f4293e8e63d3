"""Loops, and the rules against repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.decoding import repeating_from
from gpu.token_rules import NEG_INF, RuleState, TokenRules, apply

tokens = st.integers(0, 50)


@given(st.lists(tokens, max_size=40), st.lists(tokens, min_size=1, max_size=12), st.integers(4, 12))
def test_a_loop_is_found_after_its_first_time(before, phrase, times):
    sequence = before + phrase * times
    start = repeating_from(sequence)
    if len(phrase) * times >= 24:
        assert start is not None
        period = min(p for p in range(1, len(phrase) + 1) if phrase * 2 == (phrase * 2)[p:] + (phrase * 2)[:p])
        assert start <= len(before) + period
        assert sequence[start - period :][:period] * 2 == sequence[start - period : start + period]


@given(st.lists(tokens, max_size=23))
def test_short_sequences_are_no_loops(sequence):
    assert repeating_from(sequence) is None


@pytest.mark.parametrize("phrase", [[7], [1, 2], list(range(20))])
def test_saying_it_three_times_is_no_loop(phrase):
    assert repeating_from([*range(100, 120), *phrase * 3]) is None


def test_a_loop_that_ended_is_none():
    assert repeating_from([5] * 100 + [6, 7]) is None


def rules(**kwargs):
    return TokenRules(
        n_vocab=20, sot=11, eot=10, no_timestamps=12, timestamp_begin=13, suppressed=(), blank=(),
        max_initial_timestamp=5, **kwargs,
    )  # fmt: skip


def state_after(given_rules, *sampled):
    state = RuleState()
    for token in sampled:
        state = state.after(token, given_rules)
    return state


def test_repetition_penalty():
    penal = rules(repetition_penalty=2.0)
    logits = np.array([4, -4, 1, *[0] * 7, -9, -9, -9, *[-9] * 7], np.float32)
    apply(penal, state_after(penal, 13, 0, 1), logits)
    assert logits[:3].tolist() == [2, -8, 1], "what was said is less likely, above and below zero"


def test_no_ngram_twice():
    strict = rules(no_repeat_ngram_size=3)
    logits = np.array([0.0] * 13 + [-9.0] * 7, np.float32)
    apply(strict, state_after(strict, 13, 1, 2, 3, 14, 14, 1, 2), logits)
    assert logits[3] == NEG_INF, "1 2 3 was there, times between them or not"
    assert np.isfinite(logits[[1, 2, 4]]).all()
    logits = np.array([0.0] * 13 + [-9.0] * 7, np.float32)
    apply(strict, state_after(strict, 13, 1, 2), logits)
    assert np.isfinite(logits[:10]).all()


def test_the_rules_do_not_look_back_unless_asked():
    assert state_after(rules(), 13, 1, 2, 3).text == ()
