from pathlib import Path

import pytest

from gpu.model_file import open_model
from tests.bench import models
from tests.bench.models import OTHER_TYPES, OURS_BEAM, Model, given, imported
from tests.bench.peers import FASTER_BATCH, FASTER_WHISPER, WHISPER_CPP
from tests.bench.runs import OURS
from tests.support.foreign_models import openai_dims, write_checkpoint
from tests.support.requantize import FORMAT_NAMES
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model


@pytest.fixture(scope="module")
def model() -> SyntheticModel:
    return synthetic_model(synthetic_dimensions(64, 1))


def test_weights_of_each_engine() -> None:
    both = given("models/ggml-small.bin=small")
    assert (both.name, both.ggml) == ("small", Path("models/ggml-small.bin").resolve())
    assert (both.weights(WHISPER_CPP), both.weights(FASTER_BATCH)) == (both.ggml, Path("small").resolve())
    assert both.engines == (OURS, OURS_BEAM, WHISPER_CPP, FASTER_WHISPER, FASTER_BATCH)
    assert given("ggml-small.bin").engines == (OURS, OURS_BEAM, WHISPER_CPP)


def test_every_type_is_compared() -> None:
    assert {*OTHER_TYPES, "Q5_1", "F32"} == set(FORMAT_NAMES)


@pytest.mark.slow
def test_the_program_makes_the_files(model: SyntheticModel, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "tiny.en.pt", model.weights, openai_dims(model))
    made = imported("tiny.en", str(tmp_path / "tiny.en.pt"), tmp_path)
    assert made == Model("tiny.en F16", tmp_path / "ggml-tiny.en.bin")
    for name in ("F16", "Q4_1"):
        with open_model(models._quantized(made.ggml, name, tmp_path)) as file:
            assert file.tensors["decoder.blocks.0.mlp.0.weight"].type.name == name
