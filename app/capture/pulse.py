"""What PulseAudio, or PipeWire in its place, knows of microphones: PortAudio sees a single device there."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

TAG = "whisperdesktop.capture"  # a property of our streams
POLL_S = 0.5  # between two looks, where nothing is announced
STALE_S = 2.5  # without a look: the server hangs

_log = logging.getLogger(__name__)
_choosing = threading.Lock()  # the environment belongs to everybody


@dataclass(frozen=True)
class Source:
    """Something to be heard. `name`: the server's; `description`: for people. `is_monitor`: of what is played."""

    name: str
    description: str
    is_monitor: bool
    muted: bool
    suspended: bool


@dataclass(frozen=True)
class Facts:
    """How it stood at a moment.

    Attributes:
        at: `time.monotonic()`.
        default_source: the name of what the user has chosen in the system.
        default_monitor: of the loudspeaker that is used.
        heard: by the tags of our streams, the names of the sources they hear.
    """

    at: float
    sources: tuple[Source, ...]
    default_source: str
    default_monitor: str
    heard: dict[str, str]

    def source(self, name: str) -> Source | None:
        return next((source for source in self.sources if source.name == name), None)


@contextmanager
def hearing(source: str, tag: str) -> Iterator[None]:
    """Streams that are opened meanwhile hear this source; "": the user's choice."""
    with _choosing:
        before = {name: os.environ.get(name) for name in ("PULSE_SOURCE", "PULSE_PROP")}
        if source:
            os.environ["PULSE_SOURCE"] = source
        os.environ["PULSE_PROP"] = f"{TAG}={tag}"
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def look_once() -> Facts | None:
    """How it stands now; None: there is no such server. It may hang if the server does."""
    pulsectl = _library()
    if pulsectl is None:
        return None
    try:
        with pulsectl.Pulse("whisperdesktop-look", connect=False) as pulse:
            pulse.connect(autospawn=False)
            return _look(pulse)
    except (pulsectl.PulseError, pulsectl.PulseDisconnected):
        return None


class PulseWatch:
    """Looks again and again, on a thread of its own.

    Attributes:
        facts: the latest; None: there is no such server (any more).
    """

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.looked = threading.Event()  # once, whatever came of it
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="sound system", daemon=True).start()

    @property
    def fresh(self) -> Facts | None:
        """The facts, unless the server hangs or is gone."""
        facts = self.facts
        return facts if facts is not None and time.monotonic() - facts.at < STALE_S else None

    @property
    def hangs(self) -> bool:
        facts = self.facts
        return facts is not None and time.monotonic() - facts.at >= STALE_S

    def stop(self) -> None:
        """Returns at once."""
        self._ended.set()

    def _watch(self) -> None:
        pulsectl = _library()
        if pulsectl is None:
            self.looked.set()
            return
        while not self._ended.is_set():
            try:
                with pulsectl.Pulse("whisperdesktop-watch", connect=False) as pulse:
                    pulse.connect(autospawn=False)
                    self._follow(pulse, pulsectl)
            except (pulsectl.PulseError, pulsectl.PulseDisconnected) as e:
                if self.facts is not None:
                    _log.warning("the sound server is gone: %r", e)
                self.facts = None
                self.looked.set()
                self._ended.wait(POLL_S)

    def _follow(self, pulse: Any, pulsectl: Any) -> None:
        def end_listening(_event: object) -> None:
            raise pulsectl.PulseLoopStop

        pulse.event_mask_set("source", "source_output", "server", "sink")
        pulse.event_callback_set(end_listening)
        while not self._ended.is_set():
            self.facts = _look(pulse)
            self.looked.set()
            pulse.event_listen(timeout=POLL_S)
            if not pulse.connected:
                raise pulsectl.PulseDisconnected


def _library() -> Any:
    if sys.platform != "linux":
        return None
    with suppress(ImportError, OSError):  # the second: libpulse is not there
        import pulsectl  # type: ignore[import-untyped]

        return pulsectl
    return None


def _look(pulse: Any) -> Facts:
    server = pulse.server_info()
    sources = pulse.source_list()
    by_index = {source.index: source.name for source in sources}
    heard = {
        output.proplist[TAG]: by_index.get(output.source, "")
        for output in pulse.source_output_list()
        if TAG in output.proplist
    }
    found = tuple(
        Source(
            source.name,
            source.description or source.name,
            source.monitor_of_sink_name is not None,
            bool(source.mute) or source.volume.value_flat == 0.0,
            source.state == "suspended",
        )
        for source in sources
    )
    monitor = f"{server.default_sink_name}.monitor"
    return Facts(time.monotonic(), found, server.default_source_name, monitor, heard)
