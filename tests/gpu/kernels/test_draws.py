"""Random tokens: the generator, its draws, and the distribution that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.backends.base import RowParams
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_sampling import fresh_states
from gpu.token_rules import RuleState
from tests.support.cuda.choices import TINY, Run, f32, on_device, random_rows, ruled, rules_of

u32, u64 = np.uint32, np.uint64


def philox(counter: NDArray[u32], key: NDArray[u32]) -> NDArray[u32]:
    """Philox4x32-10 of (n, 4) counters and (2,) keys, (n, 4) words."""
    c, k = counter.astype(u64), [u64(word) for word in key]
    for _ in range(10):
        first, second = u64(0xD2511F53) * c[:, 0], u64(0xCD9E8D57) * c[:, 2]
        low = u64(0xFFFFFFFF)
        c = np.stack(
            [second >> u64(32) ^ c[:, 1] ^ k[0], second & low, first >> u64(32) ^ c[:, 3] ^ k[1], first & low], 1
        )
        k = [k[0] + u64(0x9E3779B9) & low, k[1] + u64(0xBB67AE85) & low]
    return c.astype(u32)


# Random123's kat_vectors, "philox4x32 10": counter, key, words.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> NDArray[u32]:
    return np.array([int(word, 16) for word in text.split()], u32)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers(counter: str, key: str, expected: str) -> None:
    assert philox(words(counter)[np.newaxis], words(key))[0].tolist() == words(expected).tolist()


def noise(n_vocab: int, begin: int, state: NDArray) -> NDArray[np.float64]:
    """(n_vocab,) the Gumbel noise of a step: each block of 1024 tokens of one kind has its 256 counters of 4 words."""
    kinds = []
    n_blocks = 0
    for n_tokens in (begin, n_vocab - begin):
        blocks = np.arange(n_blocks, n_blocks + -(-n_tokens // 1024))
        n_blocks += len(blocks)
        first = (blocks[:, np.newaxis] * 256 + np.arange(256)).ravel()
        counter = np.zeros((len(first), 4), u32)
        counter[:, 0], counter[:, 1] = first, state["n_sampled"]
        of_thread = philox(counter, np.array([state["seed_lo"], state["seed_hi"]]))
        kinds.append(of_thread.reshape(len(blocks), 256, 4).transpose(0, 2, 1).ravel()[:n_tokens])
    uniform = (np.concatenate(kinds).astype(np.float64) + 0.5) * 2.0**-32
    return -np.log(-np.log1p(-uniform))


@pytest.mark.parametrize("rules", [TINY, rules_of(2100, 1030)], ids=lambda r: f"{r.n_vocab}")
def test_draws_are_those_of_the_generator(cuda: CudaDevice, rules) -> None:
    rng = np.random.default_rng(1)
    run = Run(cuda, rules, 4)
    for _ in range(4):
        states, logits = random_rows(rng, rules, 4)
        key = rng.integers(0, 2**32, (2, 4), u32)
        records = on_device(states, temperature=[0.2, 0.5, 1, 1.5], seed_lo=key[0], seed_hi=key[1])
        run.sequences.admit(0, records)
        steps = run.choose(logits)
        for i, state in enumerate(states):
            allowed = ruled(rules, state, logits[i])
            drawn = allowed / records[i]["temperature"] + noise(rules.n_vocab, rules.timestamp_begin, records[i])
            token = int(drawn.argmax())
            assert drawn[token] - np.partition(drawn, -2)[-2] > 1e-4  # else rounding decides
            assert steps.tokens[i] == [token]


def test_the_same_seed_draws_the_same_wherever_it_is(cuda: CudaDevice) -> None:
    logits = np.zeros((6, TINY.n_vocab), f32)
    drawn = []
    for first in (0, 3):
        run = Run(cuda, TINY, 6)
        run.sequences.admit(first, fresh_states(RowParams(temperature=1.0, seed=5), [0], 0, 3, 448))
        for _ in range(8):
            run.device.upload(run.logits, logits)
            run.ops.choose(run.logits, run.sequences)
        drawn.append(run.sequences.read().tokens[first : first + 3])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1] != drawn[0][2]


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_draws_follow_the_distribution(cuda: CudaDevice, temperature: float) -> None:
    """Pearson's chi-square of 2048 draws: what the softmax at that temperature expects."""
    n, n_launches = 128, 16
    logits = np.log([0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02]).astype(f32)
    allowed = [i for i in range(TINY.eot) if i not in TINY.suppressed][: len(logits)]
    row = np.full(TINY.n_vocab, -np.inf, f32)
    row[allowed] = logits
    run = Run(cuda, TINY, n)
    counts = np.zeros(TINY.n_vocab, int)
    for launch in range(n_launches):
        records = on_device([RuleState(1)] * n, temperature=temperature, seed_lo=np.arange(n), seed_hi=launch)
        run.sequences.admit(0, records)
        counts += np.bincount(np.ravel(run.choose(np.tile(row, (n, 1))).tokens), minlength=TINY.n_vocab)
    expected = np.exp(logits / temperature)
    expected *= n * n_launches / expected.sum()
    assert counts.sum() == counts[allowed].sum() == n * n_launches
    assert ((counts[allowed] - expected) ** 2 / expected).sum() < 22.5  # exceeded once in a thousand seeds, 6 d.o.f.
