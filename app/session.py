"""The recordings of this session and how each of them stands. Qt-free: messages of the engine go in, views read."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.document.transcript import Transcript
from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobMessage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    TranscribeFile,
)
from gpu.types import RunStats, TranscribeOptions, Words


class State(enum.Enum):
    WAITING = enum.auto()
    RUNNING = enum.auto()
    DONE = enum.auto()
    FAILED = enum.auto()
    CANCELLED = enum.auto()

    @property
    def is_over(self) -> bool:
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(eq=False)
class Recording:
    """One recording and its transcript.

    Attributes:
        job_id: of its latest job; a new one whenever it is started again.
        probability: of the detected language; None when the user named it.
        stats: the latest of the run, or None before the first window is finished.
        failure: why it failed, while `state` is FAILED.
        warnings: what the user should know about a run that went on.
        is_saved: the text as it stands is in a file.
    """

    job_id: int
    path: Path
    options: TranscribeOptions
    transcript: Transcript
    state: State = State.WAITING
    probability: float | None = None
    stats: RunStats | None = None
    failure: JobFailed | None = None
    warnings: list[Words] = field(default_factory=list)
    is_saved: bool = False

    @property
    def is_partial(self) -> bool:
        """There is text, but not all of it: the run was stopped, or failed on the way."""
        return self.state in (State.CANCELLED, State.FAILED) and bool(self.transcript.segments)

    @property
    def progress(self) -> float | None:
        """Share of the recording that is finished, 0 to 1; None while its length or position is unknown."""
        if self.state is State.DONE:
            return 1.0
        if self.stats is None or not self.stats.duration_s:
            return None
        return min(self.stats.audio_s / self.stats.duration_s, 1.0)

    @property
    def time_left_s(self) -> float | None:
        """Seconds the rest takes at the pace so far; None while that is unknown."""
        if self.state is not State.RUNNING or self.stats is None or not self.stats.duration_s or not self.stats.audio_s:
            return None
        return max(self.stats.duration_s - self.stats.audio_s, 0.0) * self.stats.real_time_factor

    @property
    def job(self) -> TranscribeFile:
        return TranscribeFile(self.job_id, self.path, self.options)


class Session:
    """Recordings in the order they were added."""

    def __init__(self) -> None:
        self.recordings: list[Recording] = []
        self._by_job: dict[int, Recording] = {}
        self._last_job_id = 0

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)

    @property
    def running(self) -> Recording | None:
        return next((recording for recording in self.recordings if recording.state is State.RUNNING), None)

    @property
    def is_busy(self) -> bool:
        """Something runs or waits."""
        return any(not recording.state.is_over for recording in self.recordings)

    def recording(self, job_id: int) -> Recording | None:
        """The recording whose latest job this is."""
        return self._by_job.get(job_id)

    def add(self, path: Path, options: TranscribeOptions) -> Recording:
        self._last_job_id += 1
        recording = Recording(self._last_job_id, path, options, Transcript(path))
        self.recordings.append(recording)
        self._by_job[recording.job_id] = recording
        return recording

    def restart(self, recording: Recording, options: TranscribeOptions) -> None:
        """Let a recording that is over wait again, from nothing, under a new job id."""
        self._last_job_id += 1
        del self._by_job[recording.job_id]
        fresh = Recording(self._last_job_id, recording.path, options, Transcript(recording.path))
        recording.__dict__.update(fresh.__dict__)
        self._by_job[recording.job_id] = recording

    def remove(self, recording: Recording) -> None:
        self.recordings.remove(recording)
        del self._by_job[recording.job_id]

    def cancel(self, recording: Recording) -> None:
        """Show at once that a waiting recording will not run; a running one is over when the engine says so."""
        if recording.state is State.WAITING:
            recording.state = State.CANCELLED

    def apply(self, message: JobMessage) -> Recording | None:
        """Take in what the engine says; the recording it is about, or None when that job is no longer of interest."""
        recording = self._by_job.get(message.job_id)
        if recording is None:
            return None
        match message:
            case JobStarted():
                recording.state = State.RUNNING
            case JobLanguage(language=language, probability=probability):
                recording.transcript.language = language
                recording.probability = probability
            case JobSegment(segment=segment):
                recording.transcript.append(segment)
                recording.is_saved = False
            case JobStats(stats=stats):
                recording.stats = stats
            case JobWarning(message=text):
                recording.warnings.append(text)
            case JobFinished(stats=stats):
                recording.state = State.DONE
                recording.stats = stats
            case JobCancelled(stats=last_stats):
                recording.state = State.CANCELLED
                recording.stats = last_stats or recording.stats
            case JobFailed():
                recording.state = State.FAILED
                recording.failure = message
        return recording
