"""A device that may fail in the middle of a run, and the CPU that takes over: nothing is lost, and nothing silent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from gpu.backends.base import Backend, Cross, DecodePlan, Decoder, Floats, Limits, Prefill, RowParams, Steps, TopK
from gpu.cancel import CancelToken
from gpu.errors import DeviceError, DeviceMemoryError
from gpu.mel import NumpySpectrogram, Spectrogram
from gpu.types import DeviceInfo, MemoryUsage, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


class DeviceSwitched(Exception):  # noqa: N818 - nothing is wrong any more
    """The device failed and another one has taken over: admit again what is not finished, to a decoder opened anew."""


class FailoverBackend:
    """See `gpu.backends.base.Backend`. `device` and its note tell which of the two does the work, and since when.

    Where a call of a decoder finds the device broken it raises `DeviceSwitched`; `encode` does not, it is done again.
    There is no way back: a context that met a fault is of no use until the program starts again.

    Args:
        first: the backend on the device.
        second: makes the one that takes over, given a note for its `DeviceInfo`; called once at most.
    """

    def __init__(self, first: Backend, second: Callable[[Words], Backend]) -> None:
        self._current: Backend = first
        self._second: Callable[[Words], Backend] | None = second

    @property
    def current(self) -> Backend:
        """The one that does the work."""
        return self._current

    @property
    def limits(self) -> Limits:
        return self._current.limits

    @property
    def device(self) -> DeviceInfo:
        return self._current.device

    @property
    def spectrogram(self) -> Spectrogram:
        return _FailoverSpectrogram(self._current.spectrogram)

    @property
    def encodes_ahead(self) -> bool:
        try:
            return self._current.encodes_ahead
        except DeviceError:  # the next call that has to work meets it, too
            return False

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        try:
            with self.watched():
                windows = self._current.encode(mel, cancel)
        except DeviceSwitched:
            windows = self._current.encode(mel, cancel)
        return [_FailoverCross(self, window, cross) for window, cross in zip(mel, windows, strict=True)]

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        """As on the device; it switches where there is no room for a single row."""
        with self.watched(let_through=DeviceMemoryError if plan.rows > 1 else None):
            return _FailoverDecoder(self, self._current.open(plan, cancel), cancel)

    def memory(self) -> MemoryUsage:
        return self._current.memory()

    def close(self) -> None:
        self._second = None
        self._current.close()

    @contextmanager
    def watched(self, let_through: type[DeviceError] | None = None) -> Iterator[None]:
        """Turn a failure of the device inside into a switch.

        Args:
            let_through: who asked has an answer to it.

        Raises:
            DeviceSwitched: there was one.
            DeviceError: there was one on the device that took over.
        """
        try:
            yield
        except DeviceError as error:
            if self._second is None or (let_through is not None and isinstance(error, let_through)):
                raise
            self._switch(error, self._second)
            raise DeviceSwitched from error

    def _switch(self, error: DeviceError, second: Callable[[Words], Backend]) -> None:
        failed, self._second = self._current, None
        _log.error("%s failed, the CPU takes over", failed.device.name, exc_info=error)
        note = Words(
            "{device} failed: {cause} The CPU goes on with what was left; start the program again to use the GPU.",
            device=failed.device.name,
            cause=error.message,
        )
        try:
            failed.close()
        except DeviceError:  # what is broken need not close either
            _log.exception("%s could not be closed", failed.device.name)
        self._current = second(note)


class _FailoverSpectrogram:
    """See `gpu.mel.Spectrogram`. Runs on the reader's thread: the one that decodes sees to the device."""

    def __init__(self, first: Spectrogram) -> None:
        self._current, self.filters = first, first.filters

    def log10_mel(self, samples: Floats) -> Floats:
        try:
            return self._current.log10_mel(samples)
        except DeviceError as error:
            _log.warning("The CPU computes the spectrogram from now on: %s", error)
            self._current = NumpySpectrogram(self.filters)
            return self._current.log10_mel(samples)


class _FailoverCross:
    """A window on the device that works now; its spectrogram is kept in case that changes."""

    def __init__(self, owner: FailoverBackend, mel: Floats, cross: Cross) -> None:
        self._owner, self._cross, self._where = owner, cross, owner.current
        self._mel = np.array(mel)

    @property
    def nbytes(self) -> int:
        return self._cross.nbytes

    def here(self, cancel: CancelToken) -> Cross:
        if self._where is not self._owner.current:
            [self._cross] = self._owner.current.encode(self._mel[np.newaxis], cancel)
            self._where = self._owner.current
        return self._cross

    def free(self) -> None:
        if self._where is self._owner.current:
            self._cross.free()


class _FailoverDecoder:
    """See `gpu.backends.base.Decoder`."""

    def __init__(self, owner: FailoverBackend, decoder: Decoder, cancel: CancelToken) -> None:
        self._owner, self._decoder, self._cancel = owner, decoder, cancel
        self._where = owner.current

    @contextmanager
    def _working(self) -> Iterator[Decoder]:
        if self._where is not self._owner.current:  # it failed in another decoder's hands
            raise DeviceSwitched
        with self._owner.watched():
            yield self._decoder

    def _here(self, cross: Cross) -> Cross:
        assert isinstance(cross, _FailoverCross)
        return cross.here(self._cancel)

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        with self._working() as decoder:
            return decoder.admit(slot, self._here(cross), prompt, params)

    def advance(self, n: int) -> Steps:
        with self._working() as decoder:
            return decoder.advance(n)

    def candidates(self) -> TopK:
        with self._working() as decoder:
            return decoder.candidates()

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        with self._working() as decoder:
            decoder.choose(parents, tokens)

    def retire(self, slot: int) -> None:
        with self._working() as decoder:
            decoder.retire(slot)

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        with self._working() as decoder:
            return decoder.attention(slot, self._here(cross), first)

    def debug_logits(self) -> Floats:
        with self._working() as decoder:
            return decoder.debug_logits()
