"""What is new in a folder that is watched, found by looking at it again and again. Qt-free.

A file is taken once it has stopped growing: two looks, some time apart, see the same size and time. Looking works on
network drives too, which tell nobody of changes made elsewhere; who is told may look sooner.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STEADY_S = 2.0  # as long must a file stay as it is

Facts = tuple[int, int]  # size in bytes, time of the last change in ns


@dataclass(frozen=True)
class WatchRule:
    """What is watched.

    Attributes:
        folder: absolute.
        recursive: with the folders in it.
    """

    folder: Path
    recursive: bool = True


@dataclass(frozen=True)
class Look:
    """What one look at the folder found.

    Attributes:
        ready: recordings that nobody has taken yet and that have stopped growing, by name.
        is_growing: there are others.
        folders: that were looked into.
        error: why it could not be looked at.
    """

    ready: dict[Path, Facts] = field(default_factory=dict)
    is_growing: bool = False
    folders: tuple[Path, ...] = ()
    error: OSError | None = None


class WatchedFolder:
    """Remembers what it saw. Belongs to one thread at a time.

    Args:
        suffixes: of recordings (".mp3"), in lower case.
        taken: what was taken before, with its facts then: one that has others now is another recording.
    """

    def __init__(self, rule: WatchRule, suffixes: frozenset[str], taken: Mapping[Path, Facts]) -> None:
        self.rule = rule
        self._suffixes = suffixes
        self._taken = dict(taken)
        self._seen: dict[Path, tuple[Facts, float]] = {}  # since when it has been as it is

    def look(self, now_s: float) -> Look:
        """Look once; `now_s`: of a clock that only goes forward. What is ready counts as taken from then on."""
        try:
            os.scandir(self.rule.folder).close()  # os.walk would pass over it
        except OSError as e:
            return Look(error=e)
        ready: dict[Path, Facts] = {}
        seen: dict[Path, tuple[Facts, float]] = {}
        folders: list[Path] = []
        for path, facts in self._files(folders):
            if self._taken.get(path) == facts:
                continue
            before, since_s = self._seen.get(path, (None, now_s))
            if before != facts:
                since_s = now_s
            if facts[0] > 0 and now_s - since_s >= STEADY_S:
                ready[path] = self._taken[path] = facts
            else:
                seen[path] = facts, since_s
        self._seen = seen
        return Look(dict(sorted(ready.items())), bool(seen), tuple(folders))

    def skip_present(self) -> dict[Path, Facts]:
        """What is there now is not wanted: which files those are."""
        present = {path: facts for path, facts in self._files([]) if path not in self._taken}
        self._taken |= present
        return present

    def _files(self, folders: list[Path]) -> Iterator[tuple[Path, Facts]]:
        """Recordings and their facts; adds the folders they are looked for in to `folders`."""
        for folder, below, names in os.walk(self.rule.folder):
            folders.append(Path(folder))
            below[:] = [name for name in below if self.rule.recursive and not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if path.suffix.lower() not in self._suffixes or name.startswith("."):
                    continue
                try:
                    facts = path.stat()
                except OSError:  # it has just gone, or is a link to nothing
                    continue
                yield path, (facts.st_size, facts.st_mtime_ns)
