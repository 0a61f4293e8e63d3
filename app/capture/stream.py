"""What a microphone hears, or what the computer plays, as mono 16 kHz. The callback only copies into a ring."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray

from app.capture.errors import CaptureError, NeverHeardError
from app.capture.pulse import Facts, Source, hearing
from app.playback import portaudio
from gpu.types import Words

if TYPE_CHECKING:
    import sounddevice

Floats = NDArray[np.float32]

RATE = 16_000  # Hz, what is given out
PULSE_DEVICE = "pulse"  # ALSA's plugin
LATENCY_S = 0.04  # asked of the device: a call back every few milliseconds costs more than what is in it
RING_S = 10.0  # of sound that may wait to be read
NEVER_HUNG_S = 0.5  # without a call back: the driver may hang, and whoever ends it with it
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Choice:
    """What is to be heard.

    Attributes:
        name: part of the input's name, or all of it; "" for the system's choice.
        system: hear what the computer plays instead.
    """

    name: str = ""
    system: bool = False


class Capture:
    """One stream of one input, from `open` to `close`. To be read by one thread.

    Args:
        choice: what to hear. facts: of the sound server, if there is one.

    Attributes:
        name: of the device, for people. source: the sound server's name of it; "" for its choice, or without one.
        tag: by which the sound server knows the stream.
        rate: frames a second of the device.
        n_written: frames that came. called: when the last did (`time.monotonic`).
        lost_s: that came and were not read in time.
        ended: nothing will come any more.
    """

    def __init__(self, choice: Choice, facts: Facts | None = None) -> None:
        self._choice, self._facts = choice, facts
        self._stream: sounddevice.InputStream | None = None
        self._ring = np.zeros((1, 1), np.float32)
        self._n_read = self.n_written = 0
        self.called = 0.0
        self.ended = False
        self.lost_s = 0.0
        self.rate = RATE
        self.name, self.source = "", ""
        self.tag = f"{os.getpid()}-{next(_numbers)}"

    def open(self) -> None:
        """It may hang as long as the sound system does.

        Raises:
            CaptureError: there is no such input, or it cannot be heard.
            PlaybackError: PortAudio is not there.
        """
        sounddevice = portaudio.load()
        with portaudio.lock:
            portaudio.renew()
            device = self._choose()
            try:
                info = sounddevice.query_devices(device or None, kind="input")
                self.name = self.name or info["name"]
                with self._redirected():
                    self._stream = self._open(sounddevice, info)
                portaudio.streams.add(self._stream)
                self.called = time.monotonic()
                self._stream.start()
            except ValueError as e:  # no input of that name, or several
                raise CaptureError(
                    Words("There is no input {name}: {reason}.", name=self._choice.name, reason=_one_line(e)),
                    remedy=Words("Name one of: {names}.", names=", ".join(self._names()) or "–"),
                ) from e
            except sounddevice.PortAudioError as e:
                self.close()
                raise CaptureError(
                    Words("No microphone can be heard: {reason}.", reason=_one_line(e)),
                    remedy=Words("Connect one, see that it is switched on, and that the system allows its use."),
                ) from e

    def read(self) -> Floats:
        """What has come since, (n,) float32 16 kHz; nothing if nothing has."""
        written = self.n_written  # one number: the callback may go on meanwhile
        lost = max(written - self._n_read - len(self._ring), 0)
        if lost:
            self.lost_s += lost / self.rate
            self._n_read += lost
        if written == self._n_read:
            return np.zeros(0, np.float32)
        at = np.arange(self._n_read, written) % len(self._ring)
        self._n_read = written
        mono: Floats = self._resampler.resample_chunk(self._ring[at].mean(axis=1, dtype=np.float32))
        return mono

    def set_rate(self, rate: int) -> None:
        """The device is as fast as that, whatever it says."""
        self.rate = rate
        self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")

    def close(self) -> Floats:
        """End it; what was still on its way, (n,). Of a driver that hangs nothing is waited for."""
        stream, self._stream = self._stream, None
        if stream is None:
            return np.zeros(0, np.float32)
        if not self.ended and time.monotonic() - self.called > NEVER_HUNG_S:
            threading.Thread(target=stream.close, name="stalled microphone", daemon=True).start()
        else:
            stream.stop(ignore_errors=True)
            stream.close(ignore_errors=True)
        rest = self.read()
        last: Floats = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        del self._resampler  # its library complains of what is there at the end of the program
        return np.concatenate([rest, last])

    def _choose(self) -> str:
        """PortAudio's name of the device; `self.source` is what the sound server lets it hear."""
        choice, facts = self._choice, self._facts
        if facts is None:
            if not choice.system:
                return choice.name
            if sys.platform != "linux":
                raise NeverHeardError(
                    Words("What the computer plays cannot be heard on this system yet."),
                    remedy=Words("Use a virtual audio cable, and name it with --input."),
                )
            self.source = "@DEFAULT_MONITOR@"
            return ""
        if choice.system:
            self.source = facts.default_monitor
            self.name = _description(facts, self.source)
        elif choice.name:
            found = matching(choice.name, facts)
            if found is None:
                return choice.name
            self.source, self.name = found.name, found.description
        else:
            self.name = _description(facts, facts.default_source)
        return PULSE_DEVICE if pulse_device() is not None else ""

    def _redirected(self) -> AbstractContextManager[None]:
        on_server = self._facts is not None or self.source
        return hearing(self.source, self.tag) if on_server else nullcontext()

    def _open(self, sounddevice: Any, info: Any) -> sounddevice.InputStream:
        rate, n_channels = round(info["default_samplerate"]), min(2, info["max_input_channels"])
        self._ring = np.zeros((round(RING_S * rate), n_channels), np.float32)
        self.set_rate(rate)
        return sounddevice.InputStream(
            device=info["index"],
            samplerate=rate,
            channels=n_channels,
            dtype="float32",
            latency=LATENCY_S,
            callback=self._hear,
            finished_callback=self._on_finished,
        )

    def _names(self) -> list[str]:
        if self._facts is not None:
            return [source.description for source in self._facts.sources if not source.is_monitor]
        return [device["name"] for device in portaudio.load().query_devices() if device["max_input_channels"] > 0]

    def _hear(self, block: Floats, n_frames: int, _time: Any, _status: Any) -> None:
        at = self.n_written % len(self._ring)
        n_first = min(n_frames, len(self._ring) - at)
        self._ring[at : at + n_first] = block[:n_first]
        self._ring[: n_frames - n_first] = block[n_first:]
        self.n_written += n_frames
        self.called = time.monotonic()

    def _on_finished(self) -> None:
        self.ended = True


def pulse_device() -> int | None:
    """PortAudio's number of the sound server, if it knows it by its name."""
    devices = portaudio.load().query_devices()
    return next((d["index"] for d in devices if d["name"] == PULSE_DEVICE and d["max_input_channels"] > 0), None)


def matching(name: str, facts: Facts) -> Source | None:
    """The source of that name: the server's, or people's, or a part of one.

    Raises:
        NeverHeardError: there are several.
    """
    wanted = name.casefold()
    for test in (
        lambda source: source.name == name,
        lambda source: source.description == name,
        lambda source: wanted in source.description.casefold() or wanted in source.name.casefold(),
    ):
        found = [source for source in facts.sources if test(source)]
        found = [source for source in found if not source.is_monitor] or found
        if len(found) == 1:
            return found[0]
        if found:
            raise NeverHeardError(
                Words("Several inputs are named like {name}.", name=name),
                remedy=Words("Name one of: {names}.", names=", ".join(source.description for source in found)),
            )
    return None


def _description(facts: Facts, name: str) -> str:
    source = facts.source(name)
    return source.description if source is not None else name


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
