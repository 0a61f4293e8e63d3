"""Candidates of beams, and beams that continue others, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_sampling import MAX_BEAMS, SEQUENCE_STATE, Beams, SamplingOps, fresh_table
from gpu.errors import DeviceError
from gpu.token_rules import RuleState, log_sum_exp
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
)  # fmt: skip


@pytest.mark.parametrize("k", [1, 6, 17])
@pytest.mark.parametrize("rules", [TINY, *RAGGED, english(51865)], ids=lambda r: f"{r.n_vocab}")
def test_candidates(cuda: CudaDevice, rules, k: int) -> None:
    rng = np.random.default_rng(k)
    run = Run(cuda, rules, 3)
    compared = 0
    for _ in range(2):
        states, logits = random_rows(rng, rules, 3)
        run.sequences.admit(0, on_device(states))
        top = run.candidates(logits, k)
        for i, state in enumerate(states):
            allowed = ruled(rules, state, logits[i])
            if is_close(rules, state, logits[i]):
                continue
            ids = np.argsort(-allowed, kind="stable")[:k]
            n = int((allowed[ids] > NEG_INF).sum())
            assert top.ids[i, :n].tolist() == ids[:n].tolist()
            expected = np.full(k, NEG_INF)
            expected[:n] = allowed[ids[:n]] - log_sum_exp(allowed)
            assert top.logprobs[i] == pytest.approx(expected, abs=2e-5)
            compared += 1
    assert compared > 2


def test_candidates_of_logits_that_are_no_numbers(cuda: CudaDevice) -> None:
    run = Run(cuda, TINY, 1)
    run.sequences.admit(0, on_device([RuleState(2)]))
    logits = np.zeros((1, TINY.n_vocab), f32)
    logits[0, 5] = np.nan
    with pytest.raises(DeviceError, match="not numbers"):
        run.candidates(logits, 3)


def check_beams(cuda: CudaDevice, n_kept_of_steps: list[int], n_text_ctx: int, n_prompt: int, seed: int) -> None:
    """Each remembers what every position of it was made by, however often it changed its row."""
    n = max(n_kept_of_steps)
    run = Run(cuda, TINY, n)
    beams = Beams(run.arena, TINY, n, 2)
    table = run.arena.take((n, n_text_ctx), np.int32)
    cuda.upload(table, fresh_table(0, n, n_prompt, n_text_ctx))
    run.sequences.admit(0, on_device([RuleState()] * n, pos=n_prompt - 1))
    cache = np.full((n, n_text_ctx), -1)  # what each row of the cache holds at each position
    cache[0, :n_prompt] = np.arange(n_prompt)
    histories, states, live = [list(range(n_prompt)) for _ in range(n)], [RuleState() for _ in range(n)], n
    rng = np.random.default_rng(seed)
    for pos, n_kept in zip(range(n_prompt, n_text_ctx), n_kept_of_steps, strict=False):
        parents, tokens = rng.integers(0, live, n_kept).tolist(), rng.integers(0, TINY.n_vocab, n_kept).tolist()
        SamplingOps(cuda).continue_beams(run.sequences, beams, table, parents, tokens)
        histories = [[*histories[parent], 1000 * pos + token] for parent, token in zip(parents, tokens, strict=True)]
        states = [states[parent].after(token, TINY) for parent, token in zip(parents, tokens, strict=True)]
        live = n_kept
        records = cuda.download(run.sequences.states).reshape(-1).view(SEQUENCE_STATE)
        assert records["done"].tolist() == [0] * live + [1] * (n - live)
        for i in range(live):
            expected = on_device([states[i]], pos=pos, token=tokens[i])[0]
            for name in ("token", "pos", "n_sampled", "last_timestamp", "flags"):
                assert records[i][name] == expected[name], name
            cache[i, pos] = histories[i][-1]  # the step appends it
        where = cuda.download(table)
        for i in range(live):
            assert cache[where[i, : pos + 1], np.arange(pos + 1)].tolist() == histories[i]


@settings(max_examples=25)
@given(data=st.data(), most=st.integers(1, 9), n_text_ctx=st.sampled_from([5, 37, 300, 448]))
def test_beams_continue_others(cuda: CudaDevice, data: st.DataObject, most: int, n_text_ctx: int) -> None:
    n_prompt = data.draw(st.integers(1, n_text_ctx - 1))
    kept = data.draw(st.lists(st.integers(1, most), min_size=1, max_size=4))
    check_beams(cuda, kept, n_text_ctx, n_prompt, data.draw(st.integers(0, 2**32 - 1)))


@pytest.mark.parametrize("kept", [[MAX_BEAMS], [3, MAX_BEAMS, 20, MAX_BEAMS]], ids=str)
def test_as_many_beams_as_there_can_be(cuda: CudaDevice, kept: list[int]) -> None:
    check_beams(cuda, kept, 448, 300, 1)
