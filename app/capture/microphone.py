"""Microphones there are, and how loud it is at one of them. The callback measures a block and nothing else."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.capture import pulse
from app.capture.level import SILENCE_DB, level_after
from app.capture.stream import pulse_device
from app.playback import portaudio
from app.playback.errors import PlaybackError
from gpu.types import Words

if TYPE_CHECKING:
    import sounddevice


@dataclass(frozen=True)
class Microphone:
    """An input.

    Attributes:
        index: PortAudio's, good until `portaudio.renew`.
        name: for people. is_default: the system's choice.
        source: the sound server's name of it; "" where none is asked.
    """

    index: int
    name: str
    is_default: bool
    source: str = ""

    @property
    def key(self) -> str:
        """What it is known by from one start to the next; `app.capture.stream.Choice` takes it."""
        return self.source or self.name


def microphones() -> list[Microphone]:
    """Those that are there now, the system's choice first. It waits for a sound system that hangs.

    Raises:
        PlaybackError: PortAudio is not there.
    """
    portaudio.load()
    facts = pulse.look_once()
    with portaudio.lock:
        portaudio.renew()
        device = pulse_device() if facts is not None else None
        found = _of_portaudio() if facts is None or device is None else _of_server(facts, device)
    return sorted(found, key=lambda microphone: not microphone.is_default)


def _of_server(facts: pulse.Facts, device: int) -> list[Microphone]:
    return [
        Microphone(device, source.description, source.name == facts.default_source, source.name)
        for source in facts.sources
        if not source.is_monitor
    ]


def _of_portaudio() -> list[Microphone]:
    sounddevice = portaudio.load()
    try:
        default = sounddevice.query_devices(kind="input")["index"]
    except (sounddevice.PortAudioError, ValueError):
        default = -1
    return [
        Microphone(device["index"], device["name"], device["index"] == default)
        for device in sounddevice.query_devices()
        if device["max_input_channels"] > 0
    ]


class LevelMeter:
    """How loud it is at a microphone, as long as it is open."""

    def __init__(self) -> None:
        self._stream: sounddevice.InputStream | None = None
        self._level_db = SILENCE_DB
        self._rate = 1.0
        self.n_blocks = 0  # that were heard; a device that stalls adds none

    @property
    def level_db(self) -> float:
        """Of the loudest lately: RMS relative to full scale."""
        return self._level_db

    def open(self, microphone: Microphone) -> None:
        """Listen to this one, instead of another.

        Raises:
            PlaybackError: it cannot be listened to.
        """
        self.close()
        portaudio.load()
        with portaudio.lock:
            self._open(microphone)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
        self._stream, self._level_db, self.n_blocks = None, SILENCE_DB, 0

    def _open(self, microphone: Microphone) -> None:
        sounddevice = portaudio.load()
        try:
            info = sounddevice.query_devices(microphone.index)
            self._rate = info["default_samplerate"]
            with pulse.hearing(microphone.source, "level") if microphone.source else nullcontext():
                self._stream = sounddevice.InputStream(
                    device=microphone.index,
                    samplerate=self._rate,
                    channels=min(2, info["max_input_channels"]),
                    dtype="float32",
                    callback=self._hear,
                )
            portaudio.streams.add(self._stream)
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as e:
            self.close()
            raise PlaybackError(
                Words("{name} cannot be heard: {reason}.", name=microphone.name, reason=str(e).strip().rstrip(".")),
                remedy=Words("See that it is connected, and that the system allows this program to use it."),
            ) from e

    def _hear(self, block: NDArray[np.float32], _n_frames: int, _time: Any, _status: Any) -> None:
        self._level_db = level_after(block, self._level_db, self._rate)
        self.n_blocks += 1
