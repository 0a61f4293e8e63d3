"""Streams and events of `fake_cupy`: work is done as late as they and the host allow, and what is left open is found.

A stream does nothing before the host waits for it, or another stream by an event. What two streams do at once may come
in any order, so it must not touch the same memory unless both only read it: a missing wait is an error here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.cuda.fake_memory import FakeGpu, Region


class MissingWaitError(AssertionError):
    """Two streams use the same memory, and nothing says which comes first."""


@dataclass(frozen=True)
class Work:
    """One thing a stream does. Where it waits, `after` is what for."""

    name: str
    run: Callable[[], None]
    reads: tuple[Region, ...] = ()
    writes: tuple[Region, ...] = ()
    after: FakeEvent | None = None


class FakeEvent:
    def __init__(self, gpu: FakeGpu, disable_timing: bool = True) -> None:
        gpu.call("event")
        self._gpu, self._timed = gpu, not disable_timing
        self.stream: FakeStream | None = None
        self.position = 0  # in the stream: how much of its work comes before
        self.time_s = 0.0

    def record(self, stream: FakeStream) -> None:
        self._gpu.call("event")
        self.stream = stream
        stream.add(Work("event", self._pass))
        self.position = stream.n_added

    def _pass(self) -> None:
        self.time_s = time.perf_counter()

    @property
    def done(self) -> bool:
        return self.stream is None or self.stream.n_done >= self.position

    def synchronize(self) -> None:
        self._gpu.call("synchronize")
        self.finish()

    def finish(self) -> None:
        if self.stream is not None:
            self.stream.finish(self.position)

    def elapsed_since(self, start: FakeEvent) -> float:
        """Milliseconds."""
        for event in (self, start):
            assert event._timed, "an event without timing"
            assert event.done, "an event that has not come"
        return 1000 * (self.time_s - start.time_s)


class FakeStream:
    def __init__(self, gpu: FakeGpu, priority: int = 0) -> None:
        gpu.call("stream")
        self._gpu, self.priority = gpu, priority
        self._queue: deque[Work] = deque()
        self.n_added = self.n_done = 0
        self._is_capturing = False
        gpu.streams.append(self)

    def enqueue(self, work: Work) -> None:
        """What may be captured."""
        if self._gpu.capturing is not None and self._is_capturing:
            self._gpu.capturing.append(work)
            return
        self._gpu.call("launch")
        self._gpu.launched.append(work.name)
        self.add(work)

    def add(self, work: Work) -> None:
        with self._gpu.lock:
            self._queue.append(work)
            self.n_added += 1

    def finish(self, until: int | None = None) -> None:
        """Do what is waiting, or the first of it."""
        with self._gpu.lock:
            while self._queue and (until is None or self.n_done < until):
                if (event := self._queue[0].after) is not None:
                    event.finish()
                work = self._queue.popleft()
                self.n_done += 1
                self._gpu.is_working = True
                try:
                    self._check_order(work)
                    work.run()
                finally:
                    self._gpu.is_working = False

    def _check_order(self, work: Work) -> None:
        """Against what other streams might do at the same time."""
        others = [stream for stream in self._gpu.streams if stream is not self and stream._queue]
        if not others or not (work.reads or work.writes):
            return
        reads, writes = _ranges(work.reads), _ranges(work.writes)
        for other in others:
            for later in other._queue:
                event = later.after
                if event is not None and event.stream is self and event.position >= self.n_done:
                    break  # the rest comes after this
                theirs = _ranges(later.writes)
                if _overlap(writes, theirs + _ranges(later.reads)) or _overlap(reads, theirs):
                    raise MissingWaitError(
                        f"{work.name} and {later.name} in another stream: nothing says which is first"
                    )

    def synchronize(self) -> None:
        self._gpu.call("synchronize")
        self.finish()
        self._gpu.check()

    def wait_event(self, event: FakeEvent) -> None:
        self._gpu.call("event")
        self.add(Work("wait", lambda: None, after=event))

    def begin_capture(self, mode: int) -> None:
        self._gpu.call("capture")
        self._gpu.capturing, self._gpu.capturer, self._is_capturing = [], threading.get_ident(), True

    def end_capture(self) -> FakeGraph:
        recorded, self._gpu.capturing, self._is_capturing = self._gpu.capturing, None, False
        self._gpu.call("instantiate")
        return FakeGraph(self._gpu, recorded or [])


class FakeGraph:
    def __init__(self, gpu: FakeGpu, nodes: list[Work]) -> None:
        self._gpu, self.nodes = gpu, nodes

    def upload(self, stream: FakeStream) -> None:
        self._gpu.call("event")

    def launch(self, stream: FakeStream) -> None:
        self._gpu.call("replay")
        for node in self.nodes:
            stream.enqueue(node)


def _ranges(regions: tuple[Region, ...]) -> list[tuple[int, int]]:
    return [addresses for region in regions for addresses in region.ranges()]


def _overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)
