"""SHA-256 of model files, worked out once: remembered by path, size and time of change."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from app.models.download import Download, Event, Finished, sha256_of
from app.paths import hashes_file
from gpu.cancel import CancelToken

_log = logging.getLogger(__name__)


class HashCache:
    """Hashes known so far. What cannot be read or kept is worked out again: no harm but time.

    Args:
        path: where they are kept; by default in the user's cache folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or hashes_file()
        self._known = self._load()

    def known(self, path: Path) -> str | None:
        """The file's hash if it was worked out since its last change; reads nothing. Raises `OSError`."""
        size, changed, digest = self._known.get(str(path.resolve()), (0, 0, ""))
        status = path.stat()
        return digest if digest and (size, changed) == (status.st_size, status.st_mtime_ns) else None

    def sha256(self, path: Path, token: CancelToken) -> str:
        """The file's hash; reads the whole file unless it is known. Raises `OSError` and `Cancelled`."""
        digest = self.known(path)
        if digest is None:
            before = path.stat()
            digest = sha256_of(path, token)
            self.remember(path, digest, before.st_size, before.st_mtime_ns)
        return digest

    def remember(self, path: Path, digest: str, size: int, changed_ns: int) -> None:
        """Note the hash that `path` had when it had this size and this time of change, and keep it."""
        self._known[str(path.resolve())] = (size, changed_ns, digest)
        draft = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            draft.replace(self._path)
        except OSError as e:
            _log.warning("hashes are not kept: %s", e)

    def _load(self) -> dict[str, tuple[int, int, str]]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(path): (int(size), int(changed), str(digest)) for path, (size, changed, digest) in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def fetched(download: Download) -> Iterator[Event]:
    """`download.run()`; the hash of its file is remembered, so that it is listed as a published one."""
    for event in download.run():
        if isinstance(event, Finished):
            status = event.path.stat()
            HashCache().remember(event.path, download.file.sha256, status.st_size, status.st_mtime_ns)
        yield event
