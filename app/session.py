"""The recordings of this session and how each of them stands. Qt-free: messages of the engine go in, views read."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
    Settled,
    TranscribeFile,
)
from gpu.types import RunStats, TranscribeOptions, Words

_CONTEXT = 1000  # characters: more than a prompt takes


class State(enum.Enum):
    WAITING = enum.auto()
    RUNNING = enum.auto()
    PAUSED = enum.auto()
    DONE = enum.auto()
    FAILED = enum.auto()
    CANCELLED = enum.auto()
    LIVE = enum.auto()  # it is being spoken

    @property
    def is_over(self) -> bool:
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(eq=False)
class Recording:
    """One recording and its transcript.

    Attributes:
        job_id: of its latest job; a new one whenever it is started again.
        model: the file of one of its own; None: the one in use when its turn comes.
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
    model: Path | None = None

    @property
    def is_partial(self) -> bool:
        """There is text, but not all of it: the run was stopped, or failed on the way."""
        return self.state in (State.CANCELLED, State.FAILED) and bool(self.transcript.segments)

    @property
    def can_resume(self) -> bool:
        """It rests, or was cut short, and would go on where its text ends."""
        cut_short = self.is_partial and self.stats is not None and self.stats.settled_s > 0
        return self.state is State.PAUSED or cut_short

    @property
    def may_have_options(self) -> bool:
        """Others than it has. Those of one that runs, or is done, are what its text is made with."""
        failed_at_once = self.state is State.FAILED and not self.transcript.segments
        return self.state is State.WAITING or self.can_resume or failed_at_once

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
        return TranscribeFile(self.job_id, self.path, self.options, self._settled, self.model)

    @property
    def _settled(self) -> Settled | None:
        """What an earlier run has left, if there was one."""
        if self.stats is None or self.stats.settled_s <= 0:
            return None
        text = self.transcript.text[-_CONTEXT:]
        return Settled(self.stats.settled_s, self.stats.n_segments, self.transcript.language, text)


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
        return any(recording.state in (State.RUNNING, State.WAITING) for recording in self.recordings)

    def recording(self, job_id: int) -> Recording | None:
        """The recording whose latest job this is."""
        return self._by_job.get(job_id)

    def add(self, path: Path, options: TranscribeOptions) -> Recording:
        self._last_job_id += 1
        recording = Recording(self._last_job_id, path, options, Transcript(path))
        self.recordings.append(recording)
        self._by_job[recording.job_id] = recording
        return recording

    def restore(self, recordings: list[Recording]) -> None:
        """Begin with those of an earlier session."""
        self.recordings = list(recordings)
        self._by_job = {recording.job_id: recording for recording in recordings}
        self._last_job_id = max(self._by_job, default=0)

    def resume(self, recording: Recording) -> None:
        """Let a recording that rests, or was cut short, wait again under a new job id: it goes on where its text is
        settled, and loses what is behind that."""
        self._last_job_id += 1
        del self._by_job[recording.job_id]
        recording.job_id = self._last_job_id
        self._by_job[recording.job_id] = recording
        n_settled = recording.stats.n_segments if recording.stats else 0
        transcript = recording.transcript
        recording.transcript = Transcript(transcript.path, transcript.language, transcript.segments[:n_settled])
        recording.state, recording.failure = State.WAITING, None

    def settle(self, recording: Recording) -> None:
        """All text a person has seen and changed counts as settled: one that is resumed goes on behind it."""
        segments, stats = recording.transcript.segments, recording.stats
        if stats is not None and recording.state is not State.DONE:
            settled_s = max([stats.settled_s, *(segment.end for segment in segments)])
            recording.stats = replace(stats, n_segments=len(segments), settled_s=settled_s)

    def restart(self, recording: Recording, options: TranscribeOptions, model: Path | None = None) -> None:
        """Let a recording that is over wait again, from nothing, under a new job id."""
        self._last_job_id += 1
        del self._by_job[recording.job_id]
        fresh = Recording(self._last_job_id, recording.path, options, Transcript(recording.path), model=model)
        recording.__dict__.update(fresh.__dict__)
        self._by_job[recording.job_id] = recording

    def remove(self, recording: Recording) -> None:
        self.recordings.remove(recording)
        del self._by_job[recording.job_id]

    def apply(self, message: JobMessage) -> Recording | None:
        """Take in what the engine says; the recording it is about, or None when that job is no longer of interest."""
        recording = self._by_job.get(message.job_id)
        if recording is None:
            return None
        match message:
            case JobStarted():
                recording.state = State.RUNNING
            case JobLanguage(language=language, probability=probability):
                _take_language(recording, language, probability)
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


def _take_language(recording: Recording, language: str, probability: float | None) -> None:
    """A run that goes on with an earlier one is told the language that was detected then."""
    is_known = recording.job.settled is not None and recording.transcript.language == language
    if not (is_known and probability is None):
        recording.transcript.language, recording.probability = language, probability
