"""A backend whose calls are timed, put around another one for a benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from gpu.backends.base import Backend, Cross, DecodePlan, Decoder, Floats, Limits, Prefill, RowParams, Steps, TopK
from gpu.cancel import CancelToken
from gpu.mel import Spectrogram
from gpu.stage_clock import StageClock
from gpu.types import DeviceInfo, MemoryUsage


class TimedBackend:
    """See `gpu.backends.base.Backend`. Stages: "encode" and "prompt", by windows; "decode", by tokens; "words"."""

    def __init__(self, backend: Backend, clock: StageClock) -> None:
        self._backend, self._clock = backend, clock

    @property
    def limits(self) -> Limits:
        return self._backend.limits

    @property
    def device(self) -> DeviceInfo:
        return self._backend.device

    @property
    def spectrogram(self) -> Spectrogram:
        return self._backend.spectrogram

    @property
    def encodes_ahead(self) -> bool:
        return self._backend.encodes_ahead

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        with self._clock.stage("encode") as done:
            windows = self._backend.encode(mel, cancel)
            done.n_items = len(windows)
        return windows

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        return _TimedDecoder(self._backend.open(plan, cancel), self._clock)

    def memory(self) -> MemoryUsage:
        return self._backend.memory()

    def close(self) -> None:
        self._backend.close()


class _TimedDecoder:
    """See `gpu.backends.base.Decoder`."""

    def __init__(self, decoder: Decoder, clock: StageClock) -> None:
        self._decoder, self._clock = decoder, clock

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        with self._clock.stage("prompt") as done:
            done.n_items = 1
            return self._decoder.admit(slot, cross, prompt, params)

    def advance(self, n: int) -> Steps:
        with self._clock.stage("decode") as done:
            steps = self._decoder.advance(n)
            done.n_items = sum(map(len, steps.tokens))
        return steps

    def candidates(self) -> TopK:
        with self._clock.stage("decode"):
            return self._decoder.candidates()

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        with self._clock.stage("decode") as done:
            done.n_items = 1  # of the text, whichever beam it will be
            self._decoder.choose(parents, tokens)

    def retire(self, slot: int) -> None:
        self._decoder.retire(slot)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        with self._clock.stage("words"):
            return self._decoder.attention(slot, cross, first)

    def debug_logits(self) -> Floats:
        return self._decoder.debug_logits()
