"""The catalogue is complete, consistent with the engine's own knowledge of shapes, and has no invented hashes."""

import hashlib
import math
import re
from collections import defaultdict
from pathlib import Path

import pytest

from app.models.catalogue import CatalogueModel, load_catalogue
from app.models.errors import CatalogueError, UnknownModelError
from app.paths import default_model
from gpu.model_file import ModelDimensions
from gpu.model_file.architecture import check_dimensions, expected_shapes

CATALOGUE = load_catalogue()
NAMES = [model.name for model in CATALOGUE.models]
BLOCK_BYTES = {"Q5_0": 22 / 32, "Q5_1": 24 / 32, "Q8_0": 34 / 32, "F16": 2}
# Of whisper.cpp's own documentation and of OpenAI's weights converted anew.
KNOWN_BYTES = {"base": 147_951_465, "tiny.en": 77_704_715, "base-q5_1": default_model().stat().st_size}


def dimensions(model: CatalogueModel) -> ModelDimensions:
    a = model.architecture
    return ModelDimensions(
        n_mels=a.n_mels, n_audio_ctx=1500, n_audio_state=a.n_state, n_audio_head=a.n_head,
        n_audio_layer=a.n_audio_layer, n_vocab=model.n_vocab, n_text_ctx=448, n_text_state=a.n_state,
        n_text_head=a.n_head, n_text_layer=a.n_text_layer,
    )  # fmt: skip


def test_every_official_size_is_there() -> None:
    sizes = "tiny tiny.en base base.en small small.en medium medium.en large-v1 large-v2 large-v3 large-v3-turbo"
    assert set(sizes.split()) <= set(NAMES)
    assert {"distil-small.en", "distil-medium.en", "distil-large-v2", "distil-large-v3"} <= set(NAMES)
    quantized = "tiny-q5_1 base-q8_0 small-q5_1 medium-q5_0 medium-q8_0 large-v2-q8_0 large-v3-q5_0 large-v3-turbo-q8_0"
    assert set(quantized.split()) <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert len({model.file for model in CATALOGUE.models}) == len(NAMES)


@pytest.mark.parametrize("model", CATALOGUE.models, ids=NAMES)
def test_shapes_are_those_the_engine_knows(model: CatalogueModel) -> None:
    dims = dimensions(model)
    check_dimensions(dims)
    assert dims.size_name == model.architecture.name
    weights = sum(math.prod(shape) for shape in expected_shapes(dims).values())
    assert weights / 1e6 == pytest.approx(model.architecture.parameters, rel=0.06)


def test_sizes_of_all_types_differ_by_their_blocks_alone() -> None:
    """What is left without the 2-D weights is the same in each file of a model: sizes cannot be mistyped."""
    rests = defaultdict(set)
    for model in CATALOGUE.models:
        shapes = expected_shapes(dimensions(model))
        blocks = sum(math.prod(s) for name, s in shapes.items() if len(s) == 2 and "positional" not in name)
        name = model.name.split("-q")[0]
        rests[(model.architecture.name, model.n_vocab)].add(model.n_bytes - blocks * BLOCK_BYTES[model.quantization])
        assert model.name == name + ("" if model.quantization == "F16" else f"-{model.quantization.lower()}")
    assert all(len(rest) == 1 for rest in rests.values()), rests
    for name, n_bytes in KNOWN_BYTES.items():
        assert CATALOGUE.find(name).n_bytes == n_bytes


def test_hashes_are_hashes_and_none_occurs_twice() -> None:
    hashes = [model.sha256 for model in CATALOGUE.models]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in CATALOGUE.known)
    assert len(set(hashes)) == len(hashes)
    assert CATALOGUE.known[hashlib.sha256(default_model().read_bytes()).hexdigest()] == "WhisperDesktop NG"
    assert CATALOGUE.find("base-q5_1").sha256.startswith("422f1ae452ade6f3")  # made with an older rounding than ours
    assert CATALOGUE.find("base-q8_0").sha256.startswith("c577b9a86e7e048a")
    assert CATALOGUE.find("tiny.en-q8_0").sha256.startswith("5bc2b3860aa151a4")


def test_languages_and_translation() -> None:
    facts = {model.name: (model.n_languages, model.can_translate) for model in CATALOGUE.models}
    assert facts["base"] == (99, True)
    assert facts["large-v3"] == (100, True)
    assert facts["large-v3-turbo"] == (100, False)
    assert facts["small.en"] == facts["distil-large-v3"] == (1, False)


@pytest.mark.parametrize("name", ["base-q5_1", "ggml-base-q5_1.bin", "BASE-Q5_1", "ggml-base-q5_1"])
def test_a_name_in_any_of_its_forms(name: str) -> None:
    assert CATALOGUE.find(name).name == "base-q5_1"


def test_a_name_that_is_none() -> None:
    with pytest.raises(UnknownModelError, match="'bsae'") as caught:
        CATALOGUE.find("bsae")
    assert "base" in caught.value.remedy


def test_addresses_are_pinned_and_the_users_mirror_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CATALOGUE.find("distil-large-v3.5")
    first, second = CATALOGUE.remote_file(model).urls
    path = "/distil-whisper/distil-large-v3.5-ggml/resolve/960ecb5c2ecfba3ebb9ebe485c1032ec266cf436/ggml-model.bin"
    assert first == "https://huggingface.co" + path
    assert second == "https://hf-mirror.com" + path
    monkeypatch.setenv("HF_ENDPOINT", "http://environment/")
    assert CATALOGUE.remote_file(model).urls[0] == "http://environment" + path
    assert CATALOGUE.remote_file(model, "http://setting").urls[0] == "http://setting" + path
    assert CATALOGUE.remote_file(model, "https://hf-mirror.com/").urls == (second, first)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"architectures": {"x": {}}}'])
def test_a_damaged_catalogue(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CatalogueError, match=r"c\.json"):
        load_catalogue(tmp_path / "c.json")
