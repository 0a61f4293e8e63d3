"""Models that other programs have left, in folders as those programs make them."""

import hashlib
import json
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.models import on_disk
from app.models.catalogue import Catalogue, load_catalogue
from app.models.hash_cache import HashCache
from app.models.on_disk import FoundModel, Root, find_models, usual_roots, verification
from app.paths import default_model, models_dir
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

MIB = 1 << 20
CATALOGUE = load_catalogue()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model of a few megabytes."""
    model = synthetic_model(synthetic_dimensions(n_state=64, n_layer=1))
    return model.write_ggml(tmp_path_factory.mktemp("model") / "small.bin", "Q8_0")


def openai_checkpoint(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", b"")
        archive.writestr(f"{path.stem}/data/0", bytes(MIB))
    return path


def ctranslate2_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"\x06\0\0\0\x0c\0WhisperSpec\0" + bytes(MIB))
    (folder / "config.json").write_text("{}")
    return folder


def hub_snapshot(hub: Path, repository: str, files: dict[str, bytes]) -> Path:
    """As the Hugging Face cache has it: content under its hash, and links to it."""
    repo = hub / f"models--{repository.replace('/', '--')}"
    snapshot = repo / "snapshots" / "0123abc"
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    for name, content in files.items():
        blob = repo / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def put(model: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, path)
    return path


def found(*folders: Path) -> dict[Path, FoundModel]:
    return {model.path: model for model in find_models([Root(folder, "x") for folder in folders]).models}


def test_every_program_s_folder(home: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    cache = home / ".cache"
    whisper = json.dumps({"model_type": "whisper"}).encode()
    expected = {
        default_model(): ("built in", "ggml"),
        put(small_model, models_dir() / "mine.bin"): ("WhisperDesktop NG", "ggml"),
        put(small_model, Path("models/ggml-here.bin")): ("whisper.cpp", "ggml"),
        put(small_model, cache / "whisper.cpp" / "ggml-x.bin"): ("whisper.cpp", "ggml"),
        openai_checkpoint(cache / "whisper" / "base.en.pt"): ("OpenAI Whisper", "OpenAI"),
        hub_snapshot(
            cache / "huggingface" / "hub",
            "openai/whisper-tiny",
            {"config.json": whisper, "model.safetensors": bytes(MIB)},
        ): ("Hugging Face", "safetensors"),
        ctranslate2_folder(
            cache / "huggingface" / "hub" / "models--Systran--faster-whisper-large-v3" / "snapshots" / "abc"
        ): ("faster-whisper", "CTranslate2"),
        put(small_model, cache / "Buzz" / "models" / "whisper.cpp" / "ggml-base.bin"): ("Buzz", "ggml"),
        openai_checkpoint(cache / "Buzz" / "models" / "whisper" / "small.pt"): ("Buzz", "OpenAI"),
    }
    findings = find_models()
    assert {model.path: (model.origin, model.kind) for model in findings.models} == expected
    assert findings.notes == []
    sizes = {model.path.name: model.size for model in findings.models}
    assert (sizes["base.en.pt"], sizes["small.pt"], sizes["0123abc"], sizes["abc"]) == (
        "base.en", "small", "tiny", "large-v3",
    )  # fmt: skip


def test_ggml_and_gguf_are_told_by_their_content(tmp_path: Path, small_model: Path) -> None:
    put(small_model, tmp_path / "named-wrongly.gguf")
    [model] = found(tmp_path).values()
    assert (model.kind, model.size, model.quantization, model.is_usable) == ("ggml", "custom", "Q8_0", True)
    assert model.n_bytes == small_model.stat().st_size


def test_english_only_models_are_called_so(tmp_path: Path) -> None:
    english = synthetic_model(synthetic_dimensions(64, 1, n_vocab=51864))
    path = english.write_ggml(tmp_path / "mine.bin", "Q8_0")
    assert found(tmp_path)[path].size == "custom.en"


def test_what_is_no_whisper_model_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "zeros.bin").write_bytes(bytes(2 * MIB))
    (tmp_path / "llama.gguf").write_bytes(b"GGUF" + bytes(2 * MIB))
    (tmp_path / "tiny.pt").write_bytes(bytes(2 * MIB))
    openai_checkpoint(tmp_path / "resnet.pt")
    other = tmp_path / "bert"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "bert"}')
    (other / "model.safetensors").write_bytes(bytes(2 * MIB))
    for name, text in {"list": "[]", "broken": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
        (tmp_path / name / "model.safetensors").write_bytes(bytes(2 * MIB))
    models = find_models([Root(tmp_path, "x")]).models
    assert [model.path.name for model in models if not model.problem] == []


def test_a_damaged_model_is_listed_with_its_problem(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "cut.bin").write_bytes(small_model.read_bytes()[: 3 * MIB])
    [model] = found(tmp_path).values()
    assert "cut short" in model.problem
    assert not model.is_usable


class TestFolders:
    def test_circles_end_and_each_file_counts_once(self, tmp_path: Path, small_model: Path) -> None:
        put(small_model, tmp_path / "a" / "m.bin")
        (tmp_path / "a" / "again").symlink_to(tmp_path)
        (tmp_path / "b").symlink_to("a")
        (tmp_path / "linked.bin").symlink_to("a/m.bin")
        (tmp_path / "self.bin").symlink_to("self.bin")
        (tmp_path / "gone.bin").symlink_to("nowhere")
        os.link(tmp_path / "a" / "m.bin", tmp_path / "hard.bin")
        assert len(found(tmp_path, tmp_path / "b", tmp_path)) == 1

    def test_a_linked_folder_is_looked_into(self, tmp_path: Path, small_model: Path) -> None:
        put(small_model, tmp_path / "disk" / "m.bin")
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "more").symlink_to(tmp_path / "disk")
        assert list(found(tmp_path / "root")) == [tmp_path / "root" / "more" / "m.bin"]

    def test_nothing_is_looked_for_in_the_depths(self, tmp_path: Path, small_model: Path) -> None:
        put(small_model, tmp_path.joinpath(*"12345678") / "found.bin")
        put(small_model, tmp_path.joinpath(*"123456789") / "too-deep.bin")
        assert [path.name for path in found(tmp_path)] == ["found.bin"]

    def test_pipes_are_not_opened(self, tmp_path: Path) -> None:
        if sys.platform != "win32":
            os.mkfifo(tmp_path / "pipe.bin")
        assert found(tmp_path, tmp_path / "none") == {}

    def test_the_token_stops_it(self, tmp_path: Path) -> None:
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            find_models([Root(tmp_path, "x")], token)

    def test_a_folder_that_may_not_be_read_is_noted(
        self, tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By an error of the system call: tests may run as root, who may read everything."""
        put(small_model, tmp_path / "open" / "m.bin")
        (tmp_path / "locked").mkdir()
        scandir = os.scandir

        def refuse(path: Path) -> object:
            if path.name == "locked":
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(on_disk.os, "scandir", refuse)
        findings = find_models([Root(tmp_path, "x")])
        assert [model.path.name for model in findings.models] == ["m.bin"]
        assert findings.notes == [f"{tmp_path / 'locked'} cannot be looked into: Permission denied."]


