"""What goes into the engine (jobs) and what comes out of it (messages). Frozen, Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpu.types import DeviceInfo, MemoryUsage, ModelInfo, RunStats, Segment, TranscribeOptions, Words


@dataclass(frozen=True)
class Settled:
    """What an earlier run has of a recording: a job that goes on with it leaves that alone.

    Attributes:
        until_s: up to where, in seconds of the recording.
        n_segments: that were found there.
        language: its code, if it is known.
        text: the end of what was said, as context.
    """

    until_s: float
    n_segments: int
    language: str | None
    text: str


@dataclass(frozen=True)
class TranscribeFile:
    """A job: turn one recording into text. `job_id` is the caller's, unique in its session.

    `settled`: by an earlier run that this one goes on with, or None.
    `model`: the file of one for this job alone, or None for the one that is loaded.
    """

    job_id: int
    path: Path
    options: TranscribeOptions
    settled: Settled | None = None
    model: Path | None = None


@dataclass(frozen=True)
class ModelLoading:
    path: Path


@dataclass(frozen=True)
class ModelLoaded:
    model: ModelInfo
    device: DeviceInfo


@dataclass(frozen=True)
class ModelFailed:
    """The engine has no model: every job fails until another one is loaded. One line each.

    `kind` is the exception's class name (for translations, logs and tests).
    """

    path: Path
    message: Words
    remedy: Words
    kind: str


@dataclass(frozen=True)
class EngineMemory:
    """Memory of the device between two jobs; during a job it rides on `JobStats`."""

    memory: MemoryUsage


@dataclass(frozen=True)
class JobStarted:
    job_id: int
    path: Path


@dataclass(frozen=True)
class JobLanguage:
    """`probability` is None when the user named the language."""

    job_id: int
    language: str
    probability: float | None


@dataclass(frozen=True)
class JobSegment:
    job_id: int
    segment: Segment


@dataclass(frozen=True)
class JobStats:
    job_id: int
    stats: RunStats


@dataclass(frozen=True)
class JobWarning:
    job_id: int
    message: Words


@dataclass(frozen=True)
class JobFinished:
    job_id: int
    stats: RunStats


@dataclass(frozen=True)
class JobCancelled:
    """Stopped on request; the segments sent before stand. `stats` is None when it had not begun."""

    job_id: int
    stats: RunStats | None


@dataclass(frozen=True)
class JobFailed:
    """The job ended with an error; the segments sent before stand. One line each.

    `kind` is the exception's class name (for logs and tests).
    """

    job_id: int
    path: Path
    kind: str
    message: Words
    remedy: Words


JobMessage = JobStarted | JobLanguage | JobSegment | JobStats | JobWarning | JobFinished | JobCancelled | JobFailed
Message = ModelLoading | ModelLoaded | ModelFailed | EngineMemory | JobMessage
