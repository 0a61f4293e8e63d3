"""The decoder network on the device for `HostDecoder`: rules that look back on the text need the logits on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Floats
from gpu.backends.cuda_sampling import SEQUENCE_STATE
from gpu.backends.cuda_slots import Slots
from gpu.backends.token_embedding import TokenEmbedding


class CudaLogits:
    """See `host_decoder.LogitsModel`."""

    def __init__(self, plan: DecodePlan, slots: Slots, embedding: TokenEmbedding) -> None:
        self._n, self._slots, self._embed = plan.sequences, slots, embedding
        self._states = np.zeros(slots.sequences.n, SEQUENCE_STATE)
        self._states["done"] = 1
        self._hidden: dict[int, Floats] = {}  # behind a slot's latest logits, (sequences, d)
        self._branch_tokens: Sequence[int] = ()
        self._branch_hidden = np.empty((0, 0), np.float32)

    def prefill(self, slot: int, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        self._slots.begin(slot, cross, prompt, len(prompt))
        states = self._of(slot)
        states["slot"], states["pos"] = slot, len(prompt)
        self._hidden[slot] = np.repeat(self._slots.hidden_after(len(prompt) - 1), self._n, axis=0)
        return np.concatenate([self._slots.download(self._slots.logits_after(position)) for position in take])

    def step(self, tokens: Mapping[int, Sequence[int]]) -> dict[int, Floats]:
        for slot, new in tokens.items():
            self._of(slot)["token"][: len(new)] = new
            self._slots.n_read[slot] += 1
        logits, hidden = self._run({slot * self._n + i for slot, new in tokens.items() for i in range(len(new))})
        found = {}
        for slot, new in tokens.items():
            rows = slice(slot * self._n, slot * self._n + len(new))
            self._hidden[slot], found[slot] = hidden[rows], logits[rows]
            self._of(slot)["pos"] += 1
        return found

    def exact(self, slot: int, sequence: int, ids: Sequence[int]) -> Floats:
        exact: Floats = np.stack([self._embed.row(token) for token in ids]) @ self._hidden[slot][sequence]
        return exact

    def branch(self, slot: int, tokens: Sequence[int]) -> Floats:
        """One after the other at the same place: the second stays in the cache until `take_branch`."""
        tried = [self._run_alone(slot, token) for token in tokens]
        self._branch_tokens = tokens
        self._branch_hidden = np.concatenate([hidden for _, hidden in tried])
        return np.concatenate([logits for logits, _ in tried])

    def take_branch(self, slot: int, i: int) -> None:
        if i < len(self._branch_tokens) - 1:
            self._run_alone(slot, self._branch_tokens[i])
        self._states["pos"][slot] += 1
        self._slots.n_read[slot] += 1
        self._hidden[slot] = self._branch_hidden[i : i + 1]

    def _run_alone(self, slot: int, token: int) -> tuple[Floats, Floats]:
        """A slot's only sequence."""
        self._states["token"][slot] = token
        logits, hidden = self._run({slot})
        return logits[slot : slot + 1], hidden[slot : slot + 1]

    def reorder(self, slot: int, parents: Sequence[int]) -> None:
        self._slots.reorder(slot, parents, int(self._of(slot)["pos"][0]))

    def retire(self, slot: int) -> None:
        self._hidden.pop(slot, None)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        return self._slots.attention(slot, cross, first)

    def _run(self, sequences: set[int]) -> tuple[Floats, Floats]:
        """Append what these sequences wait for: logits and the states behind them, of all up to the last."""
        n = max(sequences) + 1
        self._states["done"] = 1
        self._states["done"][list(sequences)] = 0
        self._slots.sequences.admit(0, self._states)
        self._slots.step(n)
        return self._slots.download(self._slots.buffers.logits[:n]), self._slots.hidden(n)

    def _of(self, slot: int) -> np.ndarray:
        """A slot's states."""
        return self._states[slot * self._n : slot * self._n + self._n]
