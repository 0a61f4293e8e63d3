"""The reference backend: the plain NumPy network behind the interface every backend has. Slow, for tests and checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpu.backends.base import Cross, DecodePlan, Floats, Limits
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.reference_model import CrossKV, KVCache, Network
from gpu.cancel import CancelToken
from gpu.devices import cpu_name
from gpu.host_memory import host_memory
from gpu.model_file import ModelFile
from gpu.types import DeviceInfo, MemoryUsage, Words

MAX_SEQUENCES = 16


class ReferenceBackend:
    """See `gpu.backends.base.Backend`. Keeps every weight in float32: 290 MB for the base model.

    BLAS uses its own number of threads. A cancelled `encode` ends after the half layer it is in: for base within
    0.2 s, for larger models later.
    """

    limits = Limits(rows=1, sequences=MAX_SEQUENCES)

    def __init__(self, model: ModelFile) -> None:
        """Dequantize the weights. The model file may be closed afterwards."""
        self.network = Network(model)

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
    """The sequences of one window, each with its own cache; see `host_decoder.LogitsModel`."""

    def __init__(self, network: Network, n_sequences: int) -> None:
        self._network = network
        self._caches = [network.new_cache() for _ in range(n_sequences)]
        self._spare: list[KVCache] = []  # where `reorder` builds the next state; only beam search needs it
        self._cross = CrossKV.empty()
        self._logits = np.empty((0, 0), np.float32)  # the latest of each sequence

    def prefill(self, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        assert isinstance(cross, CrossKV)
        self._cross = cross
        first = self._caches[0]
        first.offset = 0
        logits = self._network.decode(prompt, first, cross)
        for cache in self._caches[1:]:
            cache.copy_from(first)
        self._logits = np.repeat(logits[-1:], len(self._caches), axis=0)
        return logits[list(take)]

    def step(self, tokens: Sequence[int]) -> Floats:
        pairs = zip(tokens, self._caches, strict=True)
        self._logits = np.concatenate([self._network.decode([token], cache, self._cross) for token, cache in pairs])
        return self._logits

    def exact(self, sequence: int, ids: Sequence[int]) -> Floats:
        return self._logits[sequence, list(ids)]

    def reorder(self, parents: Sequence[int]) -> None:
        spare = self._spare or [self._network.new_cache() for _ in self._caches]
        for cache, parent in zip(spare, parents, strict=True):
            cache.copy_from(self._caches[parent])
        self._caches, self._spare = spare, self._caches
