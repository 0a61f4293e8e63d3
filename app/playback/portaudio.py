"""PortAudio as the whole process shares it: what the devices are it finds out once, unless it is told to begin anew."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from app.playback.errors import PlaybackError
from gpu.types import Words

lock = threading.RLock()
"""Held by whoever looks for devices or opens one: `renew` takes them from everybody else meanwhile."""

streams: WeakSet[Any] = WeakSet()
"""Those that are open. Whoever opens one puts it in here: `renew` would end it."""


def load() -> Any:
    """The module `sounddevice`.

    Raises:
        PlaybackError: the library behind it is not there.
    """
    try:
        import sounddevice
    except OSError as e:
        raise PlaybackError(
            Words("Nothing can be heard: the PortAudio library is not installed."),
            remedy=Words("On Debian and Ubuntu: install the package libportaudio2, then start the program again."),
        ) from e
    return sounddevice


def renew() -> None:
    """Look again which devices there are, unless one is in use."""
    sounddevice = load()
    with lock:
        if any(not stream.closed for stream in streams):
            return
        with suppress(sounddevice.PortAudioError):
            sounddevice._terminate()  # the documented way, though the names say otherwise
        with suppress(sounddevice.PortAudioError):
            sounddevice._initialize()
