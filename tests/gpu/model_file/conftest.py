from pathlib import Path

import pytest

from gpu.errors import ModelFileError
from gpu.model_file import open_model
from tests.support.errors import check_error
from tests.support.requantize import SHIPPED_MODEL
from tests.support.synthetic_model import SyntheticModel, synthetic_dimensions, synthetic_model


@pytest.fixture(scope="session")
def shipped_model() -> Path:
    return SHIPPED_MODEL


@pytest.fixture(scope="session")
def tiny_model() -> SyntheticModel:
    """The smallest valid Whisper: one head, one layer."""
    return synthetic_model(synthetic_dimensions(64, 1))


@pytest.fixture(scope="session")
def tiny_tensors(tiny_model):
    """Its weights in Q4_0: name -> (format, bytes, shape). Copy before changing."""
    return tiny_model.encoded("Q4_0")


@pytest.fixture(scope="session")
def tiny_ggml(tiny_model, tmp_path_factory) -> bytes:
    return tiny_model.write_ggml(tmp_path_factory.mktemp("tiny") / "tiny.bin", "Q4_0").read_bytes()


@pytest.fixture(scope="session")
def tiny_gguf(tiny_model, tmp_path_factory) -> bytes:
    return tiny_model.write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", "Q4_0", dialect="B").read_bytes()


@pytest.fixture
def refused(tmp_path):
    """`refused(content)`: write it to a file, fail to open it, and return the error after checking its form."""

    def refuse(content: bytes, kind: type[ModelFileError] = ModelFileError, name: str = "model.bin") -> ModelFileError:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(kind) as caught:
            open_model(path)
        check_error(caught.value)
        return caught.value

    return refuse
