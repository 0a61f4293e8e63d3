"""What comes with the program is found, in a checkout and in a frozen program; and whether something is there."""

import sys
from pathlib import Path

import pytest

from app.paths import default_model, is_file, is_folder, log_file, resources_dir, sample_recording, settings_file
from tests.support.permissions import needs_permissions


def test_what_comes_with_the_program_is_there() -> None:
    assert default_model().read_bytes()[:4] == b"lmgg"  # ggml's magic, as it lies in the file
    assert sample_recording().read_bytes()[:4] == b"RIFF"


def test_a_frozen_program_looks_where_it_was_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources_dir() == tmp_path / "resources"


def test_files_of_the_user_lie_in_folders_of_the_programs_name() -> None:
    for path in (log_file(), settings_file()):
        assert path.is_absolute()
        assert "whisperdesktop-ng" in str(path.parent)


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [is_file(tmp_path / name) for name in ("file", "", "gone")] == [True, False, False]
    assert [is_folder(tmp_path / name) for name in ("file", "", "gone")] == [False, True, False]


@needs_permissions
def test_what_lies_in_a_folder_that_may_not_be_read_counts_as_absent(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    assert not is_file(folder / "model.bin")
    assert not is_folder(folder / "models")
