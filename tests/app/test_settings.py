from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from app.document.auto_save import SaveRule
from app.settings import Settings
from gpu.types import TranscribeOptions

# Everything the window offers, unlike it comes.
OPTIONS = TranscribeOptions(
    language="de",
    task="translate",
    beam_size=5,
    vad=False,
    multilingual=True,
    split_channels=True,
    word_timestamps=True,
    initial_prompt='größer, 模型; "a"=b',
    hotwords="Norland Park, Willoughby",
)
RULE = SaveRule(("srt", "json"), Path("/texts/größer"), "{date} {name}", replace=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder to be made" / "window.ini"


def test_nothing_is_remembered_at_first(path: Path) -> None:
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.interface_language == ""
    assert settings.options == TranscribeOptions()
    assert (settings.options_shown, settings.highlight_words) == (False, False)
    assert settings.model is None
    assert settings.save_rule == SaveRule()
    assert settings.folder == Path.home()
    assert settings.geometry.isEmpty()


def test_what_was_chosen_is_there_at_the_next_start(path: Path) -> None:
    settings = Settings(path)
    settings.theme = "dark"
    settings.interface_language = "zh_CN"
    settings.options = OPTIONS
    settings.options_shown = settings.highlight_words = True
    settings.model = Path("/models/größer, 模型.bin")
    settings.folder = Path("/recordings")
    settings.save_rule = RULE
    settings.geometry = QByteArray(b"\x01\x02")
    del settings  # written when it goes
    again = Settings(path)
    assert again.theme == "dark"
    assert again.interface_language == "zh_CN"
    assert again.options == OPTIONS
    assert (again.options_shown, again.highlight_words) == (True, True)
    assert again.model == Path("/models/größer, 模型.bin")
    assert again.folder == Path("/recordings")
    assert again.save_rule == RULE
    assert again.geometry == QByteArray(b"\x01\x02")
    again.options = TranscribeOptions()
    again.model = None
    assert (again.options, again.model) == (TranscribeOptions(), None)


def test_nonsense_counts_as_nothing(path: Path) -> None:
    path.parent.mkdir()
    text = "[General]\ntheme=purple\ntask=dance\ngeometry=7\nlanguage=@Invalid()\nmodel=a, b\nvad=perhaps\n"
    text += "multilingual=7\nbeam_size=many\ninitial_prompt=@Variant(x)\nhotwords=a, b\noptions_shown=open\n"
    text += "save_formats=exe, srt txt\nsave_pattern={rm}\nsave_replace=maybe\n"
    path.write_text(text, "utf-8")
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.options == TranscribeOptions()
    assert not settings.options_shown
    assert settings.save_rule == SaveRule()
    assert settings.geometry.isEmpty()
    assert settings.model is None


def test_a_folder_that_may_not_be_written_is_no_error() -> None:
    settings = Settings(Path("/proc/nowhere/window.ini"))
    settings.theme = "dark"
    assert settings.theme == "dark"


def test_a_file_of_a_newer_version_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    path.write_text("[General]\nschema=99\ntheme=dark\n", encoding="utf-8")
    settings = Settings(path)
    assert settings.set_aside == tmp_path / "window.newer.ini"
    assert "theme=dark" in settings.set_aside.read_text(encoding="utf-8")
    assert settings.theme == "system"


def test_a_file_without_a_number_is_the_first_schema(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    path.write_text("[General]\ntheme=dark\n", encoding="utf-8")
    settings = Settings(path)
    assert (settings.theme, settings.set_aside) == ("dark", None)


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"a": 1}', "{"])
def test_nonsense_in_json_counts_as_nothing(tmp_path: Path, text: str) -> None:
    settings = Settings(tmp_path / "window.ini")
    settings._store.setValue("profiles", text)
    settings._store.setValue("shortcuts", text)
    assert settings.profiles == {}
    assert settings.shortcuts == {}
