"""A microphone that is listened to until it is told to stop, come what may: what breaks off is taken up again.

Its thread reads the stream, writes the sound to the disk before anybody else gets it, and looks after the device.
Nothing in it waits for the sound system: opening and closing are done by threads that may hang.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np

from app.capture.errors import CaptureError, NeverHeardError
from app.capture.gaps import GapMeter
from app.capture.level import SILENCE_DB, level_after
from app.capture.pulse import PulseWatch, Source
from app.capture.recorder import Recorder
from app.capture.states import CaptureState, Gap, Heard, Kind
from app.capture.stream import RATE, Capture, Choice, Floats
from app.paths import log_file
from app.playback.errors import PlaybackError
from gpu.errors import ExplainedError
from gpu.types import Words

TICK_S = 0.04  # each costs a turn of everything behind it
HELD_S = 0.5  # without sound: what comes then is held back until it is known how much is missing
STALLED_S = 2.0  # without sound: worth telling
REOPEN_S = 6.0  # of a stall, though the sound server answers
SILENT_S = 3.0  # of zeros
RETRY_S = 0.5
RETRY_BLIND_S = 2.0  # where no sound server tells what there is
CHECKED_S = 2.5  # after which it is known how fast a device really is
PIECE_S = 10.0  # of silence, at a time

_log = logging.getLogger(__name__)


@dataclass
class _Opening:
    """A capture that is being opened by another thread."""

    capture: Capture
    error: ExplainedError | None = None
    done: threading.Event = field(default_factory=threading.Event)
    unwanted: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.capture.open()
        except (CaptureError, PlaybackError) as e:
            self.error = e
        except Exception as e:  # noqa: BLE001 - nobody above this thread could tell
            _log.critical("a microphone could not be opened", exc_info=e)
            self.error = mistake(e)
        self.done.set()
        if self.unwanted.is_set():
            self.capture.close()

    def forget(self) -> None:
        """Nobody wants it any more."""
        self.unwanted.set()
        if self.done.is_set():
            self.capture.close()


class Listener:
    """Hears one choice, from `start` to `stop`; what it heard is taken with `take`, by one thread.

    Args:
        choice: what to hear.
        sound: the file that is to hold it, FLAC; None: it is not kept.
        patient: wait for a device that is not there at the beginning.

    Attributes:
        failure: why it ended by itself: the first opening failed, or the disk is full.
    """

    def __init__(self, choice: Choice, sound: Path | None = None, *, patient: bool = False) -> None:
        self._choice, self._sound, self._patient = choice, sound, patient
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._watch = PulseWatch()
        self._ending, self._ended = threading.Event(), threading.Event()
        self._wanted: Choice | None = None
        self._paused = False
        self._recorder: Recorder | None = None
        self._capture: Capture | None = None
        self._opening: _Opening | None = None
        self._try_at = 0.0
        self._told_error = ""  # for the log
        self._meter = GapMeter(RATE)
        self._checked = False  # how fast the device is
        self._held: list[Floats] | None = None
        self._away: float | None = None  # since when nothing is heard that should be
        self._n_heard = 0  # samples
        self._n_zeros = 0
        self._level_db = SILENCE_DB
        self._state = CaptureState("opening", "", 0.0)
        self._source = ""  # the sound server's name of what was heard first, unless that is its choice
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self.failure: ExplainedError | None = None
        self.lost_s = 0.0

    @property
    def state(self) -> CaptureState:
        return self._state

    @property
    def heard_s(self) -> float:
        """Length of the sound so far, without pauses."""
        return self._n_heard / RATE

    @property
    def level_db(self) -> float:
        """Of the loudest lately: RMS relative to full scale."""
        return self._level_db

    @property
    def ended(self) -> bool:
        """Nothing more will come than `take` gives."""
        return self._ended.is_set()

    def start(self) -> None:
        """Returns at once."""
        self._thread.start()

    def pause(self, paused: bool) -> None:
        """Give the device back, or take it again. Time stands still meanwhile."""
        self._paused = paused

    def choose(self, choice: Choice) -> None:
        """Hear something else from now on. What nobody hears meanwhile is a gap."""
        self._wanted = choice

    def stop(self) -> None:
        """Returns at once; `ended` follows within moments, also where the sound system hangs."""
        self._ending.set()

    def wait(self, seconds: float) -> bool:
        """For the end, that long at the most: whether it came."""
        return self._ended.wait(seconds)

    def take(self) -> list[Heard]:
        """What was heard since, in order."""
        found: list[Heard] = []
        with suppress(Empty):
            while True:
                found.append(self._heard.get_nowait())
        return found

    def take_or_end(self) -> list[Heard] | None:
        """The same; None: that was all."""
        is_over = self.ended  # asked first: what came before that is there to be taken
        return self.take() or (None if is_over else [])

    # ------------------------------------------------------------- its thread

    def _run(self) -> None:
        try:
            if self._sound is not None:
                self._recorder = Recorder(self._sound)
            self._watch.looked.wait(1.0)
            while not self._ending.is_set() and self.failure is None:
                self._turn(time.monotonic())
                self._ending.wait(TICK_S)
        except CaptureError as e:
            self.failure = e
        except Exception as e:  # noqa: BLE001 - nobody above this thread could tell
            _log.critical("the microphone's thread made a mistake", exc_info=e)
            self.failure = mistake(e)
        self._end()

    def _turn(self, now: float) -> None:
        if (wanted := self._wanted) is not None:
            self._wanted = None
            self._change(wanted, now)
        if self._paused:
            self._let_go()
            self._away = None
        elif self._capture is None:
            self._open(now)
        else:
            self._hear(self._capture, now)
        self._judge(now)

    def _end(self) -> None:
        with suppress(CaptureError):  # the disk is full: told already
            self._let_go()
        if self._opening is not None:
            self._opening.forget()
        self._watch.stop()
        if self._recorder is not None:
            with suppress(CaptureError):
                self._recorder.close()
        self._ended.set()

    def _open(self, now: float) -> None:
        opening = self._opening
        if opening is None:
            if now >= self._try_at and self._is_there():
                choice = Choice(self._source) if self._source else self._choice
                self._opening = opening = _Opening(Capture(choice, self._watch.fresh))
                threading.Thread(target=opening.run, name="opening a microphone", daemon=True).start()
            return
        if not opening.done.is_set():
            return
        self._opening = None
        if opening.error is not None:
            if str(opening.error) != self._told_error:
                self._told_error = str(opening.error)
                _log.warning("%s", self._told_error)
            if not self._patient or isinstance(opening.error, NeverHeardError | PlaybackError):
                self.failure = opening.error
            self._try_at = now + (RETRY_S if self._watch.facts else RETRY_BLIND_S)
            if self._state.kind in ("opening", "paused"):
                self._tell("gone", self._state.name or self._choice.name)
            return
        capture = self._capture = opening.capture
        self._meter, self._checked, self._held, self._n_zeros = GapMeter(capture.rate), False, None, 0
        self._patient = True  # from now on
        if not self._choice.system and self._choice.name:
            self._source = capture.source
        _log.info("listening to %r at %d Hz", capture.name, capture.rate)

    def _is_there(self) -> bool:
        """Whether there is something to be opened; what nobody can tell is tried."""
        if self._watch.hangs:
            return False
        facts = self._watch.fresh
        if facts is None or not self._source:
            return True
        return facts.source(self._source) is not None

    def _hear(self, capture: Capture, now: float) -> None:
        if self._is_elsewhere(capture):  # the sound server has moved the stream: that is not what was chosen
            self._lose(capture)
            return
        block, called, n_written = capture.read(), capture.called, capture.n_written
        if self._away is not None and len(block):
            self._fill(called - self._away - len(block) / RATE)
            self._away = None
        if capture.lost_s:
            self._fill(capture.lost_s)
            capture.lost_s = 0.0
        if now - called > HELD_S and self._held is None:
            self._held, self._level_db = [], SILENCE_DB
            self._meter.stall()
        if len(block):
            missing = self._meter.look(called, n_written)
            if self._held is None:
                self._fill(missing)
                self._give(block)
            else:
                self._held.append(block)
                self._settle(called)
        if not self._checked and now - called < HELD_S and self._n_heard > CHECKED_S * RATE:
            self._check_rate(capture, called, n_written)
        if capture.ended or (now - called > REOPEN_S and self._answers()):
            self._lose(capture)

    def _settle(self, called: float) -> None:
        missing = self._meter.settle(called)
        if missing is not None:
            self._fill(missing)
            self._release()

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for block in held:
            self._give(block)

    def _check_rate(self, capture: Capture, called: float, n_written: int) -> None:
        self._checked = True
        rate = self._meter.true_rate(called, n_written)
        if rate != capture.rate:
            _log.warning("%r says %d Hz and gives %d", capture.name, capture.rate, rate)
            capture.set_rate(rate)
            self._meter = GapMeter(rate)
            self._tell("rate", capture.name)

    def _is_elsewhere(self, capture: Capture) -> bool:
        facts = self._watch.fresh
        if facts is None or not self._source or capture.tag not in facts.heard:
            return False
        return facts.source(self._source) is None and facts.heard[capture.tag] != self._source

    def _answers(self) -> bool:
        """The sound server, if there is one; and it does not rest the device on purpose."""
        facts = self._watch.fresh
        if facts is None:
            return not self._watch.hangs
        source = facts.source(self._source or facts.default_source)
        return source is None or not source.suspended

    def _lose(self, capture: Capture) -> None:
        """The device, which is to be found again."""
        self._capture, self._level_db = None, SILENCE_DB
        self._release()
        self._away = capture.called
        threading.Thread(target=capture.close, name="lost microphone", daemon=True).start()
        self._try_at = 0.0
        _log.warning("%r is lost", capture.name)

    def _change(self, choice: Choice, now: float) -> None:
        if self._opening is not None:
            self._opening.forget()
            self._opening = None
        if self._capture is not None:
            self._let_go()
            self._away = now
        self._choice, self._source, self._try_at = choice, "", 0.0

    def _let_go(self) -> None:
        """Of the device, with what has come from it."""
        capture, self._capture = self._capture, None
        if capture is not None:
            elsewhere = self._is_elsewhere(capture)
            rest = capture.close()
            self._release()
            if not elsewhere:
                self._give(rest)
        self._level_db = SILENCE_DB

    def _fill(self, missing_s: float) -> None:
        """Silence in the place of what is lost."""
        n_missing = round(missing_s * RATE)
        if n_missing <= 0:
            return
        start_s = self.heard_s
        for first in range(0, n_missing, round(PIECE_S * RATE)):
            self._put(np.zeros(min(round(PIECE_S * RATE), n_missing - first), np.float32))
        self.lost_s += missing_s
        self._heard.put(Gap(start_s, self.heard_s))
        _log.warning("%.2f s of sound are missing at %.2f s", missing_s, start_s)

    def _give(self, block: Floats) -> None:
        if not len(block):
            return
        self._level_db = level_after(block, self._level_db, RATE)
        self._n_zeros = 0 if block.any() else self._n_zeros + len(block)
        self._put(block)

    def _put(self, block: Floats) -> None:
        if self._recorder is not None:
            self._recorder.write(block)
        self._n_heard += len(block)
        self._heard.put(block)

    # ------------------------------------------------------------- how it stands

    def _judge(self, now: float) -> None:
        capture = self._capture
        if self._paused:
            self._tell("paused", self._state.name)
        elif capture is None:
            if self._state.kind not in ("opening", "gone", "paused"):
                self._tell("stalled" if self._watch.hangs else "gone", self._state.name)
            elif self._state.kind == "opening" and self._watch.hangs:
                self._tell("stalled", self._choice.name)
        else:
            facts = self._watch.fresh
            source = facts.source(facts.heard.get(capture.tag, "")) if facts is not None else None
            if source is not None and not self._source:
                capture.name = source.description  # the system's choice may change
            self._tell(self._kind(capture, source, now), capture.name)

    def _kind(self, capture: Capture, source: Source | None, now: float) -> Kind:
        if now - capture.called > STALLED_S:
            return "suspended" if source is not None and source.suspended else "stalled"
        if source is not None and source.muted and not self._choice.system:
            self._n_zeros = 0
            return "muted"
        if self._n_zeros > SILENT_S * RATE and not self._choice.system:
            return "silent"
        if not self._n_heard:
            return self._state.kind
        return "listening"

    def _tell(self, kind: Kind, name: str) -> None:
        if (kind, name) != (self._state.kind, self._state.name):
            if kind != "listening" or self._state.kind != "opening":
                _log.info("microphone %r: %s", name, kind)
            self._state = CaptureState(kind, name, self.heard_s)
            self._heard.put(self._state)


def mistake(error: Exception) -> CaptureError:
    """One that nobody foresaw."""
    return CaptureError(
        Words("The program made a mistake ({error}).", error=f"{type(error).__name__}: {error}"[:200]),
        remedy=Words("Please report it with the log file {path}.", path=log_file()),
    )
