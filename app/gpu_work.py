"""Fetching what the GPU engine needs, testing it, and how that stands. Qt-free: events go in, views read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from app.engine.gpu import GpuOverview, gpu_overview, gpu_packages, self_test
from app.engine.service import Failure
from app.gpu_pack.installation import GpuPack, Installed, Unpacking
from app.gpu_pack.packages import NoGpuPackError
from app.model_work import JobState, Rate, Trouble, trouble_of
from app.models.download import NextMirror, Progress, Resumed, Waiting
from app.models.network import Network
from app.paths import default_model
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from gpu.types import Check


@dataclass(frozen=True)
class GpuSight:
    """What there is on this machine.

    Attributes:
        pack: what would be fetched; None where there is nothing for this system, `no_pack` says why.
        is_installed: it was fetched. has_files: there is something to remove, be it of another release or a part.
    """

    overview: GpuOverview
    pack: GpuPack | None
    no_pack: Trouble | None = None
    is_installed: bool = False
    has_files: bool = False

    @property
    def can_enable(self) -> bool:
        """Fetching would help."""
        return self.overview.lacks_packages and self.pack is not None

    @property
    def usable(self) -> frozenset[int]:
        """Numbers of the GPUs that are used without being asked for."""
        if not self.overview.is_ready:
            return frozenset()
        return frozenset(gpu.ordinal for gpu in self.overview.gpus if gpu.has_passed)


def look_around() -> GpuSight:
    """Ask the driver, and look into the folder of what was fetched."""
    overview = gpu_overview()
    try:
        pack = GpuPack(gpu_packages())
    except NoGpuPackError as e:
        return GpuSight(overview, None, trouble_of(e, ""))
    return GpuSight(overview, pack, None, pack.is_installed, pack.has_files)


class Step(Enum):
    FETCHING = "fetching"
    UNPACKING = "unpacking"
    TESTING = "testing"


@dataclass(eq=False)
class GpuWork:
    """Fetching and then testing, or testing alone.

    Attributes:
        pack: to be fetched; None: only test.
        n_done, n_total: bytes.
        pause_wanted: when it is stopped it is not over.
        note: what it waits for, in words; unpacking: the wheel's name.
        checks: what the self-test has found so far. trouble: why it failed.
    """

    pack: GpuPack | None
    state: JobState = JobState.WAITING
    step: Step = Step.TESTING
    n_done: int = 0
    n_total: int = 0
    pause_wanted: bool = False
    note: str = ""
    unpacking: str = ""
    rate: Rate = field(default_factory=Rate)
    checks: list[Check] = field(default_factory=list)
    trouble: Trouble | None = None

    @property
    def is_fetching(self) -> bool:
        """It runs, or is paused, before the self-test."""
        return not self.state.is_over and self.step is not Step.TESTING

    @property
    def is_testing(self) -> bool:
        return self.state is JobState.RUNNING and self.step is Step.TESTING

    @property
    def time_left_s(self) -> float | None:
        rate = self.rate.per_second
        return (self.n_total - self.n_done) / rate if rate and self.n_total else None

    def start(self) -> None:
        """Begin, or go on after a pause or a failure."""
        self.state, self.pause_wanted, self.note, self.trouble = JobState.RUNNING, False, "", None
        self.step = Step.TESTING if self.pack is None else Step.FETCHING
        self.n_total = 0 if self.pack is None else self.pack.n_bytes
        self.rate, self.checks = Rate(), []

    def apply(self, event: object) -> None:
        """Take in what `events_of` yields."""
        match event:
            case Resumed(n_bytes):
                self.n_done, self.note, self.rate = n_bytes, "", Rate()
            case Progress(n_bytes, n_total):
                self.n_done, self.n_total, self.note = n_bytes, n_total, ""
                self.rate.note(n_bytes)
            case Waiting(cause=cause) | NextMirror(cause=cause):
                self.note = cause
            case Unpacking(name):
                self.step, self.unpacking = Step.UNPACKING, name
            case Installed():
                self.step = Step.TESTING
            case Check():
                self.checks.append(event)
            case Failure(_, kind, message, remedy):
                self.trouble = Trouble(kind, message, remedy)

    def end(self, error: Exception | None) -> None:
        """It is over, or paused. `error`: what ended it, if anything did."""
        self.note = ""
        if error is not None and not isinstance(error, Cancelled):
            self.trouble = trouble_of(error, default_model().name)
        if self.trouble is not None:
            self.state = JobState.FAILED
        elif isinstance(error, Cancelled):
            self.state = JobState.PAUSED if self.pause_wanted and self.is_fetching else JobState.CANCELLED
        else:
            self.state = JobState.DONE


def events_of(pack: GpuPack | None, network: Callable[[], Network], token: CancelToken) -> Iterator[object]:
    """Do it: the events of `GpuPack.install`, and those of the self-test.

    Raises:
        ModelsError: something could not be fetched or unpacked; what has arrived is kept.
        Cancelled: the token was set.
    """
    if pack is not None:
        yield from pack.install(token, network())
    for message in self_test(default_model(), "auto", token):
        yield message
        token.check()
