"""What a model file is, for lists of models: told by the engine's own reader, without loading the weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpu.errors import ModelArchitectureError, ModelFileError, UnknownModelFormatError


@dataclass(frozen=True)
class ModelFacts:
    """A ggml or GGUF file that holds a Whisper model.

    Attributes:
        container: "ggml" or "gguf".
        size: "base", "base.en", "large-v3", ... or "custom"; quantization: the ggml type most weights have;
            both empty when the file cannot be read.
        problem: why it cannot be used, in one line; empty when it can.
    """

    container: str
    size: str
    quantization: str
    problem: str = ""


def model_facts(path: Path) -> ModelFacts | None:
    """Look into a file; None if it is no Whisper model at all, or in no container the engine reads."""
    from gpu.model_file import open_model  # here: a list without models need not wait for NumPy

    try:
        with open_model(path) as model:
            english = "" if model.dims.is_multilingual else ".en"
            return ModelFacts(model.container, model.dims.size_name + english, model.quantization)
    except (UnknownModelFormatError, ModelArchitectureError):
        return None
    except ModelFileError as e:
        container = "gguf" if path.suffix == ".gguf" else "ggml"
        return ModelFacts(container, "", "", e.message)
