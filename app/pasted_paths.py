"""Paths out of pasted text: as file managers, shells and people write them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

LONGEST = 1_000_000  # characters: more is no list of files

_HERE = ("", "localhost")


def paths_in(text: str) -> tuple[list[Path], list[str]]:
    """Paths, each once, and the lines that are none.

    A line is an absolute path, bare or in quotation marks, a `file:` URL, or several in quotation marks. Whether
    something lies there is not looked at.
    """
    if len(text) > LONGEST:
        return [], [text[:100]]
    paths: dict[Path, None] = {}
    others = []
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _paths_of_line(line)
        if found:
            paths.update(dict.fromkeys(found))
        else:
            others.append(line)
    return list(paths), others


def _paths_of_line(line: str) -> list[Path]:
    """All that the line holds, or nothing."""
    if path := _path(line):
        return [path]
    if line[0] in "\"'":
        words = re.findall(r'"([^"]+)"' if line[0] == '"' else r"'([^']+)'", line)
        paths = [_path(word) for word in words]
        return [path for path in paths if path is not None] if all(paths) else []
    return []


def _path(text: str) -> Path | None:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        text = text[1:-1]
    if text.lower().startswith("file:"):
        return _path_of_url(text)
    if "\0" in text:
        return None
    if text.startswith("~"):
        try:
            text = str(Path(text).expanduser())
        except RuntimeError:  # the home of somebody who is not there
            return None
    if sys.platform != "win32" and "\\" in text and text.startswith("/"):
        text = _unescaped(text)
    path = Path(text)
    return path if path.is_absolute() else None


def _path_of_url(text: str) -> Path | None:
    try:
        url = urlsplit(text.replace("?", "%3F").replace("#", "%23"))  # of a file's name, where a person wrote it
    except ValueError:
        return None
    name = unquote(url.path) if sys.platform != "win32" else url2pathname(url.path)
    if not name or "\0" in name or (url.netloc.lower() not in _HERE and sys.platform != "win32"):
        return None
    return Path(f"//{url.netloc}{name}" if url.netloc.lower() not in _HERE else name)


def _unescaped(text: str) -> str:
    """As a shell reads it, where that is one word: /a\\ talk.mp3."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return words[0] if len(words) == 1 else text
