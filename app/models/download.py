"""A download as a generator: events out, a verified file at the end. Threads only pump it.

Stopped by its token (or by being closed) it leaves the part for the next time: that is also how it is paused.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.models.errors import (
    OF_ONE_ADDRESS,
    TRANSIENT,
    ConnectionLostError,
    ModelsError,
    NoRoomError,
    ServerBusyError,
    WrongHashError,
    WrongLengthError,
)
from app.models.network import Network, Response
from app.models.part_file import PartFile, RemoteFile, discard_part
from gpu.cancel import CancelToken
from gpu.types import Words

_MARGIN_BYTES = 1 << 24  # left free on the disk
_BLOCK_BYTES = 1 << 20
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416
_WEB_PAGE = "text/html"


@dataclass(frozen=True)
class Resumed:
    """Bytes that an earlier download left, and that are not fetched again."""

    n_bytes: int


@dataclass(frozen=True)
class Progress:
    """Bytes on the disk so far, of all. May go back: when the server has another file than before."""

    n_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Waiting:
    """Something went wrong that may pass; the next attempt is in `seconds`."""

    cause: Words
    seconds: float


@dataclass(frozen=True)
class NextMirror:
    """An address was given up; `url` is tried now."""

    cause: Words
    url: str


@dataclass(frozen=True)
class Finished:
    """The file is there, whole and with the right SHA-256. `was_there`: before we came."""

    path: Path
    was_there: bool


Event = Resumed | Progress | Waiting | NextMirror | Finished


def wait(seconds: float, token: CancelToken) -> None:
    """Wait, but not beyond the token. Raises `Cancelled`."""
    event = threading.Event()
    with token.interrupting(event.set):
        event.wait(seconds)
    token.check()


@dataclass(frozen=True)
class Backoff:
    """How often and how patiently something is tried again: pauses double, with jitter (half to all of it).

    Attributes:
        tries: failures in a row at one address, without `progress_bytes` in between, before it is given up.
        first_s, longest_s: the first pause, and the longest.
        patience_s: when a server asks for a longer pause than this, we do not wait for it.
    """

    tries: int = 4
    first_s: float = 1.0
    longest_s: float = 60.0
    patience_s: float = 300.0
    progress_bytes: int = 1 << 18
    wait: Callable[[float, CancelToken], None] = wait
    random: Callable[[], float] = random.random

    def pause(self, n_failures: int, error: ModelsError) -> float:
        """Seconds to wait after the n-th failure in a row (from 1)."""
        pause: float = min(self.longest_s, self.first_s * 2 ** (n_failures - 1)) * (1 + self.random()) / 2
        asked = error.retry_after_s if isinstance(error, ServerBusyError) else None
        return max(pause, asked or 0.0)


@dataclass
class Download:
    """One file into one folder; `run` may be called again to go on.

    Attributes:
        file: what; folder: where to.
    """

    file: RemoteFile
    folder: Path
    token: CancelToken
    network: Network = field(default_factory=Network)
    backoff: Backoff = field(default_factory=Backoff)

    def run(self) -> Iterator[Event]:
        """Fetch it; `Finished` comes last.

        Raises:
            ModelsError: one of its subclasses says what went wrong; the part is kept unless it is of no use.
            Cancelled: the token was set.
        """
        path = self.folder / self.file.name
        if self._is_there(path):
            with suppress(OSError):
                discard_part(self.folder, self.file.name)  # of a life that ended just after it was whole
            yield Finished(path, was_there=True)
            return
        with PartFile(self.folder, self.file) as part:
            if n_bytes := part.recover(self.token):
                yield Resumed(n_bytes)
            self._check_room(part)
            yield from self._fetch(part)
            part.finish(path)
        yield Finished(path, was_there=False)

    def _is_there(self, path: Path) -> bool:
        try:
            if not path.is_file() or path.stat().st_size != self.file.n_bytes:
                return False
            return sha256_of(path, self.token) == self.file.sha256
        except OSError:
            return False  # what cannot be read is replaced

    def _check_room(self, part: PartFile) -> None:
        needed = self.file.n_bytes - part.n_bytes
        free = shutil.disk_usage(self.folder).free
        if free < needed + _MARGIN_BYTES:
            raise NoRoomError(
                Words(
                    "{folder} has {free} MB free, {name} needs {needed} MB more.",
                    folder=self.folder,
                    free=f"{free / 1e6:,.0f}",
                    name=self.file.name,
                    needed=f"{needed / 1e6:,.0f}",
                ),
                remedy=Words("Make room on that disk, or download into another folder (models download --output)."),
            )

    def _fetch(self, part: PartFile) -> Iterator[Event]:
        """Until the part is whole and right, by all addresses and as often as it makes sense."""
        first_error: ModelsError | None = None
        for i, url in enumerate(self.file.urls):
            if first_error is not None:
                yield NextMirror(first_error.message, url)
            try:
                yield from self._fetch_from(url, part)
            except OF_ONE_ADDRESS as e:
                first_error = first_error or e
                if i + 1 == len(self.file.urls):
                    raise first_error from e
            else:
                return

    def _fetch_from(self, url: str, part: PartFile) -> Iterator[Event]:
        n_failures = 0
        may_restart = part.n_bytes > 0
        while True:
            n_before = part.n_bytes
            try:
                if part.n_bytes < self.file.n_bytes:
                    yield from self._receive(url, part)
                self._check_hash(url, part)
            except TRANSIENT as e:
                n_failures = 1 if part.n_bytes - n_before >= self.backoff.progress_bytes else n_failures + 1
                pause = self.backoff.pause(n_failures, e)
                if n_failures >= self.backoff.tries or pause > self.backoff.patience_s:
                    raise
                may_restart = may_restart or part.n_bytes > 0
                yield Waiting(e.message, pause)
                self.backoff.wait(pause, self.token)
            except (WrongHashError, WrongLengthError) as e:
                if isinstance(e, WrongHashError):
                    part.restart()
                if part.n_bytes or not may_restart:
                    raise
                may_restart = False  # once: the pieces may have been of different files
            else:
                return

    def _receive(self, url: str, part: PartFile) -> Iterator[Event]:
        """One request: all that is missing, or until the connection breaks."""
        with self.network.get(url, part.request_headers(url), self.token) as response:
            self._check_head(url, response, part)
            part.describe(url, response.headers)
            for chunk in response.chunks():
                self.token.check()
                if part.n_bytes + len(chunk) > self.file.n_bytes:
                    part.restart()
                    raise _wrong_length(url, response, self.file.n_bytes, None)
                part.write(chunk)
                yield Progress(part.n_bytes, self.file.n_bytes)
        if part.n_bytes < self.file.n_bytes:  # the body's end was the connection's, and came early
            raise ConnectionLostError(
                Words(
                    "{host} ended after {n_done} of {n_bytes} bytes.",
                    host=_host(url),
                    n_done=f"{part.n_bytes:,}",
                    n_bytes=f"{self.file.n_bytes:,}",
                ),
                remedy=Words("Try again; what has arrived is kept."),
            )

    def _check_head(self, url: str, response: Response, part: PartFile) -> None:
        """Raise `WrongLengthError` if the answer is another file; keep or empty the part for what comes."""
        is_part = response.status in (_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE)
        start, total = _content_range(response.headers) if is_part else (0, _content_length(response.headers))
        if total not in (None, self.file.n_bytes) or _kind(response) == _WEB_PAGE:
            raise _wrong_length(url, response, self.file.n_bytes, total)
        if response.status == _RANGE_NOT_SATISFIABLE or (is_part and start != part.n_bytes):
            part.restart()  # a server that counts otherwise: without a range it may do
            raise _wrong_length(url, response, self.file.n_bytes, None)
        if not is_part and part.n_bytes:
            part.restart()  # not the file we had begun with, or a server that knows no ranges

    def _check_hash(self, url: str, part: PartFile) -> None:
        if part.sha256() != self.file.sha256:
            raise WrongHashError(
                Words(
                    "{name} from {host} has SHA-256 {got}..., expected {expected}...: it is not the published file and "
                    "was deleted.",
                    name=self.file.name,
                    host=_host(url),
                    got=part.sha256()[:16],
                    expected=self.file.sha256[:16],
                ),
                remedy=Words("Try again later, or name another mirror in the network settings."),
            )


def sha256_of(path: Path, token: CancelToken) -> str:
    """SHA-256 of a file's content, in hexadecimal. Raises `OSError` and `Cancelled`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            token.check()
            digest.update(block)
    return digest.hexdigest()


def _wrong_length(url: str, response: Response, expected: int, got: int | None) -> WrongLengthError:
    kind = _kind(response)
    offered = Words("{n} bytes", n=f"{got:,}") if got is not None else Words("another length")
    if kind:
        offered = Words("{offered} of {kind}", offered=offered, kind=kind)
    return WrongLengthError(
        Words("{host} offers {offered}, expected {n} bytes.", host=_host(url), offered=offered, n=f"{expected:,}"),
        remedy=Words("Your network may want you to log in first: open a web page, then try again.")
        if kind == _WEB_PAGE
        else Words("Try again later, or name another mirror in the network settings."),
    )


def _kind(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _content_length(headers: Mapping[str, str]) -> int | None:
    return _number(headers.get("content-length", ""))


def _content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """First byte, and length of the whole, of "bytes 100-199/200"; None where it says neither."""
    unit, _, rest = headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    if unit != "bytes":
        return None, None
    return _number(span.partition("-")[0]), _number(total)


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
