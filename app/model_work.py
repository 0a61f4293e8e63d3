"""Work on models that takes its time, and how it stands. Qt-free: events go in, views read.

A download, a conversion or a check is a `Job`. `events_of` is the work itself, a generator to be pumped on another
thread; what it yields goes into `Job.apply`.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from app.engine.model_jobs import ConvertModel, ModelJobCancelled, ModelWritten, TensorChecked, check_model
from app.engine.model_jobs import convert_model as convert_events
from app.engine.service import Failure, failure_of
from app.models.catalogue import CatalogueModel, load_catalogue
from app.models.download import Download, Finished, NextMirror, Progress, Resumed, Waiting
from app.models.errors import ModelsError
from app.models.hash_cache import HashCache, fetched
from app.models.network import Network
from app.paths import models_dir
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, reason
from gpu.types import ConvertProgress, TensorReport, Words

RATE_S = 5.0  # the speed shown is that of so many last seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FetchModel:
    """Download a model of the catalogue into the user's models folder."""

    model: CatalogueModel


@dataclass(frozen=True)
class VerifyModel:
    """Look at every tensor of a model the engine reads, and compare its file with the published ones.

    Attributes:
        path: what it is called by; weights: the file with the weights.
        is_readable: by the engine; of others only the hash is compared.
    """

    path: Path
    weights: Path
    is_readable: bool


Work = FetchModel | ConvertModel | VerifyModel


@dataclass(frozen=True)
class Compared:
    """The file's SHA-256, and who published a file like it (None: nobody the catalogue knows)."""

    sha256: str
    origin: str | None


@dataclass(frozen=True)
class Trouble:
    """Why a job failed. `kind` is the exception's class name; message and remedy are one line each."""

    kind: str
    message: str
    remedy: str


