"""Plays a recording: a thread decodes ahead and holds the device, whose callback copies; all may ask where it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.playback.errors import PlaybackError
from app.playback.output import Output
from app.playback.ring import Floats, faded_in

if TYPE_CHECKING:
    from app.playback.sound import Source

SHORTEST_S = 0.1  # of what is repeated
TURN_S = 0.02  # the ring is looked after so often
IDLE_S = 10.0  # then the device is given back

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Passage:
    """What is to be heard.

    Attributes:
        end_s: up to there; None: to the end of the recording.
        loop_s: then again from there, and so on; None: once.
    """

    path: Path
    start_s: float
    end_s: float | None = None
    loop_s: float | None = None
    speed: float = 1.0


class Player:
    """One recording at a time. Every method returns at once; what is slow, a thread of its own does.

    Args:
        stopped: called, from that thread, when what was played is over; with what went wrong, if anything did.
    """

    def __init__(self, stopped: Callable[[Exception | None], None]) -> None:
        self._stopped = stopped
        self._output = Output()
        self._changed = threading.Condition()
        self._number = 0  # counts what is wanted: what is done for an earlier wish ends by itself
        self._passage: Passage | None = None
        self._begun = 0  # the wish whose sound the ring holds
        self._position_s = 0.0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._source: Source | None = None

    @property
    def is_playing(self) -> bool:
        return self._passage is not None

    @property
    def passage(self) -> Passage | None:
        return self._passage

    @property
    def position_s(self) -> float:
        """Of the recording: what is heard now, or was last."""
        with self._changed:
            return self._here()

    @property
    def volume(self) -> float:
        """0 to 1, in the measure of the samples."""
        return self._output.volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._output.volume = value

    def play(self, passage: Passage) -> None:
        """Play this instead of what is played now."""
        with self._changed:
            self._want(passage, passage.start_s)
            self._closing = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="playback", daemon=True)
                self._thread.start()

    def pause(self) -> float:
        """Be silent; returns the position, to go on from."""
        with self._changed:
            self._want(None, self._here())
            return self._position_s

    def close(self) -> None:
        """Give the device back, and end the thread."""
        with self._changed:
            self._want(None, self._here())
            self._closing = True

    def _want(self, passage: Passage | None, position_s: float) -> None:
        self._number += 1
        self._passage, self._position_s = passage, position_s
        self._changed.notify_all()

    def _here(self) -> float:
        if self._passage is None or self._begun != self._number:
            return self._position_s
        position = self._output.ring.position_s(self._output.heard)
        end_s = self._passage.end_s
        return position if end_s is None else min(position, end_s)

    # ------------------------------------------------------------- on the thread

    def _work(self) -> None:
        done = 0
        while True:
            with self._changed:
                in_time = self._wait(done, IDLE_S) or self._closing
                done, passage = self._number, self._passage
            if passage is not None:
                self._perform(done, passage)
            elif in_time and not self._closing:
                self._fall_silent(done)
            else:
                self._let_go()
                with self._changed:
                    if self._closing:
                        self._thread = None
                        return

    def _perform(self, number: int, passage: Passage) -> None:
        error: Exception | None = None
        try:
            self._output.start()
            self._output.ring.drop()
            with closing(self._sound(passage)) as sound:
                for position_s, block in sound:
                    if not self._write(number, position_s, block, passage.speed):
                        return
            self._hear_out(number)
        except PlaybackError as e:
            error = e
        except Exception as e:  # noqa: BLE001 - nobody above this thread could show it
            _log.error("unexpected error in playing %s", passage.path, exc_info=e)
            error = e
        with self._changed:
            if self._number != number:
                return
            self._want(None, self._here())
        self._stopped(error)

    def _sound(self, passage: Passage) -> Generator[tuple[float | None, Floats], None, None]:
        """Blocks; those that do not follow the one before with the position they begin at."""
        from app.playback.sound import Source  # FFmpeg takes a tenth of a second: not of the start of the program

        if self._source is None:
            self._source = Source()
        rate, n_channels = self._output.rate, self._output.n_channels
        start_s = passage.start_s
        while True:
            n_done, n_wanted = 0, None
            if passage.end_s is not None:
                n_wanted = round(max(passage.end_s - start_s, SHORTEST_S) / passage.speed * rate)
            with closing(self._source.blocks(passage.path, start_s, passage.speed, rate)) as sound:
                for block in sound:
                    part = (block if n_wanted is None else block[: n_wanted - n_done])[:, :n_channels]
                    yield (None, part) if n_done else (start_s, faded_in(part, rate))
                    n_done += len(part)
                    if n_done == n_wanted:
                        break
            if passage.loop_s is None or n_done == 0:
                return
            start_s = passage.loop_s

    def _write(self, number: int, position_s: float | None, block: Floats, speed: float) -> bool:
        """Wait for room in the ring as long as this is wanted; whether it still is."""
        ring = self._output.ring
        if position_s is not None:
            ring.begin(position_s, speed)
            with self._changed:
                if self._number == number:
                    self._begun = number
        while self._number == number:
            block = block[ring.write(block) :]
            if not len(block):
                return True
            self._output.check()
            ring.forget(self._output.heard)
            with self._changed:
                self._wait(number, TURN_S)
        return False

    def _hear_out(self, number: int) -> None:
        """Wait until the last frame was heard."""
        while self._number == number and self._output.heard < self._output.ring.n_written:
            self._output.check()
            with self._changed:
                self._wait(number, TURN_S)

    def _let_go(self) -> None:
        """Of the device and the recording."""
        self._output.close()
        if self._source is not None:
            self._source.close()

    def _fall_silent(self, number: int) -> None:
        """What is on its way to the device fades out; then it rests."""
        self._output.ring.drop()
        with self._changed:
            if self._wait(number, 2 * TURN_S):
                return
        self._output.rest()

    def _wait(self, number: int, seconds: float) -> bool:
        """Until something else is wanted, but no longer; whether it is. The lock is held."""
        return self._changed.wait_for(lambda: self._number != number or self._closing, seconds)
