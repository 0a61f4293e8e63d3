from dataclasses import replace

import numpy as np
import pytest

from gpu.cancel import CancelToken
from gpu.errors import EngineError
from gpu.model_convert.convert import convert
from gpu.model_convert.open_source import open_source
from gpu.model_file.mel_filters import mel_filters
from tests.support.errors import check_error
from tests.support.requantize import SHIPPED_MODEL
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model
from tests.support.vocabularies import vocabulary


@pytest.fixture(scope="session")
def upstream_order() -> list[str]:
    """The names of the tensors as whisper.cpp's own file of base has them."""
    from tests.support.ggml_writer import walk_ggml

    return [tensor.name for tensor in walk_ggml(SHIPPED_MODEL.read_bytes())]


@pytest.fixture(scope="session")
def model(upstream_order) -> SyntheticModel:
    """The smallest valid Whisper, with OpenAI's vocabulary and filters, and weights that are exact in F16."""
    made = synthetic_model(synthetic_dimensions(64, 1))
    weights = {
        name: made.weights[name].astype(np.float16).astype(np.float32)
        for name in upstream_order
        if name in made.weights
    }
    return replace(made, weights=weights, vocabulary=list(vocabulary("multilingual")), mel_filters=mel_filters(80))


@pytest.fixture(scope="session")
def ggml_f16(model, tmp_path_factory):
    """What upstream's converter writes of it."""
    return model.write_ggml(tmp_path_factory.mktemp("f16") / "model.bin", "F16")


@pytest.fixture
def converted(tmp_path):
    """`converted(source, type, suffix)`: the bytes of what `convert` writes; nothing else is left behind."""

    def run(source, type_name=None, suffix=".bin") -> bytes:
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        *_, last = convert(source, folder / f"model{suffix}", type_name, CancelToken())
        assert last.n_done == last.n_bytes
        assert [file.name for file in folder.iterdir()] == [f"model{suffix}"]
        return (folder / f"model{suffix}").read_bytes()

    return run


@pytest.fixture
def refused():
    """`refused(path, kind)`: open it as a source, fail, and return the error after checking its form."""

    def refuse(path, kind=EngineError) -> EngineError:
        with pytest.raises(kind) as caught:
            open_source(path)
        check_error(caught.value)
        return caught.value

    return refuse
