"""When a file in a watched folder is taken: once, and when it has stopped growing."""

import os
from pathlib import Path

import pytest

from app.watched_folder import STEADY_S, WatchedFolder, WatchRule
from tests.support.permissions import needs_permissions

SUFFIXES = frozenset({".mp3", ".wav"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def watch(folder: Path, *, recursive: bool = True) -> WatchedFolder:
    return WatchedFolder(WatchRule(folder, recursive), SUFFIXES, {})


def names(watched: WatchedFolder, now_s: float) -> list[str]:
    return [path.name for path in watched.look(now_s).ready]


def test_a_file_is_taken_once_when_it_has_stopped_growing(folder: Path) -> None:
    watched, file = watch(folder), folder / "a.mp3"
    assert not watched.look(0.0).is_growing
    file.write_bytes(b"1")
    first = watched.look(1.0)
    assert (first.ready, first.is_growing) == ({}, True)
    file.write_bytes(b"12")
    assert names(watched, 1.0 + STEADY_S) == []
    assert names(watched, 1.5 + STEADY_S) == []
    assert names(watched, 1.0 + 2 * STEADY_S) == ["a.mp3"]
    assert names(watched, 100.0) == []
    assert not watched.look(101.0).is_growing


def test_the_same_size_at_another_time_is_still_growing(folder: Path) -> None:
    watched, file = watch(folder), folder / "a.mp3"
    file.write_bytes(b"1")
    for now_s in range(4):
        os.utime(file, ns=(0, now_s * 10**9))
        assert names(watched, now_s * STEADY_S) == []
    assert names(watched, 4 * STEADY_S) == ["a.mp3"]


def test_an_empty_file_is_not_there_yet(folder: Path) -> None:
    watched = watch(folder)
    (folder / "a.mp3").touch()
    assert [names(watched, now_s) for now_s in (0.0, 10.0, 20.0)] == [[], [], []]
    (folder / "a.mp3").write_bytes(b"1")
    assert [names(watched, now_s) for now_s in (30.0, 40.0)] == [[], ["a.mp3"]]


def test_what_was_taken_before_stays_so_until_it_is_another_file(folder: Path) -> None:
    file = folder / "a.mp3"
    file.write_bytes(b"1")
    facts = file.stat()
    taken = {file: (facts.st_size, facts.st_mtime_ns)}
    watched = WatchedFolder(WatchRule(folder), SUFFIXES, taken)
    assert [names(watched, now_s) for now_s in (0.0, 10.0)] == [[], []]
    file.write_bytes(b"another")
    assert [names(watched, now_s) for now_s in (20.0, 30.0)] == [[], ["a.mp3"]]


def test_what_is_there_already_may_be_left_alone(folder: Path) -> None:
    (folder / "old.mp3").write_bytes(b"1")
    watched = watch(folder)
    assert [path.name for path in watched.skip_present()] == ["old.mp3"]
    (folder / "new.mp3").write_bytes(b"1")
    assert [names(watched, now_s) for now_s in (0.0, 10.0)] == [[], ["new.mp3"]]


@pytest.mark.parametrize("recursive", [True, False])
def test_only_recordings_by_their_names(folder: Path, recursive: bool) -> None:
    for name in ("b.WAV", "a.mp3", "a.txt", "a.srt", ".hidden.mp3", "a.mp3.part", "deep/er/c.mp3", ".git/d.mp3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"1")
    (folder / "nowhere.mp3").symlink_to("gone")
    watched = watch(folder, recursive=recursive)
    watched.look(0.0)
    look = watched.look(10.0)
    assert [path.name for path in look.ready] == ["a.mp3", "b.WAV", *(["c.mp3"] if recursive else [])]
    assert (folder / "deep" / "er" in look.folders) == recursive


def test_a_folder_that_vanishes_is_told_and_comes_back_with_what_it_had(folder: Path) -> None:
    watched = watch(folder)
    (folder / "a.mp3").write_bytes(b"1")
    watched.look(0.0)
    assert names(watched, 10.0) == ["a.mp3"]
    folder.rename(folder.with_name("moved"))
    assert isinstance(watched.look(20.0).error, FileNotFoundError)
    folder.with_name("moved").rename(folder)
    (folder / "b.mp3").write_bytes(b"1")
    assert [names(watched, now_s) for now_s in (30.0, 40.0)] == [[], ["b.mp3"]]


def test_a_file_in_its_place_is_no_folder(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("not a folder")
    assert isinstance(watch(folder).look(0.0).error, NotADirectoryError)


@needs_permissions
def test_a_folder_that_may_not_be_read_is_told(folder: Path) -> None:
    folder.chmod(0)
    assert isinstance(watch(folder).look(0.0).error, PermissionError)
    folder.chmod(0o700)
