"""Outlines are found out once, and kept."""

import os
from pathlib import Path

import numpy as np
import pytest

from app.playback import outlines
from app.playback.errors import PlaybackError
from app.playback.outlines import outline_of

JFK = Path(__file__).parents[2] / "data" / "audio" / "jfk.wav"


def told(path, folder, is_wanted=lambda: True):
    found = []
    outline_of(path, folder, found.append, is_wanted)
    return found


def test_the_second_time_it_is_there_at_once(tmp_path, monkeypatch):
    first = told(JFK, tmp_path)[-1]
    monkeypatch.setattr(outlines, "outline", None)  # not asked again
    [second] = told(JFK, tmp_path)
    np.testing.assert_array_equal(first, second)


def test_a_file_that_has_changed_is_looked_at_again(tmp_path):
    copy = tmp_path / "copy.wav"
    copy.write_bytes(JFK.read_bytes())
    told(copy, tmp_path / "kept")
    copy.write_bytes(JFK.read_bytes()[:100_000])
    os.utime(copy, (1, 1))
    assert len(told(copy, tmp_path / "kept")[-1]) < 400


def test_what_is_damaged_is_found_out_anew(tmp_path):
    whole = told(JFK, tmp_path)[-1]
    [kept] = tmp_path.glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:50])
    np.testing.assert_array_equal(told(JFK, tmp_path)[-1], whole)


def test_nothing_is_kept_of_what_nobody_wants(tmp_path):
    wanted = iter([True, False, False])
    told(JFK, tmp_path, lambda: next(wanted, False))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(told(JFK, tmp_path / "file")[-1]) == 1100


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(outlines, "MOST_KEPT", 5000)
    for number in range(4):
        copy = tmp_path / f"{number}.wav"
        copy.write_bytes(JFK.read_bytes())
        told(copy, tmp_path / "kept")
    assert 1 <= len(list((tmp_path / "kept").glob("*.npy"))) <= 2


def test_a_recording_that_is_gone_is_told(tmp_path):
    with pytest.raises(PlaybackError, match=r"gone\.wav"):
        told(tmp_path / "gone.wav", tmp_path)
