"""Kernels that were compiled on this machine, kept: the second start compiles nothing.

An entry begins with the SHA-256 of what follows. One that is damaged, by a full disk or a crash, is made anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

_DIGEST_BYTES = hashlib.sha256().digest_size
_KEPT = 4  # of a kernel's file and architecture: the versions that were used last


class ImageCache:
    """Compiled files of kernels in a folder, which need not exist. It is only ever a help: nothing here raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str, key: str) -> bytes | None:
        """What `save` kept under this name and key, if it is whole."""
        path = self._path(name, key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, image = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if not image or hashlib.sha256(image).digest() != digest:
            _log.warning("%s is damaged and will be made anew", path)
            return None
        with suppress(OSError):
            os.utime(path)  # it was used
        return image

    def save(self, name: str, key: str, image: bytes) -> None:
        """Keep an image, and of the older ones of that name the latest. It is there whole or not at all."""
        path = self._path(name, key)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(hashlib.sha256(image).digest() + image)
            draft.replace(path)
        except OSError as e:
            _log.warning("compiled kernels are not kept: %s", e)
            with suppress(OSError):
                draft.unlink()
            return
        with suppress(OSError):
            entries = sorted(self._folder.glob(f"{name}-*.bin"), key=lambda entry: entry.stat().st_mtime)
            for old in entries[:-_KEPT]:
                old.unlink()

    def _path(self, name: str, key: str) -> Path:
        return self._folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.bin"
