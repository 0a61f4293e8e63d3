"""Files that are written by themselves when a recording is done: which, where, and how they are called."""

from __future__ import annotations

import datetime
import itertools
import os
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.document.export import FORMATS, save
from app.document.subtitles import PLAIN, Layout
from app.document.transcript import Transcript
from gpu.errors import ExplainedError
from gpu.types import Words

GAPS = ("name", "extension", "language", "date")
_IMPOSSIBLE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in names of files, on one system or another


class PatternError(ExplainedError):
    """The pattern gives no name of a file."""


@dataclass(frozen=True)
class SaveRule:
    """What to write.

    Attributes:
        formats: of `export.FORMATS`; none: nothing is written.
        folder: for all; None: beside each recording.
        pattern: of names without their endings, with `GAPS` in braces.
        replace: what has that name already; otherwise a number is added.
    """

    formats: tuple[str, ...] = ()
    folder: Path | None = None
    pattern: str = "{name}"
    replace: bool = False


def parse_pattern(text: str) -> str:
    """A pattern that can be used; empty for the usual one.

    Raises:
        PatternError: it names other gaps, or holds what no file may be called.
    """
    pattern = text.strip() or SaveRule.pattern
    gaps = Words("Use {gaps} and what names of files may hold.", gaps=", ".join(f"{{{gap}}}" for gap in GAPS))
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        raise PatternError(Words("A brace in the pattern stands alone."), remedy=gaps) from None
    for _, gap, format_spec, conversion in parts:
        if gap is not None and (gap not in GAPS or format_spec or conversion):
            raise PatternError(Words("The pattern has no gap {gap}.", gap=f"{{{gap}}}"), remedy=gaps)
    if wrong := _IMPOSSIBLE.search("".join(literal for literal, *_ in parts)):
        raise PatternError(Words("Names of files may not hold {character}.", character=wrong[0]), remedy=gaps)
    return pattern


def file_stem(pattern: str, transcript: Transcript, day: datetime.date) -> str:
    """The name of a transcript's files, without their endings."""
    stem = pattern.format(
        name=transcript.path.stem,
        extension=transcript.path.suffix[1:],
        language=transcript.language or "",
        date=day.isoformat(),
    )
    return stem.strip(" .") or transcript.path.stem


def save_by_rule(transcript: Transcript, rule: SaveRule, layout: Layout = PLAIN) -> list[Path]:
    """Write a transcript's files; which. None of them has the name of another one's that is not to be replaced.

    Raises:
        OSError: one cannot be written.
    """
    folder = rule.folder or transcript.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    stem = file_stem(rule.pattern, transcript, datetime.date.today())
    formats = [name for name in FORMATS if name in rule.formats]
    paths = _free_paths(folder, stem, formats, transcript.path, replace=rule.replace)
    for path, name in zip(paths, formats, strict=True):
        save(transcript, path, name, layout)
    return paths


def _free_paths(folder: Path, stem: str, formats: Sequence[str], recording: Path, *, replace: bool) -> list[Path]:
    """The same number for all; the recording itself is never replaced."""
    for name in _numbered(stem):
        paths = [folder / f"{name}.{format_name}" for format_name in formats]
        taken = [path for path in paths if os.path.lexists(path)]
        if not taken or (replace and not any(_is_same(path, recording) for path in taken)):
            return paths
    raise AssertionError


def _numbered(stem: str) -> Iterator[str]:
    """talk, talk (2), talk (3), ..."""
    yield stem
    yield from (f"{stem} ({number})" for number in itertools.count(2))


def _is_same(path: Path, recording: Path) -> bool:
    try:
        return path.samefile(recording)
    except OSError:
        return False
