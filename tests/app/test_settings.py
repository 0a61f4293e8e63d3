from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from app.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder to be made" / "window.ini"


def test_nothing_is_remembered_at_first(path: Path) -> None:
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.interface_language == ""
    assert settings.language is None
    assert settings.task == "transcribe"
    assert settings.model is None
    assert settings.folder == Path.home()
    assert settings.geometry.isEmpty()


def test_what_was_chosen_is_there_at_the_next_start(path: Path) -> None:
    settings = Settings(path)
    settings.theme = "dark"
    settings.interface_language = "zh_CN"
    settings.language = "de"
    settings.task = "translate"
    settings.model = Path("/models/größer, 模型.bin")
    settings.folder = Path("/recordings")
    settings.geometry = QByteArray(b"\x01\x02")
    del settings  # written when it goes
    again = Settings(path)
    assert again.theme == "dark"
    assert again.interface_language == "zh_CN"
    assert again.language == "de"
    assert again.task == "translate"
    assert again.model == Path("/models/größer, 模型.bin")
    assert again.folder == Path("/recordings")
    assert again.geometry == QByteArray(b"\x01\x02")
    again.language = None
    again.model = None
    assert (again.language, again.model) == (None, None)


def test_nonsense_counts_as_nothing(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("[General]\ntheme=purple\ntask=dance\ngeometry=7\nlanguage=@Invalid()\nmodel=a, b\n", "utf-8")
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.task == "transcribe"
    assert settings.geometry.isEmpty()
    assert settings.language is None
    assert settings.model is None


def test_a_folder_that_may_not_be_written_is_no_error() -> None:
    settings = Settings(Path("/proc/nowhere/window.ini"))
    settings.theme = "dark"
    assert settings.theme == "dark"
