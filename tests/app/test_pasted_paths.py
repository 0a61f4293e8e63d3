"""Paths in pasted text, as Finder, Explorer, Nautilus, shells and people write them."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pasted_paths import LONGEST, paths_in

posix = pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")


@posix
@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/a/b.mp3", ["/a/b.mp3"]),
        ("  /a/b c.mp3 \r\n\r\n/d\n", ["/a/b c.mp3", "/d"]),
        ('"/a/b c.mp3"', ["/a/b c.mp3"]),
        ("'/a/b c.mp3'", ["/a/b c.mp3"]),
        ("'/a/b.mp3' '/c d.wav'", ["/a/b.mp3", "/c d.wav"]),
        ('"/a/b.mp3" "/c d.wav"', ["/a/b.mp3", "/c d.wav"]),
        (r"/a/b\ \(c\).mp3", ["/a/b (c).mp3"]),
        ("file:///a/%C3%BCn%C3%AF%20%E6%97%A5%23.mp3", ["/a/ünï 日#.mp3"]),
        ("file:///a/what?#1.mp3", ["/a/what?#1.mp3"]),
        ("file://localhost/a.mp3", ["/a.mp3"]),
        ("FILE:/a.mp3", ["/a.mp3"]),
        ("/a/O'Brien.mp3", ["/a/O'Brien.mp3"]),
        ("/a\n/a\nfile:///a", ["/a"]),
        (str(Path.home() / "x"), [str(Path.home() / "x")]),
        ("~/x", [str(Path.home() / "x")]),
    ],
)
def test_what_is_a_path(text: str, paths: list[str]) -> None:
    assert paths_in(text) == ([Path(path) for path in paths], [])


@pytest.mark.parametrize(
    "line",
    ["milk, bread", "https://example.org/a.mp3", "file://elsewhere/a.mp3", "talk.mp3", "'a' 'b'", "file://[", '"'],
)
@posix
def test_what_is_none(line: str) -> None:
    assert paths_in(line) == ([], [line])
    assert paths_in(f"/a\n{line}") == ([Path("/a")], [line])


def test_nothing_in_nothing() -> None:
    assert paths_in(" \n ") == ([], [])


def test_a_book_is_no_list_of_files() -> None:
    paths, others = paths_in("/a\n" * LONGEST)
    assert not paths
    assert len(others) == 1


@given(st.text())
def test_anything_may_be_pasted(text: str) -> None:
    paths, others = paths_in(text)
    assert all(path.is_absolute() for path in paths)
    assert bool(paths or others) == bool(text.strip() and any(map(str.strip, text.splitlines())))
