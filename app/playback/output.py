"""The loudspeaker: a stream of PortAudio's whose callback copies from a ring. For one thread, but for `heard`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from app.playback import portaudio
from app.playback.errors import PlaybackError
from app.playback.ring import Floats, Ring
from gpu.types import Words

if TYPE_CHECKING:
    import sounddevice

AHEAD_S = 0.6  # of sound that is decoded before it is heard
LATENCY_S = 0.1  # asked of the device: the callback waits for its turn among the program's other threads
STALLED_S = 3.0  # without a call back


class Output:
    """Opened when something is to be heard; as long as it is closed the system is asked which device that is.

    Attributes:
        ring: what is heard next.
        rate: frames a second of the device.
        n_channels: 1 or 2.
        volume: 0 to 1.
    """

    def __init__(self) -> None:
        self.rate, self.n_channels, self.volume = 48_000, 2, 1.0
        self.ring = Ring(1, 2, self.rate)
        self._stream: sounddevice.OutputStream | None = None
        self._heard = (0, 0.0)  # how many frames, and when they have been heard
        self._called = 0.0
        self._is_lost = False

    @property
    def heard(self) -> float:
        """The frame that is heard now; from any thread."""
        frame, at = self._heard
        return min(max(frame + (time.perf_counter() - at) * self.rate, 0.0), float(self.ring.n_read))

    def start(self) -> None:
        """Be heard.

        Raises:
            PlaybackError: there is no way to be heard here.
        """
        sounddevice = portaudio.load()
        try:
            if self._stream is None:
                with portaudio.lock:
                    portaudio.renew()
                    self._stream = self._open(sounddevice)
                    portaudio.streams.add(self._stream)
            if not self._stream.active:
                self._stream.stop(ignore_errors=True)  # one that ended by itself has to be
                self._called, self._is_lost = time.perf_counter(), False
                self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as e:
            self.close()
            why = str(e).strip().rstrip(".")
            raise _unheard(Words("The sound device cannot be used: {reason}.", reason=why)) from e

    def check(self) -> None:
        """Whether it is still heard.

        Raises:
            PlaybackError: the device is gone, or takes nothing any more.
        """
        if self._is_lost:
            self.close()
            raise _unheard(Words("Nothing can be heard: the sound device is gone."))
        if time.perf_counter() - self._called > STALLED_S:
            # Ending it may wait for the device as well: nobody waits for that.
            stream, self._stream = self._stream, None
            if stream is not None:
                threading.Thread(target=stream.close, name="stalled sound", daemon=True).start()
            raise _unheard(Words("Nothing can be heard: the sound device does not answer."))

    def rest(self) -> None:
        """Let nothing be heard; the device stays open."""
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)

    def close(self) -> None:
        """Give the device back."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    def _open(self, sounddevice: Any) -> sounddevice.OutputStream:
        try:
            device = sounddevice.query_devices(kind="output")
        except sounddevice.PortAudioError as e:
            raise _unheard(Words("Nothing can be heard: no loudspeakers or headphones were found.")) from e
        self.rate = round(device["default_samplerate"])
        self.n_channels = min(2, device["max_output_channels"])
        self.ring = Ring(round(AHEAD_S * self.rate), self.n_channels, self.rate)
        self._heard = (0, 0.0)
        return sounddevice.OutputStream(
            samplerate=self.rate,
            channels=self.n_channels,
            dtype="float32",
            latency=LATENCY_S,
            callback=self._fill,
            finished_callback=self._on_finished,
        )

    def _fill(self, out: Floats, _n_frames: int, when: Any, _status: Any) -> None:
        """The device's callback: copies, and nothing else."""
        now = time.perf_counter()
        n_filled = self.ring.read(out)
        out *= self.volume
        if n_filled:
            delay_s = min(max(when.outputBufferDacTime - when.currentTime, 0.0), 1.0)
            self._heard = (self.ring.n_read, now + delay_s + n_filled / self.rate)
        self._called = now

    def _on_finished(self) -> None:
        """Also when it was ended on purpose, which nobody asks about then."""
        self._is_lost = True


def _unheard(message: Words) -> PlaybackError:
    return PlaybackError(
        message,
        remedy=Words(
            "Connect loudspeakers or headphones, check that they are switched on in the system, and try again."
        ),
    )
