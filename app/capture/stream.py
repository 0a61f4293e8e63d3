"""What a microphone hears, or what the computer plays, as mono 16 kHz. The callback only copies into a ring."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray

from app.capture.errors import CaptureError
from app.playback import portaudio
from gpu.types import Words

if TYPE_CHECKING:
    import sounddevice

Floats = NDArray[np.float32]

RATE = 16_000  # Hz, what is given out
RING_S = 10.0  # of sound that may wait to be read
STALLED_S = 2.0  # without a call back: a sound server that hangs says nothing
_PULSE_SOURCE = "PULSE_SOURCE"  # which source PulseAudio's and PipeWire's clients hear


class Capture:
    """One input, from `start` to `stop`. To be read by one thread.

    Args:
        name: part of the input's name, or all of it; "" for the system's choice.
        system: hear what the computer plays instead.

    Attributes:
        lost_s: seconds that came and were not read in time.
    """

    def __init__(self, name: str = "", *, system: bool = False) -> None:
        self._name, self._system = name, system
        self._stream: sounddevice.InputStream | None = None
        self._ring = np.zeros((1, 1), np.float32)
        self._n_written = self._n_read = 0
        self._called = 0.0
        self._ended = False
        self.lost_s = 0.0

    def start(self) -> None:
        """Raises:
        CaptureError: there is no such input, or it cannot be heard.
        """
        if self._system:
            self._choose_monitor()
        sounddevice = portaudio.load()
        portaudio.renew()
        try:
            info = sounddevice.query_devices(self._name or None, kind="input")
            rate, n_channels = round(info["default_samplerate"]), min(2, info["max_input_channels"])
            self._ring = np.zeros((round(RING_S * rate), n_channels), np.float32)
            self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
            self._rate = rate
            self._stream = sounddevice.InputStream(
                device=info["index"],
                samplerate=rate,
                channels=n_channels,
                dtype="float32",
                latency="low",
                callback=self._hear,
                finished_callback=self._on_finished,
            )
            portaudio.streams.add(self._stream)
            self._called = time.monotonic()
            self._stream.start()
        except ValueError as e:  # no input of that name, or several
            raise CaptureError(
                Words("There is no input {name}: {reason}.", name=self._name, reason=_one_line(e)),
                remedy=Words("Name one of: {names}.", names=", ".join(_input_names()) or "–"),
            ) from e
        except sounddevice.PortAudioError as e:
            raise CaptureError(
                Words("No microphone can be heard: {reason}.", reason=_one_line(e)),
                remedy=Words("Connect one, see that it is switched on, and that the system allows its use."),
            ) from e

    def read(self) -> Floats:
        """What has come since, (n,) float32 16 kHz; nothing if nothing has.

        Raises:
            CaptureError: nothing comes any more.
        """
        if self._ended or time.monotonic() - self._called > STALLED_S:
            raise CaptureError(
                Words("The microphone is gone, or its driver hangs."),
                remedy=Words("What was heard so far is kept. Connect it again and start anew."),
            )
        written = self._n_written  # one number: the callback may go on meanwhile
        lost = max(written - self._n_read - len(self._ring), 0)
        if lost:
            self.lost_s += lost / self._rate
            self._n_read += lost
        if written == self._n_read:
            return np.zeros(0, np.float32)
        at = np.arange(self._n_read, written) % len(self._ring)
        self._n_read = written
        mono: Floats = self._resampler.resample_chunk(self._ring[at].mean(axis=1, dtype=np.float32))
        return mono

    def stop(self) -> Floats:
        """End it; what was still on its way."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        self._stream.stop(ignore_errors=True)
        self._ended, self._called = False, time.monotonic()
        rest = self.read()
        self._stream.close(ignore_errors=True)
        self._stream = None
        last: Floats = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        del self._resampler
        return np.concatenate([rest, last])

    def _choose_monitor(self) -> None:
        if sys.platform != "linux":
            raise CaptureError(
                Words("What the computer plays cannot be heard on this system yet."),
                remedy=Words("Use a virtual audio cable, and name it with --input."),
            )
        os.environ[_PULSE_SOURCE] = "@DEFAULT_MONITOR@"

    def _hear(self, block: Floats, n_frames: int, _time: Any, _status: Any) -> None:
        at = self._n_written % len(self._ring)
        n_first = min(n_frames, len(self._ring) - at)
        self._ring[at : at + n_first] = block[:n_first]
        self._ring[: n_frames - n_first] = block[n_first:]
        self._n_written += n_frames
        self._called = time.monotonic()

    def _on_finished(self) -> None:
        self._ended = True


def _input_names() -> list[str]:
    sounddevice = portaudio.load()
    return [device["name"] for device in sounddevice.query_devices() if device["max_input_channels"] > 0]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
