"""What the host knows of the sequences on the device: rules as masks, fresh states, rings of tokens, memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.backends.base import RowParams
from gpu.backends.cuda_arena import Arena, aligned
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_sampling import (
    MAX_BEAMS,
    RING,
    SEQUENCE_STATE,
    Beams,
    Sequences,
    fresh_states,
    fresh_table,
    supports,
    token_masks,
)  # fmt: skip
from gpu.backends.cuda_weights import DeviceMatrix
from gpu.token_rules import RuleState, TokenRules, apply
from tests.support.cuda.choices import RAGGED, TINY, Run, english, f32, rules_of


def test_the_state_is_64_bytes_without_gaps() -> None:
    assert SEQUENCE_STATE.itemsize == 64
    assert [SEQUENCE_STATE.fields[name][1] for name in SEQUENCE_STATE.names] == [4 * i for i in range(15)]


@given(
    rules=st.sampled_from([TINY, *RAGGED, english(51866), replace(TINY, suppressed=(), blank=())]),
    chosen=st.booleans(),
)
def test_masks_are_the_rules_that_need_no_state(rules: TokenRules, chosen: bool) -> None:
    logits = np.full(rules.n_vocab, -1, f32)
    logits[0] = 1e4  # text wins, unless it is barred
    apply(rules, RuleState(n_sampled=int(chosen)), logits)
    mask = token_masks(rules)[0 if chosen else 1]
    bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
    assert mask.dtype == np.uint32
    assert np.flatnonzero(bits[: rules.n_vocab]).tolist() == np.flatnonzero(np.isneginf(logits)).tolist()


def test_a_state_goes_on_behind_what_is_given() -> None:
    begun = RuleState(n_sampled=4, last_was_timestamp=True, penultimate_was_timestamp=False, last_timestamp=50370)
    [state] = fresh_states(RowParams(), [5, 50370], 0, 1, 224, begun)
    assert (state["n_sampled"], state["last_timestamp"], state["flags"]) == (4, 50370, 1)


def test_fresh_states() -> None:
    states = fresh_states(RowParams(temperature=0.4, seed=7, sound_end=99, max_tokens=30), [5, 6, 9], 3, 2, 224)
    first = {name: states[0][name] for name in SEQUENCE_STATE.names}
    assert {name: first[name] for name in ("token", "pos", "slot", "sound_end", "budget", "flags", "n_out")} == {
        "token": 9, "pos": 2, "slot": 3, "sound_end": 99, "budget": 30, "flags": 2, "n_out": 0,
    }  # fmt: skip
    assert first["temperature"] == f32(0.4)
    keys = [(state["seed_lo"], state["seed_hi"]) for state in states]
    assert keys[0] != keys[1]
    again = fresh_states(RowParams(seed=7), [1], 0, 2, 224)
    assert [(state["seed_lo"], state["seed_hi"]) for state in again] == keys
    assert again["budget"].tolist() == [224, 224]
    assert fresh_states(RowParams(seed=8), [1], 0, 1, 224)["seed_lo"] != keys[0][0]


def test_a_fresh_table() -> None:
    assert fresh_table(3, 2, 2, 4).tolist() == [[3, 3, 3, 3], [3, 3, 4, 4]]


def test_rules_that_look_back_are_refused(cuda: CudaDevice) -> None:
    assert supports(TINY)
    for rules in (replace(TINY, repetition_penalty=1.2), replace(TINY, no_repeat_ngram_size=3)):
        assert not supports(rules)
        with pytest.raises(ValueError, match="look back"):
            Sequences(cuda, Arena(cuda, 1 << 20), rules, 1)


def test_too_many_beams_are_refused(cuda: CudaDevice) -> None:
    with pytest.raises(ValueError, match="64 beams at most, not 65"):
        Beams(Arena(cuda, 1 << 20), TINY, MAX_BEAMS + 1, 2)


@pytest.mark.parametrize("rules", [TINY, english(51866)], ids=lambda r: f"{r.n_vocab}")
def test_the_memory_is_what_the_plan_adds_up(cuda: CudaDevice, rules: TokenRules) -> None:
    arrays = [*Sequences.arrays(rules, 5).values(), *Beams.arrays(rules, 5, 6).values()]
    n_bytes = sum(aligned(int(np.prod(shape)) * np.dtype(dtype).itemsize) for shape, dtype in arrays)
    arena = Arena(cuda, n_bytes)
    Sequences(cuda, arena, rules, 5)
    Beams(arena, rules, 5, 6)
    assert arena.used == n_bytes


def test_what_does_not_fit_is_refused(cuda: CudaDevice) -> None:
    run = Run(cuda, TINY, 2)
    for shape in ((3, TINY.n_vocab), (2, TINY.n_vocab + 1)):
        with pytest.raises(ValueError, match=r"of 2 sequences and 58 tokens"):
            run.ops.choose(run.arena.take(shape, f32), run.sequences)
    matrix = DeviceMatrix("F32", TINY.n_vocab, 64, run.arena.take((TINY.n_vocab * 256,), np.uint8))
    for n_rows, n_state, n_positions in ((3, 64, 64), (2, 128, 128), (2, 64, 128)):
        positions, x = run.arena.take((5, n_positions), f32), run.arena.take((n_rows, n_state), f32)
        with pytest.raises(ValueError, match="rows of 64"):
            run.ops.embed(matrix, positions, run.sequences, x)


def test_more_tokens_than_the_ring_holds_are_noticed(cuda: CudaDevice) -> None:
    run = Run(cuda, rules_of(20, 33), 1)
    run.sequences.admit(0, fresh_states(RowParams(), [0], 0, 1, 448))
    logits = np.zeros((1, run.rules.n_vocab), f32)
    run.device.upload(run.logits, logits)
    for _ in range(RING + 1):
        run.ops.choose(run.logits, run.sequences)
    with pytest.raises(ValueError, match="9 tokens were chosen before anyone looked"):
        run.sequences.read()


def test_a_retired_sequence_has_no_tokens_and_a_new_one_only_its_own(cuda: CudaDevice) -> None:
    run = Run(cuda, TINY, 3)
    logits = np.zeros((3, TINY.n_vocab), f32)
    run.sequences.admit(1, fresh_states(RowParams(), [0], 1, 2, 448))
    assert [len(tokens) for tokens in run.choose(logits).tokens] == [0, 1, 1]
    run.sequences.retire(1, 1)
    steps = run.choose(logits)
    assert ([len(tokens) for tokens in steps.tokens], steps.done) == ([0, 0, 1], [True, True, False])
    run.sequences.admit(0, fresh_states(RowParams(max_tokens=1), [0], 0, 1, 448))
    steps = run.choose(logits)
    assert ([len(tokens) for tokens in steps.tokens], steps.done) == ([1, 0, 1], [True, True, False])


def test_a_captured_graph_goes_on_from_token_to_token(cuda: CudaDevice) -> None:
    run, eager = Run(cuda, TINY, 2), Run(cuda, TINY, 2)
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((2, TINY.n_vocab)).astype(f32)
    states = fresh_states(RowParams(temperature=0.8), [0], 0, 2, 448)
    for one in (run, eager):
        one.device.upload(one.logits, logits)
        one.sequences.admit(0, states)
    with cuda.capture() as graph:
        run.ops.choose(run.logits, run.sequences)
    for _ in range(RING):
        graph.launch()
        eager.ops.choose(eager.logits, eager.sequences)
    steps = run.sequences.read()
    assert steps == eager.sequences.read()
    assert len(steps.tokens[0]) == RING
    assert graph.n_nodes == 2
