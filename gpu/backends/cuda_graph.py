"""Work that is done again and again, as captured graphs where the driver lets us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_streams import Graph
from gpu.errors import DeviceError, DeviceFailedError

_log = logging.getLogger(__name__)


class Replays:
    """Launches by key: eagerly the first time, which also loads what a capture may not load, then as a graph.

    What is launched has to be the same every time: pointers and scalars stay in the graph as they were.

    Attributes:
        graphs: by key. failure: why there are none any more, None as long as capturing works.
    """

    def __init__(self, device: CudaDevice) -> None:
        self._device = device
        self.graphs: dict[Hashable, Graph] = {}
        self.failure: DeviceError | None = None

    def run(self, key: Hashable, launch: Callable[[], None]) -> None:
        if key in self.graphs:
            self.graphs[key].launch()
            return
        launch()
        if self.failure is None and self._device.clock is None:
            self._capture(key, launch)

    def _capture(self, key: Hashable, launch: Callable[[], None]) -> None:
        try:
            with self._device.capture() as graph:
                launch()
        except DeviceFailedError:
            raise
        except DeviceError as error:
            self.failure = error
            self.graphs.clear()
            _log.warning("Decoding without CUDA graphs, which is slower: %s", error)
        else:
            self.graphs[key] = graph
