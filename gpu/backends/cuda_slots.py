"""The windows a decoder on the device works on: prompts, caches and what was looked at, whoever chooses the tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_cross import CudaCross
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_sampling import Sequences, fresh_table
from gpu.backends.cuda_text import TextBuffers, TextNetwork
from gpu.token_rules import TokenRules


class Slots:
    """Buffers for the sequences of each slot's window.

    Args:
        rules: what of the plan's rules the device applies.

    Attributes:
        sequences: their states on the device.
        n_read: by slot, the tokens its first sequence has read, also after it was retired.
    """

    def __init__(
        self, device: CudaDevice, text: TextNetwork, plan: DecodePlan, rules: TokenRules, arena: Arena
    ) -> None:
        self._device, self._text, self._plan = device, text, plan
        self.buffers = TextBuffers(device, arena, text.dims, plan)
        self.sequences = Sequences(device, arena, rules, self.buffers.n)
        self.n_read: dict[int, int] = {}
        self._table = np.zeros(self.buffers.table.shape, np.int32)  # as on the device, if only the host reorders
        self._crosses: dict[int, CudaCross] = {}  # kept alive: the device has only their addresses

    def begin(self, slot: int, cross: Cross, prompt: Sequence[int], n_stored: int) -> None:
        """A window in a slot: the first `n_stored` tokens of its prompt are in the cache afterwards."""
        assert isinstance(cross, CudaCross)
        if cross.encoded is not None:
            self._device.wait(cross.encoded)
        n, address = self._plan.sequences, self._device.address(cross.array)
        self._device.upload(self.buffers.cross[slot : slot + 1], np.array([address], np.uint64))
        self._table[slot * n : slot * n + n] = fresh_table(slot * n, n, len(prompt), self.buffers.n_ctx)
        self._upload_table(slot * n, n)
        self._text.prompt(prompt[:n_stored], slot * n, cross.array, self.buffers)
        self._crosses[slot] = cross
        self.n_read[slot] = len(prompt)

    def logits_after(self, position: int) -> DeviceArray:
        """Of the latest prompt, (1, n_vocab); until the next step."""
        logits = self.buffers.logits[:1]
        self._text.logits_after(position, logits)
        return logits

    def step(self, n: int) -> None:
        """See `TextNetwork.step`."""
        self._text.step(n, self.buffers, self.sequences)

    def hidden(self, n: int) -> Floats:
        """(n, n_text_state) float32: what the latest step's logits are made of."""
        return self.download(self._text.hidden(self.buffers.x[:n], self.buffers.q[:n]))

    def hidden_after(self, position: int) -> Floats:
        """(1, n_text_state) float32: the same of a position of the latest prompt."""
        return self.download(self._text.hidden_after(position, self.buffers.q[:1]))

    def reorder(self, slot: int, parents: Sequence[int], n_cached: int) -> None:
        """A slot's sequence i continues what its sequence parents[i] was."""
        n = self._plan.sequences
        table = self._table[slot * n : slot * n + n]
        table[: len(parents), :n_cached] = table[list(parents), :n_cached]
        self._upload_table(slot * n, n)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        """See `gpu.backends.base.Decoder`."""
        assert isinstance(cross, CudaCross)
        kept = self.buffers.kept
        if kept is None:
            raise ValueError("the plan does not ask for attention")
        parts, done, end = [], first, self.n_read[slot]
        while done < end:
            weights = self._text.looked_at(kept, slot, cross.array, done, end - done)
            parts.append(self.download(weights))
            done += weights.shape[1]
        return np.concatenate(parts, axis=1)

    def download(self, array: DeviceArray) -> Floats:
        return self._device.download(array)

    def _upload_table(self, first: int, n: int) -> None:
        self._device.upload(self.buffers.table[first : first + n], self._table[first : first + n])
