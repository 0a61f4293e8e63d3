"""A device that breaks at a chosen call, put around a backend that works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gpu.backends.base import Backend, Cross, DecodePlan, Decoder, Floats, Prefill, RowParams, Steps, TopK
from gpu.cancel import CancelToken
from gpu.errors import DeviceError
from gpu.types import DeviceInfo, MemoryUsage, Words


class FailingBackend:
    """See `gpu.backends.base.Backend`. From the `nth` call of `method` on every call raises `error`.

    Args:
        method: "encode", "open", or a method of the decoder.
    """

    def __init__(self, backend: Backend, method: str, nth: int, error: DeviceError) -> None:
        self.limits, self.spectrogram, self.encodes_ahead = backend.limits, backend.spectrogram, backend.encodes_ahead
        self._backend, self._method, self._left, self._error = backend, method, nth, error
        self.is_broken = self.is_closed = False

    @property
    def device(self) -> DeviceInfo:
        return DeviceInfo("cuda", "A failing GPU", Words("As requested"))

    def call(self, method: str, work: Callable[..., Any], *arguments: Any) -> Any:
        if method == self._method:
            self._left -= 1
        if self.is_broken or self._left == 0:
            self.is_broken = True
            raise self._error
        return work(*arguments)

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        return self.call("encode", self._backend.encode, mel, cancel)

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        return _FailingDecoder(self, self.call("open", self._backend.open, plan, cancel))

    def memory(self) -> MemoryUsage:
        return self._backend.memory()

    def close(self) -> None:
        self.is_closed = True


class _FailingDecoder:
    def __init__(self, owner: FailingBackend, decoder: Decoder) -> None:
        self._owner, self._decoder = owner, decoder

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        return self._owner.call("admit", self._decoder.admit, slot, cross, prompt, params)

    def advance(self, n: int) -> Steps:
        return self._owner.call("advance", self._decoder.advance, n)

    def candidates(self) -> TopK:
        return self._owner.call("candidates", self._decoder.candidates)

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        self._owner.call("choose", self._decoder.choose, parents, tokens)

    def retire(self, slot: int) -> None:
        self._owner.call("retire", self._decoder.retire, slot)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        return self._owner.call("attention", self._decoder.attention, slot, cross, first)

    def debug_logits(self) -> Floats:
        return self._decoder.debug_logits()