class JobState(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Rate:
    """Units a second, over the last few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, n_done: int) -> None:
        now = self._clock()
        if self._samples and n_done < self._samples[-1][1]:
            self._samples.clear()  # begun anew
        self._samples.append((now, n_done))
        while now - self._samples[0][0] > RATE_S:
            self._samples.popleft()

    @property
    def per_second(self) -> float | None:
        """None until half a second has been seen; falls, and is 0 in the end, while nothing comes."""
        if not self._samples:
            return None
        now, (start, n_first), (end, n_last) = self._clock(), self._samples[0], self._samples[-1]
        if now - end > RATE_S:
            return 0.0
        return (n_last - n_first) / (now - start) if now - start >= 0.5 else None


@dataclass(eq=False)
class Job:
    """One work and how it stands.

    Attributes:
        n_done, n_total: bytes; tensors of a check. `n_total` is 0 as long as it is not known.
        pause_wanted: when it is stopped it is not over.
        note: what it waits for, in words; "" when it gets on.
        reports, bad: of a check: the tensors so far, and the names of those that are not sound.
        compared: of a check, at its end. trouble: why it failed.
    """

    work: Work
    state: JobState = JobState.WAITING
    n_done: int = 0
    n_total: int = 0
    pause_wanted: bool = False
    note: str = ""
    rate: Rate = field(default_factory=Rate)
    reports: list[TensorReport] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    compared: Compared | None = None
    trouble: Trouble | None = None

    @property
    def name(self) -> str:
        """What the user calls it by."""
        match self.work:
            case FetchModel(model):
                return model.name
            case ConvertModel(output=output):
                return output.name
            case VerifyModel(path=path):
                return path.name

    @property
    def progress(self) -> float | None:
        """From 0 to 1; None while it is not known."""
        return min(self.n_done / self.n_total, 1.0) if self.n_total else None

    @property
    def time_left_s(self) -> float | None:
        rate = self.rate.per_second
        return (self.n_total - self.n_done) / rate if rate and self.n_total else None

    def start(self) -> None:
        self.state, self.pause_wanted, self.note, self.rate, self.trouble = JobState.RUNNING, False, "", Rate(), None

    def apply(self, event: object) -> None:
        """Take in what the work yields."""
        match event:
            case Resumed(n_bytes):
                self._advance(n_bytes, self.n_total)
                self.rate = Rate()
            case Progress(n_bytes, n_total) | ConvertProgress(n_done=n_bytes, n_bytes=n_total):
                self._advance(n_bytes, n_total)
            case Waiting(cause=cause) | NextMirror(cause=cause):
                self.note = cause
            case TensorChecked(report, is_good):
                self.reports.append(report)
                if not is_good:
                    self.bad.append(report.name)
                self._advance(len(self.reports), report.n_tensors)
            case Compared():
                self.compared = event
            case Failure(_, kind, message, remedy):
                self.trouble = Trouble(kind, message, remedy)
            case Finished() | ModelWritten():
                self.n_done = self.n_total
            case ModelJobCancelled():
                self.state = JobState.CANCELLED

    def end(self, error: Exception | None) -> None:
        """The work is over, or paused. `error`: what ended it, if anything did."""
        self.note = ""
        if error is not None and not isinstance(error, Cancelled):
            self.trouble = trouble_of(error, self.name)
        if self.trouble is not None:
            self.state = JobState.FAILED
        elif isinstance(error, Cancelled):
            self.state = JobState.PAUSED if self.pause_wanted else JobState.CANCELLED
        elif self.state is JobState.RUNNING:
            self.state = JobState.DONE

    def _advance(self, n_done: int, n_total: int) -> None:
        self.n_done, self.n_total, self.note = n_done, n_total, ""
        self.rate.note(n_done)


def new_job(work: Work, n_there: int = 0) -> Job:
    """A job that waits. `n_there`: bytes of a download that an earlier one has left."""
    n_total = work.model.n_bytes if isinstance(work, FetchModel) else 0
    return Job(work, n_done=n_there, n_total=n_total)


def trouble_of(error: Exception, name: str) -> Trouble:
    """An error in words. One that nobody foresaw goes to the log with its traceback."""
    if isinstance(error, ModelsError):
        return Trouble(type(error).__name__, error.args[0], error.remedy)
    failure = failure_of(Path(name), error)
    return Trouble(failure.kind, failure.message, failure.remedy)


def events_of(work: Work, network: Callable[[], Network], token: CancelToken) -> Iterator[object]:
    """Do it: the events of `Download.run`, `convert_model`, `check_model`, and `Compared`.

    Raises:
        ModelsError: a download failed; other works end with a `Failure` instead.
        Cancelled: the token was set. A download's part is kept; nothing is left of a conversion.
    """
    match work:
        case FetchModel(model):
            return _fetch(model, network(), token)
        case ConvertModel():
            return _convert(work, token)
        case VerifyModel():
            return _verify(work, token)


def _fetch(model: CatalogueModel, network: Network, token: CancelToken) -> Iterator[object]:
    file = load_catalogue().remote_file(model, network.settings().mirror)
    yield from fetched(Download(file, models_dir(), token, network))


def _convert(work: ConvertModel, token: CancelToken) -> Iterator[object]:
    if work.output.parent == models_dir():
        with suppress(OSError):  # then the writing says what is wrong
            models_dir().mkdir(parents=True, exist_ok=True)
    yield from convert_events(work, token)


def _verify(work: VerifyModel, token: CancelToken) -> Iterator[object]:
    if work.is_readable:
        for message in check_model(work.path, token):
            yield message
            if isinstance(message, Failure | ModelJobCancelled):
                return
    try:
        sha256 = HashCache().sha256(work.weights, token)
    except OSError as e:
        why = Words("{path} cannot be read: {reason}.", path=work.weights, reason=reason(e))
        yield Failure(work.weights, "ModelNotFoundError", why, Words("Check that you may read it."))
        return
    yield Compared(sha256, load_catalogue().known.get(sha256))
