"""Plays a recording: one thread decodes ahead, the device's callback copies, everybody may ask where it is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.playback.errors import PlaybackError
from gpu.types import Words

if TYPE_CHECKING:
    import sounddevice

    from app.playback.sound import Floats

AHEAD_S = 0.6  # of sound that is decoded before it is heard


@dataclass(frozen=True)
class Passage:
    """What is to be heard. `end_s`: up to there, None: to the end of the recording. `loop`: again and again."""

    path: Path
    start_s: float
    end_s: float | None = None
    loop: bool = False
    speed: float = 1.0


class Player:
    """One recording at a time. All methods return at once, but for the first `play`, which opens the device.

    Args:
        stopped: called, from any thread, when what was played is over; with what went wrong, if anything did.
    """

    def __init__(self, stopped: Callable[[PlaybackError | None], None]) -> None:
        self._stopped = stopped
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._ahead: deque[tuple[float, Floats]] = deque()  # with the position each begins at
        self._n_ahead = 0  # frames in it
        self._passage: Passage | None = None
        self._run = 0  # counts passages: what belongs to an earlier one ends by itself
        self._decoded = False  # all of the passage is ahead, or played
        self._position_s = 0.0
        self._stream: sounddevice.OutputStream | None = None
        self._rate = 48000

    @property
    def is_playing(self) -> bool:
        return self._passage is not None

    @property
    def passage(self) -> Passage | None:
        return self._passage

    @property
    def position_s(self) -> float:
        """Of the recording: what is heard now, or was last."""
        with self._lock:
            if self._passage is None or self._stream is None:
                return self._position_s
            late = float(self._stream.latency) * self._passage.speed
            return max(self._position_s - late, self._passage.start_s)

    def play(self, passage: Passage) -> None:
        """Play this instead of what is played now.

        Raises:
            PlaybackError: there is no way to be heard here.
        """
        stream = self._stream or self._open()
        with self._lock:
            self._run += 1
            run = self._run
            self._passage, self._position_s, self._decoded = passage, passage.start_s, False
            self._ahead.clear()
            self._n_ahead = 0
            self._ready.notify_all()
        threading.Thread(target=self._decode, args=(run, passage), name="playback", daemon=True).start()
        if not stream.active:
            self._start(stream)

    def change(self, *, speed: float | None = None, loop: bool | None = None, end_s: float | None = None) -> None:
        """Go on where it is, another way."""
        if self._passage is not None:
            here = replace(
                self._passage, start_s=self.position_s, end_s=end_s if end_s is not None else self._passage.end_s
            )
            self.play(
                replace(
                    here,
                    speed=here.speed if speed is None else speed,
                    loop=here.loop if loop is None else loop,
                )
            )

    def pause(self) -> float:
        """Be silent; returns the position, to go on from."""
        position = self.position_s
        with self._lock:
            self._run += 1
            self._passage, self._position_s = None, position
            self._ahead.clear()
            self._n_ahead = 0
            self._ready.notify_all()
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
        return position

    def close(self) -> None:
        """Give the device back."""
        self.pause()
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None

    def _open(self) -> sounddevice.OutputStream:
        try:
            import sounddevice
        except (ImportError, OSError) as e:
            raise PlaybackError(
                Words("Nothing can be played: the PortAudio library is not installed."),
                remedy=Words("On Debian and Ubuntu: apt install libportaudio2; then start the program again."),
            ) from e
        try:
            self._rate = round(sounddevice.query_devices(kind="output")["default_samplerate"])
            self._stream = sounddevice.OutputStream(
                samplerate=self._rate,
                channels=2,
                dtype="float32",
                latency="high",  # nobody waits for it, and it must not stutter
                callback=self._fill,
            )
        except (sounddevice.PortAudioError, ValueError) as e:
            raise _no_device(e) from e
        return self._stream

    def _start(self, stream: sounddevice.OutputStream) -> None:
        import sounddevice

        try:
            stream.start()
        except sounddevice.PortAudioError as e:
            self._stream = None  # the device may be another one now: it is asked for again
            self.pause()
            stream.close(ignore_errors=True)
            raise _no_device(e) from e

    def _decode(self, run: int, passage: Passage) -> None:
        """On a thread of its own, as far ahead as is wanted."""
        failure: PlaybackError | None = None
        try:
            for position, block in self._sound(passage):
                with self._lock:
                    while self._run == run and self._n_ahead > AHEAD_S * self._rate:
                        self._ready.wait()
                    if self._run != run:
                        return
                    self._ahead.append((position, block))
                    self._n_ahead += len(block)
        except PlaybackError as e:
            failure = e
        with self._lock:
            if self._run != run:
                return
            self._decoded = True
            while self._run == run and self._ahead and failure is None:
                self._ready.wait()
            if self._run != run:
                return
            self._run += 1
            self._passage = None
        self._stopped(failure)

    def _sound(self, passage: Passage) -> Iterator[tuple[float, Floats]]:
        """Blocks with the position each begins at."""
        from app.playback.sound import blocks  # FFmpeg takes a tenth of a second: not of the start of the program

        while True:
            n_done = 0
            n_wanted = None
            if passage.end_s is not None:
                n_wanted = max(round((passage.end_s - passage.start_s) / passage.speed * self._rate), 1)
            for block in blocks(passage.path, passage.start_s, passage.speed, self._rate):
                part = block if n_wanted is None else block[: n_wanted - n_done]
                yield passage.start_s + n_done / self._rate * passage.speed, part
                n_done += len(part)
                if n_done == n_wanted:
                    break
            if not passage.loop or n_done == 0:
                return

    def _fill(self, out: Floats, n_frames: int, _time: Any, _status: Any) -> None:
        """The device's callback: copies, and nothing else."""
        filled = 0
        with self._lock:
            speed = self._passage.speed if self._passage is not None else 1.0
            while filled < n_frames and self._ahead:
                position, block = self._ahead.popleft()
                part = block[: n_frames - filled]
                out[filled : filled + len(part)] = part
                filled += len(part)
                self._position_s = position + len(part) / self._rate * speed
                if len(part) < len(block):
                    self._ahead.appendleft((self._position_s, block[len(part) :]))
            self._n_ahead -= filled
            self._ready.notify_all()
        out[filled:] = 0


def _no_device(error: Exception) -> PlaybackError:
    return PlaybackError(
        Words("Nothing can be played: {reason}.", reason=str(error).strip().rstrip(".")),
        remedy=Words(
            "Connect loudspeakers or headphones, check that they are switched on in the system, and try again."
        ),
    )
