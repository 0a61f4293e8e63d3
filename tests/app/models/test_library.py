"""Names, paths, and removing."""

from pathlib import Path

import pytest

from app.models.catalogue import load_catalogue
from app.models.errors import NotRemovableError, UnknownModelError
from app.models.library import find_installed, installed, last_or_built_in, model_path, remove
from app.paths import default_model, models_dir

CATALOGUE = load_catalogue()


@pytest.fixture
def folder() -> Path:
    folder = models_dir()
    folder.mkdir(parents=True)
    for name in ("ggml-small-q5_1.bin", "My Own.gguf", "ggml-distil-large-v3.bin", "ggml-tiny.bin.part", "notes.txt"):
        (folder / name).touch()
    return folder


def test_installed_are_whole_models_only(folder: Path) -> None:
    assert [path.name for path in installed()] == ["My Own.gguf", "ggml-distil-large-v3.bin", "ggml-small-q5_1.bin"]
    assert installed(folder / "none") == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("small-q5_1", "ggml-small-q5_1.bin"),
        ("ggml-small-q5_1", "ggml-small-q5_1.bin"),
        ("ggml-small-q5_1.bin", "ggml-small-q5_1.bin"),
        ("Small-Q5_1", "ggml-small-q5_1.bin"),
        ("my own", "My Own.gguf"),
        ("My Own.gguf", "My Own.gguf"),
        ("distil-large-v3", "ggml-distil-large-v3.bin"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(folder: Path, name: str, file: str) -> None:
    assert find_installed(name, CATALOGUE) == folder / file
    assert model_path(name, CATALOGUE) == folder / file


def test_the_built_in_one_has_a_name_too_unless_it_was_fetched(folder: Path) -> None:
    assert model_path("base-q5_1", CATALOGUE) == default_model()
    (folder / "ggml-base-q5_1.bin").touch()
    assert model_path("base-q5_1", CATALOGUE) == folder / "ggml-base-q5_1.bin"


def test_a_path_comes_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small-q5_1").touch()
    assert model_path("small-q5_1", CATALOGUE) == Path("small-q5_1")
    Path("my own").mkdir()  # a folder is no model
    assert model_path("my own", CATALOGUE) == folder / "My Own.gguf"


@pytest.mark.parametrize("text", ["gone.bin", "gone.gguf", "folder/gone", "/nowhere/at all"])
def test_a_path_that_is_not_there_is_left_to_the_engine_s_words(text: str) -> None:
    assert model_path(text, CATALOGUE) == Path(text)


def test_a_name_that_is_not_here_says_how_to_fetch_it() -> None:
    with pytest.raises(UnknownModelError, match="tiny-q8_0 is not on this disk") as caught:
        model_path("tiny-q8_0", CATALOGUE)
    assert "models download tiny-q8_0" in caught.value.remedy
    with pytest.raises(UnknownModelError, match="'tinny'"):
        model_path("tinny", CATALOGUE)


def test_a_missing_last_model_falls_back_and_says_so(tmp_path: Path) -> None:
    last = tmp_path / "last.bin"
    path, notice = last_or_built_in(last)
    assert path == default_model()
    assert notice is not None
    assert str(last) in notice
    last.touch()
    assert last_or_built_in(last) == (last, None)
    assert last_or_built_in(None) == (default_model(), None)


class TestRemove:
    def test_a_model(self, folder: Path) -> None:
        assert remove("small-q5_1", CATALOGUE) == [folder / "ggml-small-q5_1.bin"]
        assert not (folder / "ggml-small-q5_1.bin").exists()

    def test_what_has_arrived_of_one(self, folder: Path) -> None:
        (folder / "ggml-tiny.bin.part.json").touch()
        assert remove("tiny", CATALOGUE) == [folder / "ggml-tiny.bin.part"]
        assert not list(folder.glob("ggml-tiny*"))

    def test_not_the_built_in_one(self, folder: Path) -> None:
        with pytest.raises(NotRemovableError, match="comes with the program"):
            remove("base-q5_1", CATALOGUE)
        assert default_model().exists()

    @pytest.mark.parametrize("name", ["medium", "nonsense", "../window.ini", "/etc/passwd", "notes.txt", ""])
    def test_nothing_else(self, folder: Path, name: str) -> None:
        before = sorted(folder.parent.rglob("*"))
        with pytest.raises(UnknownModelError):
            remove(name, CATALOGUE)
        assert sorted(folder.parent.rglob("*")) == before

    def test_what_the_system_keeps(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path, missing_ok: bool = False) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(NotRemovableError, match="Permission denied"):
            remove("small-q5_1", CATALOGUE)
