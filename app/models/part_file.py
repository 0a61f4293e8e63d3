"""What has arrived of a file: `NAME.part`, and beside it `NAME.part.json`, which says of what it is a part.

Safe against being killed at any moment. The description is written, at once or not at all, before the first byte of
what it describes; a part without a fitting description is thrown away; what is in the part is only believed once the
whole has the right SHA-256.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.models.errors import AlreadyDownloadingError, CannotWriteError, ModelsError, NoRoomError
from gpu.cancel import CancelToken
from gpu.errors import reason
from gpu.types import Words

PART = ".part"
STATE = ".part.json"

_BLOCK_BYTES = 1 << 20
_LOCK_AT = (1 << 31) - 2  # Windows locks bytes, also ones behind the file's end


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes:
        name: what it is called on this disk.
        urls: where it is, the best first.
        n_bytes, sha256: what it must be.
    """

    name: str
    urls: tuple[str, ...]
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class _State:
    """Of what a part is a part. `etag` and `last_modified` are those of `url`, or empty."""

    sha256: str
    n_bytes: int
    url: str
    etag: str
    last_modified: str


class PartFile:
    """An open part, this process's alone until `close`. Not to be shared between threads.

    Args:
        folder: where it lies; made if need be.
        file: what is being fetched.

    Raises:
        AlreadyDownloadingError: another process (or thread) has it open.
        CannotWriteError: the folder cannot be written.
    """

    def __init__(self, folder: Path, file: RemoteFile) -> None:
        self._file = file
        self.path = folder / (file.name + PART)
        self._state_path = folder / (file.name + STATE)
        self._draft = folder / (file.name + STATE + ".new")
        self.n_bytes = 0
        self._hash = hashlib.sha256()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._data = self._open_locked()
        except OSError as e:
            raise in_words(e, folder) from e
        self._state = self._load_state()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Keep what there is for the next time; an empty part leaves nothing behind."""
        if self._data.closed:
            return
        is_empty = os.fstat(self._data.fileno()).st_size == 0
        if is_empty and sys.platform != "win32":
            self._remove()
        self._data.close()
        if is_empty and sys.platform == "win32":  # cannot remove what is open
            self._remove()

    def recover(self, token: CancelToken) -> int:
        """Take up what earlier attempts left; its length in bytes. Reads it through for the hash.

        Raises:
            Cancelled: the token was set.
        """
        if self._state is None:
            self.restart()
            return 0
        self._data.seek(0)
        while block := self._data.read(_BLOCK_BYTES):
            token.check()
            self._hash.update(block)
            self.n_bytes += len(block)
        if self.n_bytes > self._file.n_bytes:
            self.restart()
        return self.n_bytes

    def restart(self) -> None:
        """Throw everything away."""
        try:
            self._data.seek(0)
            self._data.truncate()
            self._state_path.unlink(missing_ok=True)
        except OSError as e:
            raise in_words(e, self.path) from e
        self._state = None
        self._hash = hashlib.sha256()
        self.n_bytes = 0

    def request_headers(self, url: str) -> dict[str, str]:
        """Headers that ask for the rest only; with If-Range where `url` gave a validator before."""
        if not self.n_bytes:
            return {}
        headers = {"Range": f"bytes={self.n_bytes}-"}
        if self._state is not None and self._state.url == url:
            validator = self._state.etag or self._state.last_modified
            if validator:
                headers["If-Range"] = validator
        return headers

    def describe(self, url: str, headers: Mapping[str, str]) -> None:
        """Note where the bytes to come are from, before they are written."""
        etag = headers.get("etag", "")
        state = _State(
            sha256=self._file.sha256,
            n_bytes=self._file.n_bytes,
            url=url,
            etag="" if etag.startswith("W/") else etag,  # a weak one says nothing of the bytes
            last_modified=headers.get("last-modified", ""),
        )
        if state == self._state:
            return
        try:
            self._draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
            self._draft.replace(self._state_path)
        except OSError as e:
            raise in_words(e, self.path) from e
        self._state = state

    def write(self, chunk: bytes) -> None:
        """Append.

        Raises:
            NoRoomError: the disk is full; what fitted is kept.
            CannotWriteError: something else is wrong with it.
        """
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._data.write(rest) :]
        except OSError as e:
            with suppress(OSError):
                self._data.truncate(self.n_bytes)
            raise in_words(e, self.path) from e
        self._hash.update(chunk)
        self.n_bytes += len(chunk)

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def finish(self, path: Path) -> None:
        """The part becomes the file, at once; closes it."""
        try:
            os.fsync(self._data.fileno())
            if sys.platform == "win32":  # renames nothing that is open
                self._data.close()
            self.path.replace(path)
            self._data.close()
            self._state_path.unlink(missing_ok=True)
            self._draft.unlink(missing_ok=True)
        except OSError as e:
            raise in_words(e, path) from e

    def _open_locked(self) -> io.FileIO:
        while True:
            data = io.FileIO(self.path, "r+", opener=_open_or_make)
            if not _try_lock(data.fileno()):
                data.close()
                raise AlreadyDownloadingError(
                    Words(
                        "{name} is being downloaded into {folder} already.",
                        name=self._file.name,
                        folder=self.path.parent,
                    ),
                    remedy=Words("Wait for that download, or stop it."),
                )
            try:
                if os.path.samestat(os.fstat(data.fileno()), self.path.stat()):
                    return data
            except FileNotFoundError:  # finished by somebody else between opening and locking
                pass
            data.close()

    def _load_state(self) -> _State | None:
        """The description, if there is one and it is of the file we want."""
        try:
            state = _State(**json.loads(self._state_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return state if (state.sha256, state.n_bytes) == (self._file.sha256, self._file.n_bytes) else None

    def _remove(self) -> None:
        with suppress(OSError):
            self._state_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)


def in_words(error: OSError, path: Path) -> ModelsError:
    """The error of something that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return NoRoomError(
            Words("The disk is full: {path} cannot be written ({cause}).", path=path, cause=reason(error)),
            remedy=Words("Make room there and start again: what has arrived is kept."),
        )
    return CannotWriteError(
        Words("{path} cannot be written: {cause}.", path=error.filename or path, cause=reason(error)),
        remedy=Words("See to it that you may write there, or take another folder."),
    )


def _open_or_make(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _try_lock(descriptor: int) -> bool:
    """Lock a file for this process; the system ends it with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCK_AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def discard_part(folder: Path, name: str) -> bool:
    """Throw away what has arrived of a file; True if there was something. Raises `OSError`."""
    path = folder / (name + PART)
    was_there = path.exists()
    for rest in (path, folder / (name + STATE), folder / (name + STATE + ".new")):
        rest.unlink(missing_ok=True)
    return was_there
