"""The report that a person may read, copy, save and attach to a bug report. In English; Qt-free; it is sent nowhere."""

from __future__ import annotations

import getpass
import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app import __version__
from app.crash import BadEnd
from app.log import last_lines, remembered_lines
from app.paths import APP_NAME, log_file, resources_dir
from gpu.types import TranscribeOptions

_LOG_BYTES = 48_000
_PACKAGES = ("PySide6-Essentials", "onnxruntime", "numpy", "av", "soundfile", "soxr", "sounddevice", "cupy-cuda12x",
             "cupy-cuda13x", "psutil")  # fmt: skip
_PRIVATE_OPTIONS = ("initial_prompt", "hotwords")  # a person's own words
_MODELS = (".bin", ".gguf")
_MIN_NAME = 3  # characters: hiding shorter ones would hide half of every line

# An absolute path: to the closing quote, or to the end of the line, as names may hold spaces.
_QUOTED = re.compile(r"""(?<!File )(["'])((?:/|~|[A-Za-z]:[\\/]|\\\\).*?)\1""")
_TRACED = re.compile(r'(?<=File ")(?:/|[A-Za-z]:[\\/]|\\\\).*?(?=")')
_UNQUOTED = re.compile(r"""(?<![\w<>"'./~])((?:~?/(?!/)|[A-Za-z]:[\\/]|\\\\)[^\s"'].*)$""", re.MULTILINE)
_HIDDEN = "<path>"


@dataclass(frozen=True)
class Facts:
    """What the window knows for a report.

    Attributes:
        status: the status panel's lines. counts: how many recordings stand how, "done" 3.
        options: chosen for the next recording. paths: of recordings, whose names can be hidden.
        what: what happened, "" if nothing did.
        bad_end: of the last start, if that is what it is about.
    """

    status: Sequence[str]
    counts: Sequence[tuple[str, int]]
    options: TranscribeOptions
    paths: Sequence[Path]
    what: str = ""
    bad_end: BadEnd | None = None


@dataclass(frozen=True)
class Report:
    """The same with names of files and folders, and without."""

    full: str
    masked: str


def make_report(facts: Facts) -> Report:
    """Reads the log: not for the window's thread."""
    full = "\n\n".join(_section(title, lines) for title, lines in _sections(facts) if lines) + "\n"
    return Report(full, mask(full, facts.paths))


def mask(text: str, paths: Iterable[Path]) -> str:
    """A text without names of files and folders, and of the user. Those of the program itself remain: they tell where
    it went wrong."""
    root = str(resources_dir().parent)
    kept = {root: "<program>", sys.prefix: "<python>", sys.base_prefix: "<python>"}
    logged = [Path(found[2]) for found in _QUOTED.finditer(text) if _is_private(found[2], kept)]
    for shown, name in _names([*paths, *logged]):  # a name that was logged with its path may also stand alone
        text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", name.replace("\\", r"\\"), text)
    for name in sorted(kept, key=len, reverse=True):
        text = text.replace(name + os.sep, f"{kept[name]}/")
    text = _QUOTED.sub(rf"\1{_HIDDEN}\1", text)
    text = _TRACED.sub(_HIDDEN, text)
    text = _UNQUOTED.sub(_HIDDEN, text)
    with suppress(OSError, KeyError, ImportError):  # a user without a name
        user = getpass.getuser()
        if len(user) >= _MIN_NAME:
            text = re.sub(rf"\b{re.escape(user)}\b", "<user>", text)
    return text


def _is_private(path: str, ours: Iterable[str]) -> bool:
    """A file of the user's. Names of models are needed, and those of folders are common words."""
    suffix = Path(path).suffix.lower()
    return suffix not in ("", *_MODELS) and not any(path.startswith(folder + os.sep) for folder in ours)


def _names(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """What stands for what, the longest first: whole paths, then names, then names without their endings."""
    names: dict[str, str] = {}
    for number, path in enumerate(dict.fromkeys(paths), 1):
        hidden = f"<file {number}{path.suffix}>"
        for shown in (repr(str(path))[1:-1], str(path), path.name, path.stem):
            if len(shown) >= _MIN_NAME:
                names.setdefault(shown, hidden)
    return sorted(names.items(), key=lambda pair: -len(pair[0]))


def _sections(facts: Facts) -> Iterable[tuple[str, list[str]]]:
    yield f"{APP_NAME} {__version__}: problem report", ["Made on this machine; nothing was sent."]
    yield "What happened", [facts.what] if facts.what else []
    bad_end = facts.bad_end
    if bad_end is not None:
        yield "The last start", _bad_end(bad_end)
        yield "What the interpreter wrote when it was ended", bad_end.trace.splitlines()
    yield "System", _system()
    yield "Versions", [*_versions()]
    yield "Status", list(facts.status)
    yield "Recordings", [f"{state}: {n}" for state, n in facts.counts]
    yield "Options that differ from the defaults", [*_options(facts.options)]
    yield "The end of the log", _log_lines()


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"== {title} ==", *lines])


def _bad_end(bad_end: BadEnd) -> list[str]:
    lines = [f"started: {bad_end.started or 'unknown'}, version {bad_end.version or 'unknown'}"]
    if not bad_end.trace:
        lines.append("It was killed from outside, or the machine was switched off: there is no trace of a crash.")
    return lines


def _system() -> list[str]:
    import psutil  # here, as below: nobody waits for it when the window opens

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    lines = [
        platform.platform(),
        f"Python {platform.python_version()}, {'frozen' if getattr(sys, 'frozen', False) else 'from source'}",
        f"CPU: {psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} threads",
        f"memory: {memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free; swap: {swap.total / 1e9:.1f} GB",
    ]
    with suppress(OSError):
        free = psutil.disk_usage(str(Path.home())).free
        lines.append(f"free on the disk of the home folder: {free / 1e9:.1f} GB")
    desktop = {name: os.environ.get(name) for name in ("XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "QT_QPA_PLATFORM")}
    lines += [f"{name}: {value}" for name, value in desktop.items() if value]
    return lines


def _versions() -> Iterable[str]:
    from importlib.metadata import PackageNotFoundError, version

    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            yield f"{package} {version(package)}"


def _options(options: TranscribeOptions) -> Iterable[str]:
    """The user's own words count as private: only how many characters there are."""
    standard = TranscribeOptions()
    for name, value in vars(options).items():
        if value == getattr(standard, name):
            continue
        if name in _PRIVATE_OPTIONS:
            yield f"{name}: {len(str(value))} characters, not shown"
        else:
            yield f"{name}: {value}"


def _log_lines() -> list[str]:
    """Of the file, which has earlier starts too; of this run where there is none."""
    with suppress(OSError):
        return last_lines(log_file(), _LOG_BYTES)
    return [line for entry in remembered_lines() for line in entry.splitlines()]
