"""A decoder that stays on the device: rules, choice and state too, so that a step is one captured graph.

Eight tokens a sequence are chosen between two looks of the host. Greedy is greedy here: `HostDecoder`'s look ahead at
near ties is a remedy for logits whose inputs were rounded to int8 once more, and takes a host that sees the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Floats, Prefill, RowParams, Steps, TopK
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_graph import Replays
from gpu.backends.cuda_sampling import RING, Beams, SamplingOps, fresh_states
from gpu.backends.cuda_slots import Slots
from gpu.cancel import CancelToken
from gpu.token_rules import RuleState

BUCKETS = (1, 2, 4, 8, 16)  # rows that a graph is captured for


class CudaDecoder:
    """See `gpu.backends.base.Decoder`; for rules that do not look back on the text."""

    def __init__(
        self, device: CudaDevice, plan: DecodePlan, slots: Slots, beams: Beams | None, cancel: CancelToken
    ) -> None:
        self._device, self._plan, self._slots, self._beams, self._cancel = device, plan, slots, beams, cancel
        self._sampling = SamplingOps(device)
        self._replays = Replays(device)
        self._active: set[int] = set()  # slots with unfinished sequences
        self._n_beams = 0  # of the window, that are not the same
        self._stepped = False  # whether they have read the tokens they were given
        self._records = device.pinned(slots.sequences.records.shape, np.int32)

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        if slot in self._active or not 0 <= slot < self._plan.rows:
            raise ValueError(f"slot {slot} of {self._plan.rows} is not free")
        n = self._plan.sequences
        sot = len(prompt) - 1 - list(reversed(prompt)).index(self._plan.rules.sot)
        # The prompt's last token is what the first step appends; it is read here only where `sot` is the last.
        self._slots.begin(slot, cross, prompt, max(sot + 1, len(prompt) - 1))
        logits = self._slots.logits_after(sot)
        self._sampling.log_softmax(logits, logits)
        logprobs = self._device.download(logits)[0]
        room = self._slots.buffers.n_ctx - len(prompt) + 1  # nothing on the device looks where the cache ends
        given = prompt[len(prompt) - params.n_given :]
        begun = RuleState.behind(given, params.sound_end, self._plan.rules)
        states = fresh_states(params, prompt, slot, n, min(self._plan.max_tokens, room), begun)
        self._slots.sequences.admit(slot * n, states)
        self._active.add(slot)
        self._slots.n_read[slot] = len(prompt) - 1
        self._n_beams, self._stepped = 1, False  # all are the prompt so far
        return Prefill(sot_logprobs=logprobs)

    def advance(self, n: int) -> Steps:
        size = self._plan.rows * self._plan.sequences
        steps = Steps([[] for _ in range(size)], [[] for _ in range(size)], [True] * size)
        while n > 0 and self._active:
            self._cancel.check()
            for _ in range(min(n, RING)):
                self._run("choose", self._rows(), self._choose)
            n -= RING
            self._read_into(steps)
        return steps

    def candidates(self) -> TopK:
        self._cancel.check()
        beams = self._only()
        self._run("candidates", self._n_beams, self._find_candidates)
        self._stepped = True
        return self._sampling.read_candidates(beams, self._n_beams)

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        if not self._stepped:  # nobody asked what may follow
            self._slots.step(self._n_beams)
        if self._n_beams == 1:
            parents = [0] * len(parents)
        self._sampling.continue_beams(self._slots.sequences, self._only(), self._slots.buffers.table, parents, tokens)
        self._n_beams, self._stepped = len(parents), False

    def retire(self, slot: int) -> None:
        if slot in self._active:
            self._active.remove(slot)
            self._slots.sequences.retire(slot * self._plan.sequences, self._plan.sequences)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        return self._slots.attention(slot, cross, first)

    def debug_logits(self) -> Floats:
        n, each = self._rows(), self._plan.sequences
        self._slots.step(n)
        logits = self._slots.download(self._slots.buffers.logits[:n])
        if self._beams is not None:
            return logits[: self._n_beams]
        return np.concatenate([logits[slot * each : slot * each + each] for slot in sorted(self._active)])

    def _only(self) -> Beams:
        if self._beams is None:
            raise ValueError(f"beam search decodes one window at a time, the plan asks for {self._plan.rows}")
        return self._beams

    def _rows(self) -> int:
        """Sequences up to the last that is not finished."""
        return (max(self._active) + 1) * self._plan.sequences

    def _run(self, kind: str, n: int, launch: Callable[[int], None]) -> None:
        """A step for at least `n` sequences."""
        bucket = next((b for b in BUCKETS if b >= n), n)
        rows = min(bucket, self._slots.buffers.n)
        self._replays.run((kind, rows), lambda: launch(rows))

    def _choose(self, rows: int) -> None:
        self._slots.step(rows)
        self._sampling.choose(self._slots.buffers.logits[:rows], self._slots.sequences)

    def _find_candidates(self, rows: int) -> None:
        assert self._beams is not None
        self._slots.step(rows)
        self._sampling.candidates(self._slots.buffers.logits[:rows], self._slots.sequences, self._beams)

    def _read_into(self, steps: Steps) -> None:
        """Wait until the device has come this far, without keeping the processor busy."""
        sequences, each = self._slots.sequences, self._plan.sequences
        self._device.download(sequences.records, self._records, wait=False)
        self._device.event().wait()
        new = sequences.steps(self._records)
        for i, (tokens, logprobs) in enumerate(zip(new.tokens, new.logprobs, strict=True)):
            steps.tokens[i] += tokens
            steps.logprobs[i] += logprobs
        steps.done[:] = new.done
        for slot in list(self._active):
            first = slot * each
            self._slots.n_read[slot] += len(new.tokens[first])
            if all(new.done[first : first + each]):
                self._active.remove(slot)
