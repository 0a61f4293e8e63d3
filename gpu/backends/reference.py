"""The reference backend: the plain NumPy network behind the interface every backend has. Slow, for tests and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gpu.alignment_heads import alignment_heads
from gpu.backends.base import Cross, DecodePlan, Floats, Limits
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.reference_model import CrossKV, KVCache, Network
from gpu.cancel import CancelToken
from gpu.devices import cpu_name
from gpu.host_memory import host_memory
from gpu.mel import NumpySpectrogram
from gpu.model_file import ModelFile
from gpu.types import DeviceInfo, MemoryUsage, Words

MAX_ROWS, MAX_SEQUENCES = 8, 16


class ReferenceBackend:
    """See `gpu.backends.base.Backend`. Keeps every weight in float32: 290 MB for the base model.

    BLAS uses its own number of threads. A cancelled `encode` ends after the half layer it is in: for base within
    0.2 s, for larger models later.
    """

    limits = Limits(rows=MAX_ROWS, sequences=MAX_SEQUENCES, short_windows=True)
    encodes_ahead = False

    def __init__(self, model: ModelFile) -> None:
        """Dequantize the weights. The model file may be closed afterwards."""
        self.network = Network(model)
        self.spectrogram = NumpySpectrogram(np.array(model.mel_filters))

    @property
    def device(self) -> DeviceInfo:
        return DeviceInfo("cpu", cpu_name(), Words("Reference engine: plain NumPy"))

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        return [self.network.cross_kv(self.network.encode(window, cancel)) for window in mel]

    def open(self, plan: DecodePlan, cancel: CancelToken) -> HostDecoder:
        return HostDecoder(plan, ReferenceLogits(self.network, plan.sequences), cancel)

    def memory(self) -> MemoryUsage:
        return host_memory()

    def close(self) -> None:
        del self.network


class ReferenceLogits:
    """The sequences of each slot's window, each with its own cache; see `host_decoder.LogitsModel`."""

    def __init__(self, network: Network, n_sequences: int) -> None:
        self._network = network
        self._n = n_sequences
        self._slots: dict[int, _Slot] = {}
        self._tokens: dict[int, list[int]] = {}  # of a slot's first sequence, also after it was retired
        self._free: list[list[KVCache]] = []
        self._branches: list[KVCache] = []
        self._branch_logits = np.empty((0, 0), np.float32)
        self._branch_tokens: list[int] = []

    def prefill(self, slot: int, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        assert isinstance(cross, CrossKV)
        caches = self._new_caches()
        first = caches[0]
        first.offset = 0
        logits = self._network.decode(prompt, first, cross)
        for cache in caches[1:]:
            cache.copy_from(first)
        self._slots[slot] = _Slot(cross, caches, np.repeat(logits[-1:], self._n, axis=0))
        self._tokens[slot] = list(prompt)
        return logits[list(take)]

    def step(self, tokens: Mapping[int, Sequence[int]]) -> dict[int, Floats]:
        for slot, new in tokens.items():
            state = self._slots[slot]
            pairs = zip(new, state.caches, strict=False)  # some may have been given up
            self._tokens[slot].append(new[0])
            state.logits = np.concatenate([self._network.decode([token], cache, state.cross) for token, cache in pairs])
        return {slot: self._slots[slot].logits for slot in tokens}

    def exact(self, slot: int, sequence: int, ids: Sequence[int]) -> Floats:
        return self._slots[slot].logits[sequence, list(ids)]

    def branch(self, slot: int, tokens: Sequence[int]) -> Floats:
        state = self._slots[slot]
        [before] = state.caches
        self._branch_tokens = list(tokens)
        self._branches = self._branches or [self._network.new_cache() for _ in tokens]
        for cache in self._branches:
            cache.copy_from(before)
        pairs = zip(tokens, self._branches, strict=True)
        self._branch_logits = np.concatenate([self._network.decode([t], cache, state.cross) for t, cache in pairs])
        return self._branch_logits

    def take_branch(self, slot: int, i: int) -> None:
        state = self._slots[slot]
        state.caches[0], self._branches[i] = self._branches[i], state.caches[0]
        state.logits = self._branch_logits[i : i + 1]
        self._tokens[slot].append(self._branch_tokens[i])

    def reorder(self, slot: int, parents: Sequence[int]) -> None:
        state, spare = self._slots[slot], self._new_caches()
        for cache, parent in zip(spare, parents, strict=False):
            cache.copy_from(state.caches[parent])
        self._free.append(state.caches)
        state.caches = spare

    def retire(self, slot: int) -> None:
        if slot in self._slots:
            self._free.append(self._slots.pop(slot).caches)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        """Of the whole sequence at once, not as it was decoded token by token: what is kept elsewhere is not needed."""
        assert isinstance(cross, CrossKV)
        weights: list[Floats] = []
        self._network.decode(self._tokens[slot], self._network.new_cache(), cross, weights)
        return np.stack([weights[layer][head, first:] for layer, head in alignment_heads(self._network.dims)])

    def _new_caches(self) -> list[KVCache]:
        return self._free.pop() if self._free else [self._network.new_cache() for _ in range(self._n)]


@dataclass
class _Slot:
    """`logits`: the latest of each sequence, (sequences, n_vocab)."""

    cross: CrossKV
    caches: list[KVCache]
    logits: Floats
