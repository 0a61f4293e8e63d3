"""The log as it grows, entry by entry. Qt-free."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FIRST_BYTES = 256_000  # of what is there already
# As `app.log` writes it: date, time, level.
_BEGINNING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) ")


@dataclass(frozen=True)
class LogEntry:
    """`level` as in `logging`; the first of `lines` says when and where, others are a traceback."""

    level: int
    lines: tuple[str, ...]

    def has(self, text: str) -> bool:
        """Whether a text is in it, in small or capital letters; `text` is in small ones."""
        return any(text in line.lower() for line in self.lines)


class LogTail:
    """Reads what was written since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset: int | None = None  # None: nothing was read yet
        self._inode = 0
        self._rest = b""  # of a line that is not complete

    def read(self) -> list[LogEntry]:
        """New entries, whose last may still grow by lines of the next look. Raises `OSError` where there is no log."""
        facts = self._path.stat()
        if self._offset is None:
            self._offset = max(facts.st_size - _FIRST_BYTES, 0)
            is_inside = self._offset > 0
        else:
            is_inside = False
            if facts.st_ino != self._inode or facts.st_size < self._offset:  # rotated meanwhile
                self._rest += _read(self._path.with_name(f"{self._path.name}.1"), self._offset)
                self._offset = 0
        self._inode = facts.st_ino
        content = _read(self._path, self._offset)
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        if is_inside:
            del lines[:1]
        return entries_of(line.decode("utf-8", "replace").rstrip("\r") for line in lines)


def entries_of(lines: Iterable[str]) -> list[LogEntry]:
    """Lines put together. Those before the first beginning are an entry of no level."""
    entries: list[tuple[int, list[str]]] = []
    for line in lines:
        if (found := _BEGINNING.match(line)) is not None:
            entries.append((logging.getLevelNamesMapping().get(found[1], logging.INFO), [line]))
        elif entries:
            entries[-1][1].append(line)
        else:
            entries.append((logging.NOTSET, [line]))
    return [LogEntry(level, tuple(of_entry)) for level, of_entry in entries]


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
