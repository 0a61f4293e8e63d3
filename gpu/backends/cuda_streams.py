"""What lies on a device's streams: marks, waiting for them, and captured graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpu.backends.cuda_errors import Guard

if TYPE_CHECKING:
    from gpu.backends.cuda_device import Argument, CudaDevice


class Event:
    """A mark in a stream."""

    def __init__(self, native: Any, guard: Guard) -> None:
        self.native, self._guard = native, guard

    @property
    def is_done(self) -> bool:
        with self._guard:
            return bool(self.native.done)

    def wait(self) -> None:
        """Sleep until the device has come this far; other threads go on."""
        with self._guard:
            self.native.synchronize()


class Stream:
    """A line of work on the device beside the others; see `CudaDevice.on`."""

    def __init__(self, native: Any, guard: Guard) -> None:
        self.native, self._guard = native, guard

    def wait(self, event: Event) -> None:
        """Do nothing more before the event, which is another stream's. The host does not wait."""
        with self._guard:
            self.native.wait_event(event.native)

    def synchronize(self) -> None:
        """Wait until everything on it is done; faults of kernels show here."""
        with self._guard:
            self.native.synchronize()


class Graph:
    """What one `CudaDevice.capture` recorded. Keeps the arrays in it alive, which CUDA does not.

    Attributes:
        n_nodes: launches, copies and fills in it.
    """

    def __init__(self, device: CudaDevice) -> None:
        self._device = device
        self._executable: Any = None
        self._kept: list[tuple[Argument, ...]] = []
        self.n_nodes = 0

    def note(self, arguments: tuple[Argument, ...]) -> None:
        """One more node, with its arguments."""
        self._kept.append(arguments)
        self.n_nodes += 1

    def instantiated(self, executable: Any) -> None:
        """Hand over what the driver made of it."""
        self._executable = executable

    def launch(self) -> None:
        """Run it all on the device's current stream."""
        self._device.replay(self._executable)
