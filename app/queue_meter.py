"""How much waits to be transcribed: recordings, seconds of sound, and seconds until all of it is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject

from app.engine.background import Background
from app.engine.service import duration_s
from app.session import Recording, Session, State


@dataclass(frozen=True)
class QueueLag:
    """What the engine has not done yet, of what runs and waits.

    Attributes:
        n_waiting: recordings, without the one that runs.
        audio_s: seconds of sound that are known of; n_unknown: recordings whose length is not.
        until_done_s: at the pace so far; None while that is unknown.
    """

    n_waiting: int
    audio_s: float
    n_unknown: int
    until_done_s: float | None


class QueueMeter(QObject):
    """Asks for the length of one recording at a time, in the background."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._durations: dict[int, float | None] = {}  # by job
        self._asked: int | None = None
        self._factor: float | None = None  # of the latest run
        self._background = Background(self)

    @property
    def lag(self) -> QueueLag:
        """As it is now; asks for what is not known yet."""
        audio_s, n_waiting, n_unknown = 0.0, 0, 0
        unasked: Recording | None = None
        for recording in self._session:
            state, stats = recording.state, recording.stats
            if state is not State.RUNNING and state is not State.WAITING:
                continue
            n_waiting += state is State.WAITING
            duration = stats.duration_s if stats is not None else self._durations.get(recording.job_id)
            if stats is not None and state is State.RUNNING and stats.real_time_factor > 0:
                self._factor = stats.real_time_factor
            if duration is None:
                n_unknown += 1
                if unasked is None and recording.job_id not in self._durations:
                    unasked = recording
            else:
                audio_s += max(duration - (stats.audio_s if stats is not None else 0.0), 0.0)
        if unasked is not None and self._asked is None:
            self._ask(unasked)
        until_done_s = audio_s * self._factor if self._factor is not None else None
        return QueueLag(n_waiting, audio_s, n_unknown, until_done_s)

    def _ask(self, recording: Recording) -> None:
        job_id = self._asked = recording.job_id
        work = partial(duration_s, recording.path)
        self._background.run(work, partial(self._take, job_id), lambda _error: self._take(job_id, None))

    def _take(self, job_id: int, duration: float | None) -> None:
        self._durations[job_id] = duration
        self._asked = None
