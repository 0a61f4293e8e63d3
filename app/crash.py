"""Whether the last start of the window ended properly, and what killed it. Qt-free."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path

from app import __version__

MAX_TRACE = 40_000  # characters; of a hundred threads

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BadEnd:
    """A start that did not come to its end: a crash, a kill, or a power cut.

    Attributes:
        started: local time, ISO 8601; "" if that is not known. version: of the program then.
        trace: what the interpreter wrote when it was killed by itself; "" otherwise.
    """

    started: str
    version: str
    trace: str


class RunMarker:
    """A file that is there as long as the window is open, and one that takes the trace of a native crash.

    Args:
        marker, fault: where they are; see `app.paths`.
    """

    def __init__(self, marker: Path, fault: Path) -> None:
        self._marker, self._fault = marker, fault
        self._file: FileIO | None = None  # faulthandler writes to it in the end: it must stay open
        self._is_ours = False

    def begin(self) -> BadEnd | None:
        """Mark that the window is open, and say how its last start ended if that was bad."""
        found = self._found()
        if found is not None and _is_alive(found):
            return None  # two at once: only where nobody can tell that (`SingleInstance`)
        bad_end = None
        if found is not None:
            trace = _read(self._fault)[:MAX_TRACE]
            bad_end = BadEnd(str(found.get("started", "")), str(found.get("version", "")), trace)
            _log.warning("the program did not end properly the last time, started %s", bad_end.started or "?")
        try:
            self._marker.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._fault, "w")
            faulthandler.enable(self._file)
            self._marker.write_text(json.dumps(_this_run()), encoding="utf-8")
            self._is_ours = True
        except OSError as e:
            _log.warning("a crash of this run would not be noticed: %s", e)
        return bad_end

    def end(self) -> None:
        """Everything is saved, and the process is about to end."""
        if self._is_ours:
            with suppress(OSError):
                self._marker.unlink(missing_ok=True)
            self._is_ours = False

    def _found(self) -> dict[str, object] | None:
        """What the marker says, if it is there; it may be damaged."""
        if not os.path.isfile(self._marker):  # noqa: PTH113 - Path.is_file raises where a folder may not be read
            return None
        try:
            found = json.loads(_read(self._marker))
        except ValueError:
            found = {}
        return found if isinstance(found, dict) else {}


def _this_run() -> dict[str, object]:
    now = datetime.now().astimezone()
    return {
        "pid": os.getpid(),
        "written": now.timestamp(),
        "started": now.isoformat(timespec="seconds"),
        "version": __version__,
    }


def _is_alive(run: dict[str, object]) -> bool:
    """Whether the process that wrote this is still there; another may have its number by now."""
    pid, written = run.get("pid"), run.get("written")
    if not isinstance(pid, int) or not isinstance(written, float) or pid == os.getpid():
        return False
    import psutil  # here: nobody waits for it at an ordinary start

    with suppress(psutil.Error, ValueError):
        return psutil.Process(pid).create_time() <= written
    return False


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""
