"""Windows on their way to the decoder: encoded as they are asked for, or beforehand where that costs no time."""

from __future__ import annotations

from gpu.backends.base import Backend, Cross
from gpu.cancel import CancelToken
from gpu.windows import ReadAhead, Window


class EncodedWindows:
    """A recording's windows in order, each with what the encoder made of it."""

    def __init__(self, windows: ReadAhead, backend: Backend, cancel: CancelToken) -> None:
        self._windows, self._backend, self._cancel = windows, backend, cancel
        self._next: tuple[Window, Cross] | None = None  # encoded already

    def take(self) -> tuple[Window, Cross] | None:
        """The next one; None where the recording has ended."""
        if (ready := self._next) is not None:
            self._next = None
            return ready
        return self._encoded()

    def look_ahead(self) -> None:
        """Begin to encode the next one while others are decoded, if the device does both at once and it is read."""
        if self._next is None and self._windows.is_ready and self._backend.encodes_ahead:
            self._next = self._encoded()

    def _encoded(self) -> tuple[Window, Cross] | None:
        if (window := next(self._windows, None)) is None:
            return None
        [cross] = self._backend.encode(window.mel[None], self._cancel)
        return window, cross
