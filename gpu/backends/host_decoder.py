"""A `Decoder` for backends whose logits are in host memory anyway: rules and choices in NumPy, on top of three calls.

The CPU backends use it. A backend that keeps its logits on a device implements `Decoder` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Floats, Prefill, RowParams, Steps, TopK
from gpu.cancel import CancelToken
from gpu.token_rules import RuleState, apply, log_sum_exp

NEAR_TIE = np.float32(0.5)  # logits: several times what rounding the last product's inputs to int8 can move them


class LogitsModel(Protocol):
    """The decoder network with its caches for the sequences of one window."""

    def prefill(self, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        """Start all sequences with the prompt; the logits after the positions `take`: (len(take), n_vocab)."""
        ...

    def step(self, tokens: Sequence[int]) -> Floats:
        """Append one token to each sequence; the logits after it: (n_sequences, n_vocab), valid until the next call."""
        ...

    def exact(self, sequence: int, ids: Sequence[int]) -> Floats:
        """The latest logits of a few tokens of one sequence, (len(ids),), in float32 throughout the last product."""
        ...

    def reorder(self, parents: Sequence[int]) -> None:
        """Sequence i continues what sequence parents[i] was."""
        ...


class HostDecoder:
    """One slot (window) of `plan.sequences` sequences; see `gpu.backends.base.Decoder`."""

    def __init__(self, plan: DecodePlan, model: LogitsModel, cancel: CancelToken) -> None:
        if plan.rows != 1:
            raise ValueError(f"this backend decodes one window at a time, the plan asks for {plan.rows}")
        self._plan = plan
        self._model = model
        self._cancel = cancel
        self._params = RowParams()
        self._rng = np.random.Generator(np.random.Philox(0))
        self._states: list[RuleState] = []
        self._done: list[bool] = []
        self._logits: Floats | None = None  # after the last tokens; None while `_pending` waits to be appended
        self._pending: list[int] = []
        self._scratch = np.empty(plan.rules.n_vocab, np.float32)

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        n = self._plan.sequences
        sot = len(prompt) - 1 - list(reversed(prompt)).index(self._plan.rules.sot)
        logits = self._model.prefill(cross, prompt, (sot, len(prompt) - 1))
        self._params = params
        self._rng = np.random.Generator(np.random.Philox(params.seed))
        self._states = [RuleState()] * n
        self._done = [False] * n
        self._pending = []
        self._logits = np.repeat(logits[1:2], n, axis=0)
        return Prefill(sot_logprobs=logits[0] - np.float32(log_sum_exp(logits[0])))

    def advance(self, n: int) -> Steps:
        steps = Steps([[] for _ in self._states], [[] for _ in self._states], self._done)
        rules = self._plan.rules
        for _ in range(n):
            if all(self._done):
                break
            self._cancel.check()
            logits = self.debug_logits()
            chosen = []
            for i, state in enumerate(self._states):
                if self._done[i]:
                    chosen.append(rules.eot)
                    continue
                token, logprob = self._choose_token(i, logits[i], state)
                steps.tokens[i].append(token)
                steps.logprobs[i].append(logprob)
                self._states[i] = state.after(token, rules)
                self._done[i] = token == rules.eot or self._states[i].n_sampled >= self._plan.max_tokens
                chosen.append(token)
            self._pending, self._logits = chosen, None
        return steps

    def candidates(self) -> TopK:
        self._cancel.check()
        k = self._plan.top_k
        rows = [self._ruled(row, state) for row, state in zip(self.debug_logits(), self._states, strict=True)]
        logprobs = np.stack([row - np.float32(log_sum_exp(row)) for row in rows])  # (n, n_vocab)
        ids = np.argpartition(-logprobs, k, axis=1)[:, :k]
        best = np.take_along_axis(logprobs, ids, axis=1)
        order = np.argsort(-best, axis=1, kind="stable")
        return TopK(np.take_along_axis(ids, order, axis=1), np.take_along_axis(best, order, axis=1))

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        self._model.reorder(parents)
        rules = self._plan.rules
        self._states = [self._states[p].after(t, rules) for p, t in zip(parents, tokens, strict=True)]
        self._pending, self._logits = list(tokens), None

    def retire(self, slot: int) -> None:
        self._states, self._done, self._logits, self._pending = [], [], None, []

    def debug_logits(self) -> Floats:
        if self._logits is None:
            self._logits = self._model.step(self._pending)
        return self._logits

    def _ruled(self, logits: Floats, state: RuleState) -> Floats:
        ruled = logits.copy()
        apply(self._plan.rules, state, ruled)
        return ruled

    def _choose_token(self, sequence: int, logits: Floats, state: RuleState) -> tuple[int, float]:
        ruled = self._scratch
        np.copyto(ruled, logits)
        apply(self._plan.rules, state, ruled)
        if self._params.temperature == 0:
            token = self._greedy(sequence, ruled)
        else:  # Gumbel-max: the argmax of logits / T + Gumbel noise is a draw from softmax(logits / T)
            noise = self._rng.gumbel(size=ruled.shape).astype(np.float32)
            token = int((ruled / np.float32(self._params.temperature) + noise).argmax())
        return token, float(ruled[token]) - log_sum_exp(ruled)

    def _greedy(self, sequence: int, ruled: Floats) -> int:
        best = int(ruled.argmax())
        tied = np.flatnonzero(ruled > ruled[best] - NEAR_TIE)
        return best if len(tied) == 1 else int(tied[self._model.exact(sequence, tied.tolist()).argmax()])
