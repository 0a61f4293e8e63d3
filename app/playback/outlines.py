"""Outlines of recordings, kept in the user's cache: an hour of sound takes seconds to find out, and 0.7 MB to keep."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from app.playback.sound import outline
from app.playback.units import Outline

MOST_KEPT = 200_000_000  # bytes of all of them
_TOLD = 2000  # bins: every 20 s of the recording the outline so far is told


def outline_of(path: Path, folder: Path, tell: Callable[[Outline], None], is_wanted: Callable[[], bool]) -> None:
    """Tell the outline of a recording, (n, 2) int8, again as it grows, the last time whole.

    Args:
        folder: where outlines are kept; made where it is not there. What cannot be kept is found out again.
        is_wanted: asked now and then; ends it, and nothing is kept.

    Raises:
        PlaybackError: the recording cannot be read.
    """
    kept = folder / f"{_key(path)}.npy"
    with suppress(OSError, ValueError, EOFError):
        found = np.load(kept, allow_pickle=False)
        if found.dtype == np.int8 and found.ndim == 2 and found.shape[1] == 2:
            with suppress(OSError):
                os.utime(kept)  # the oldest go first
            tell(found)
            return
    parts = [np.zeros((0, 2), np.int8)]
    n_told = n_bins = 0
    for part in outline(path, is_wanted):
        parts.append(part)
        n_bins += len(part)
        if n_bins - n_told >= max(_TOLD, n_told // 4):  # each telling copies all of it
            parts = [np.concatenate(parts)]
            tell(parts[0])
            n_told = n_bins
    if not is_wanted():
        return
    whole = np.concatenate(parts)
    tell(whole)
    with suppress(OSError):
        _keep(whole, kept)


def _key(path: Path) -> str:
    """Of the file as it is now."""
    with suppress(OSError):
        stat = path.stat()
        return hashlib.sha256(
            f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode(errors="replace")
        ).hexdigest()
    return "gone"


def _keep(whole: Outline, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, whole)
    part.replace(kept)
    others = sorted(kept.parent.glob("*.npy"), key=lambda other: other.stat().st_mtime)
    total = sum(other.stat().st_size for other in others)
    for other in others[:-1]:
        if total <= MOST_KEPT:
            break
        total -= other.stat().st_size
        other.unlink(missing_ok=True)