def test_environment_variables_move_the_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("BUZZ_MODEL_ROOT", str(tmp_path / "buzz"))
    assert {tmp_path / "hf" / "hub", tmp_path / "buzz"} <= {root.path for root in usual_roots()}
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert tmp_path / "hub" in {root.path for root in usual_roots()}


class TestVerification:
    @pytest.fixture
    def copy(self, tmp_path: Path, small_model: Path) -> FoundModel:
        return found(put(small_model, tmp_path / "m.bin").parent)[tmp_path / "m.bin"]

    @pytest.fixture
    def catalogue(self, small_model: Path) -> Catalogue:
        return replace(CATALOGUE, known={hashlib.sha256(small_model.read_bytes()).hexdigest(): "somebody"})

    def test_nothing_is_hashed_on_listing(self, copy: FoundModel, catalogue: Catalogue) -> None:
        assert verification(copy, catalogue, HashCache()) == "not checked"
        assert verification(copy, catalogue, HashCache(), CancelToken()) == "verified"
        assert verification(copy, catalogue, HashCache()) == "verified"  # remembered, also by another instance

    def test_a_change_is_noticed(self, copy: FoundModel, catalogue: Catalogue) -> None:
        assert verification(copy, catalogue, HashCache(), CancelToken()) == "verified"
        with copy.path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        os.utime(copy.path, (1, 1))
        assert verification(copy, catalogue, HashCache()) == "not checked"
        assert verification(copy, catalogue, HashCache(), CancelToken()) == "unpublished"

    def test_the_hub_s_cache_knows_its_own_hashes(self, tmp_path: Path) -> None:
        content = {"config.json": b'{"model_type": "whisper"}', "model.safetensors": os.urandom(MIB)}
        snapshot = hub_snapshot(tmp_path, "someone/whisper-x", content)
        [model] = find_models([Root(tmp_path, "Hugging Face", "models--*whisper*")]).models
        assert model.path == snapshot
        assert verification(model, CATALOGUE, HashCache(), CancelToken()) == "verified"
        model.weights.resolve().write_bytes(bytes(MIB))
        assert verification(model, CATALOGUE, HashCache(), CancelToken()) == "unpublished"

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": [1, 2]}'])
    def test_a_damaged_cache_is_begun_anew(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "hashes.json").write_text(text)
        path = tmp_path / "x"
        path.write_bytes(b"x")
        assert HashCache(tmp_path / "hashes.json").sha256(path, CancelToken()) == hashlib.sha256(b"x").hexdigest()
        assert HashCache(tmp_path / "hashes.json").known(path) == hashlib.sha256(b"x").hexdigest()
