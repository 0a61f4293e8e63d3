"""What a command shows: the text on standard output; progress, figures and errors on standard error."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm

_BAR_FORMAT = "{desc} |{bar}| {n_fmt}/{total_fmt} {unit}, {remaining} left"
_TITLE_LENGTH = 40


def prepare_streams() -> None:
    """UTF-8 on both streams whatever the locale, and somewhere to write to even where there is no console."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the whole process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def silence(stream: object) -> None:
    """Let what is still written to a stream that failed go nowhere, so that the program can end in peace."""
    if isinstance(stream, io.TextIOWrapper):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def unwritable(error: OSError) -> tuple[str, str]:
    """Cause and remedy of something that cannot be written."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return (
        f"It cannot be written: {error.strerror or error}",
        "Make room there." if is_full else "Choose another place.",
    )


class Console:
    """The two streams of a command that transcribes, and the progress bar between their lines.

    Args:
        quiet: show only text, warnings and errors.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: tqdm[NoReturn] | None = None

    def text(self, line: str) -> None:
        """A line for standard output, at once.

        Raises:
            OSError: it cannot be written; BrokenPipeError if nobody reads it any more.
        """
        with self._bar_aside():
            try:
                print(line, flush=True)
            except OSError:
                silence(sys.stdout)
                raise

    def error(self, name: str, message: str, remedy: str) -> None:
        """What failed, why, and what to do about it, in one line."""
        self._say(f"error: {_about(name, message.rstrip('.'))}. {remedy}")

    def warning(self, name: str, message: str) -> None:
        self._say(f"warning: {_about(name, message.rstrip('.'))}")

    def note(self, line: str) -> None:
        """Something that `quiet` leaves out."""
        if not self._quiet:
            self._say(line)

    def begin_progress(self, title: str, unit: str = "s") -> None:
        """Show a bar until `end_progress`, if somebody watches. `unit` is what it counts."""
        self._begin(title, bar_format=_BAR_FORMAT, unit=unit)

    def begin_download(self, title: str, n_bytes: int) -> None:
        """The same for a download of `n_bytes`, with its speed; `downloaded` moves it."""
        self._begin(title, total=n_bytes, unit="B", unit_scale=True)

    def _begin(self, title: str, **form: Any) -> None:
        if self._quiet or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # it would start a thread
        self._bar = tqdm(desc=title[:_TITLE_LENGTH], leave=False, dynamic_ncols=True, file=sys.stderr, **form)

    def downloaded(self, n_bytes: int) -> None:
        """`n_bytes` of all are there; fewer than before where it began anew."""
        if self._bar is None:
            return
        if n_bytes < self._bar.n:
            self._bar.reset()
        self._bar.update(n_bytes - self._bar.n)

    def progress(self, n_done: float, n_total: float | None) -> None:
        """Move the bar to `n_done` units of `n_total`."""
        if self._bar is not None:
            self._bar.total = max(round(n_total), 1) if n_total else None
            self._bar.n = round(n_done)
            self._bar.refresh()

    def end_progress(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _say(self, line: str) -> None:
        with self._bar_aside():
            try:
                print(line, file=sys.stderr, flush=True)
            except OSError:  # nobody listens: no reason to stop the work
                silence(sys.stderr)

    @contextmanager
    def _bar_aside(self) -> Iterator[None]:
        if self._bar is None:
            yield
            return
        self._bar.clear()
        yield
        self._bar.refresh()


def _about(name: str, message: str) -> str:
    """The message, with the name before it unless it has it already."""
    return message if name in message else f"{name}: {message}"
