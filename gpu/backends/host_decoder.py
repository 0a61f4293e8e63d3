"""A `Decoder` for backends whose logits are in host memory anyway: rules and choices in NumPy, on top of three calls.

The CPU backends use it. A backend that keeps its logits on a device implements `Decoder` itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import Cross, DecodePlan, Floats, Prefill, RowParams, Steps, TopK
from gpu.cancel import CancelToken
from gpu.token_rules import RuleState, apply, log_sum_exp

# Logits between two tokens that are to be looked at more closely: several times what rounding the last product's inputs
# to int8 can move them, and where a look at what follows pays most (ARCHITECTURE.md).
NEAR_TIE = np.float32(0.5)
# By how much the second token must be better then: what rounding inputs to int8 moves the sums of two steps by.
CLEARLY_BETTER = np.float32(0.1)

_BLOCK = 64  # logits


class LogitsModel(Protocol):
    """The decoder network with its caches for the sequences of each slot's window."""

    def prefill(self, slot: int, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        """Start a slot's sequences with the prompt; the logits after the positions `take`: (len(take), n_vocab)."""
        ...

    def step(self, tokens: Mapping[int, Sequence[int]]) -> Mapping[int, Floats]:
        """Append one token to each sequence of every slot in use, as many as `reorder` left.

        Returns:
            By slot the logits after it, (sequences, n_vocab) float32, valid until the next call.
        """
        ...

    def exact(self, slot: int, sequence: int, ids: Sequence[int]) -> Floats:
        """The latest logits of a few tokens of one sequence, (len(ids),), in float32 throughout the last product."""
        ...

    def branch(self, slot: int, tokens: Sequence[int]) -> Floats:
        """What if a slot's only sequence went on with each of two tokens: the logits after them, (2, n_vocab)."""
        ...

    def take_branch(self, slot: int, i: int) -> None:
        """It does go on with the i-th of them."""
        ...

    def reorder(self, slot: int, parents: Sequence[int]) -> None:
        """A slot's sequence i continues what its sequence parents[i] was; there may be fewer than the plan's."""
        ...

    def retire(self, slot: int) -> None:
        """A slot is not used any more, if it was."""
        ...

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        """See `gpu.backends.base.Decoder`."""
        ...


@dataclass
class _Slot:
    """The sequences of one window."""

    params: RowParams
    rng: np.random.Generator
    states: list[RuleState]
    done: list[bool]
    logits: Floats | None  # after the last tokens; None while `pending` waits to be appended
    pending: list[int]


class HostDecoder:
    """See `gpu.backends.base.Decoder`."""

    def __init__(self, plan: DecodePlan, model: LogitsModel, cancel: CancelToken) -> None:
        self._plan = plan
        self._model = model
        self._cancel = cancel
        self._slots: dict[int, _Slot] = {}  # unfinished windows
        self._scratch = np.empty(plan.rules.n_vocab, np.float32)

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        if slot in self._slots or not 0 <= slot < self._plan.rows:
            raise ValueError(f"slot {slot} of {self._plan.rows} is not free")
        n = self._plan.sequences
        sot = len(prompt) - 1 - list(reversed(prompt)).index(self._plan.rules.sot)
        logits = self._model.prefill(slot, cross, prompt, (sot, len(prompt) - 1))
        rng = np.random.Generator(np.random.Philox(params.seed))
        repeated = np.repeat(logits[1:2], n, axis=0)
        given = prompt[len(prompt) - params.n_given :]
        state = RuleState.behind(given, params.sound_end, self._plan.rules)
        self._slots[slot] = _Slot(params, rng, [state] * n, [False] * n, repeated, [])
        return Prefill(sot_logprobs=logits[0] - np.float32(log_sum_exp(logits[0])))

    def advance(self, n: int) -> Steps:
        size = self._plan.rows * self._plan.sequences
        steps = Steps([[] for _ in range(size)], [[] for _ in range(size)], [True] * size)
        for _ in range(n):
            self._cancel.check()
            for slot in list(self._slots):
                while slot in self._slots and self._slots[slot].logits is not None:  # again after looking ahead
                    self._choose_tokens(slot, steps)
            if not self._slots:
                break
            self._append_pending()
        for slot, state in self._slots.items():
            first = slot * self._plan.sequences
            steps.done[first : first + self._plan.sequences] = state.done
        return steps

    def candidates(self) -> TopK:
        self._cancel.check()
        self._append_pending()
        state = self._only()
        assert state.logits is not None
        rows = []
        for row, rules in zip(state.logits, state.states, strict=True):
            ruled = self._ruled(row, rules)
            ids = largest(ruled, self._plan.top_k)
            rows.append((ids, ruled[ids] - np.float32(log_sum_exp(ruled))))
        ids, logprobs = zip(*rows, strict=True)
        return TopK(np.stack(ids), np.stack(logprobs))

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        state = self._only()
        self._model.reorder(0, parents)
        state.states = [state.states[p].after(t, self._plan.rules) for p, t in zip(parents, tokens, strict=True)]
        state.pending, state.logits = list(tokens), None

    def retire(self, slot: int) -> None:
        self._slots.pop(slot, None)
        self._model.retire(slot)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        return self._model.attention(slot, cross, first)

    def debug_logits(self) -> Floats:
        self._append_pending()
        return np.concatenate([s.logits for _, s in sorted(self._slots.items()) if s.logits is not None])

    def _only(self) -> _Slot:
        """The one slot of a beam search."""
        if self._plan.rows != 1:
            raise ValueError(f"beam search decodes one window at a time, the plan asks for {self._plan.rows}")
        return self._slots[0]

    def _append_pending(self) -> None:
        """Bring every slot's logits up to its tokens: one step for all."""
        waiting = {slot: state.pending for slot, state in self._slots.items() if state.logits is None}
        if waiting:
            for slot, logits in self._model.step(waiting).items():
                self._slots[slot].logits = logits

    def _choose_tokens(self, slot: int, steps: Steps) -> None:
        """One token for each unfinished sequence of a slot."""
        state, rules = self._slots[slot], self._plan.rules
        assert state.logits is not None
        all_logits, state.logits, state.pending = state.logits, None, []
        budget = state.params.budget(self._plan.max_tokens)
        for i, logits in enumerate(all_logits):
            if state.done[i]:
                state.pending.append(rules.eot)
                continue
            token, logprob = self._choose_token(slot, i, logits)
            steps.tokens[slot * self._plan.sequences + i].append(token)
            steps.logprobs[slot * self._plan.sequences + i].append(logprob)
            state.states[i] = state.states[i].after(token, rules)
            state.done[i] = token == rules.eot or state.states[i].n_sampled >= budget
            state.pending.append(token)
        if all(state.done):
            self.retire(slot)

    def _ruled(self, logits: Floats, state: RuleState) -> Floats:
        """Valid until the next call."""
        np.copyto(self._scratch, logits)
        apply(self._plan.rules, state, self._scratch)
        return self._scratch

    def _choose_token(self, slot: int, sequence: int, logits: Floats) -> tuple[int, float]:
        state = self._slots[slot]
        ruled = self._ruled(logits, state.states[sequence])
        if state.params.temperature == 0:
            token = self._greedy(slot, sequence, ruled)
        else:  # Gumbel-max: the argmax of logits / T + Gumbel noise is a draw from softmax(logits / T)
            noise = state.rng.gumbel(size=ruled.shape).astype(np.float32)
            token = int((ruled / np.float32(state.params.temperature) + noise).argmax())
        return token, float(ruled[token]) - log_sum_exp(ruled)

    def _greedy(self, slot: int, sequence: int, ruled: Floats) -> int:
        best = int(ruled.argmax())
        tied = np.flatnonzero(ruled > ruled[best] - NEAR_TIE)
        if len(tied) == 1:
            return best
        exact = self._model.exact(slot, sequence, tied.tolist())
        order = exact.argsort()[::-1][:2]
        first, second = (int(tied[i]) for i in order)
        near = exact[order[0]] - exact[order[1]] < NEAR_TIE
        if not near or self._plan.sequences > 1 or self._plan.rules.eot in (first, second):
            return first
        return self._look_ahead(slot, (first, second), exact[order])

    def _look_ahead(self, slot: int, tokens: tuple[int, int], logits: Floats) -> int:
        """The one of two tokens that goes better with what follows it: a beam search of two beams and one token.

        A timestamp that may follow counts as one token, whichever it is: its probability is spread over many.
        """
        state, rules = self._slots[slot], self._plan.rules
        after = self._model.branch(slot, tokens).copy()
        for i, token in enumerate(tokens):
            ruled = after[i].copy()
            apply(rules, state.states[0].after(token, rules), ruled)
            best = max(float(ruled[: rules.timestamp_begin].max()), log_sum_exp(ruled[rules.timestamp_begin :]))
            logits[i] += best - log_sum_exp(ruled)
        better = int(logits[1] > logits[0] + CLEARLY_BETTER)
        self._model.take_branch(slot, better)
        state.logits = after[better : better + 1]
        return tokens[better]


def largest(logits: Floats, k: int) -> NDArray[np.int64]:
    """The indices of the `k` largest of (n,) values, largest first. They lie in the `k` blocks with the largest maxima,
    so that few values have to be ordered."""
    n_blocks = len(logits) // _BLOCK
    if n_blocks <= k:
        return np.argsort(-logits, kind="stable")[:k]
    whole = n_blocks * _BLOCK
    maxima = logits[:whole].reshape(n_blocks, _BLOCK).max(axis=1)
    blocks = np.sort(np.argpartition(-maxima, k)[:k])
    in_blocks = (blocks[:, np.newaxis] * _BLOCK + np.arange(_BLOCK)).ravel()
    among = np.concatenate([in_blocks, np.arange(whole, len(logits))])
    chosen: NDArray[np.int64] = among[np.argsort(-logits[among], kind="stable")[:k]]
    return chosen
