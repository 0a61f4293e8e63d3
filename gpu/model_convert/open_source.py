"""Opening a model to be converted, whatever program it comes from: told by the first bytes, never by the name."""

from __future__ import annotations

import re
from pathlib import Path

from gpu.errors import ModelNotFoundError, UnknownModelFormatError, reason
from gpu.model_convert import ctranslate2, zip_reader
from gpu.model_convert.checkpoint import Checkpoint, read_checkpoint
from gpu.model_convert.hugging_face import folder_mel_filters, folder_vocabulary, read_shards
from gpu.model_convert.safetensors import read_safetensors
from gpu.model_convert.source import SourceModel
from gpu.model_convert.vocabularies import vocabulary
from gpu.model_file import open_model
from gpu.model_file.architecture import check_dimensions, select_tensors
from gpu.model_file.dialects import canonical_tensors, dimensions
from gpu.model_file.formats import CHOOSE, container_of
from gpu.model_file.loader import map_file
from gpu.model_file.mel_filters import mel_filters
from gpu.model_file.model import ModelDimensions, Weights
from gpu.model_file.quants import Bytes
from gpu.model_file.side_files import read_json
from gpu.types import Words

# What a folder's weights are called, the best first.
_WEIGHT_FILES = (
    "model.safetensors", "model.safetensors.index.json", "model.bin",
    "pytorch_model.bin", "pytorch_model.bin.index.json",
)  # fmt: skip
_CHOOSE = Words("Choose a Whisper model: OpenAI's .pt, a Hugging Face or faster-whisper folder, ggml or GGUF.")
_SUFFIXES = (".safetensors", ".pt", ".bin", ".gguf")


def open_source(path: Path) -> SourceModel:
    """A model of any kind, checked for completeness; its weights stay in the mapped file until they are asked for.

    Args:
        path: OpenAI's `.pt`, ggml, GGUF; or safetensors, PyTorch and CTranslate2 files with their JSON files beside
            them, or the folder that holds these.

    Raises:
        ModelNotFoundError: no such file or folder, or nothing in it.
        UnsafeModelError: a checkpoint that asks for code to be run.
        ModelFileError: its other subclasses say what is wrong with the file.
    """
    file = _file_of(path)
    if file.name.endswith(".index.json"):
        return _from_tensors("Hugging Face, in parts", read_shards(file), file.parent)
    data = map_file(file)
    start = data[:256].tobytes()
    if start.startswith(zip_reader.MAGIC):
        return _from_checkpoint(read_checkpoint(data), file.parent)
    if re.match(rb".{8}\{\s*\"", start, re.DOTALL):
        return _from_tensors("safetensors", read_safetensors(data), file.parent)
    if re.match(rb"[\x01-\x20]\0\0\0.\0\w*Spec\0", start, re.DOTALL):
        return _from_ctranslate2(data, file.parent)
    _refuse_others(data)
    with open_model(file) as model:
        kind = f"{model.container}, {model.quantization}"
        return SourceModel(kind, model.dims, model.mel_filters, model.vocabulary, model.tensors, True)


def _refuse_others(data: Bytes) -> None:
    """What is no ggml or GGUF either, and say what it is."""
    try:
        container_of(data)
    except UnknownModelFormatError as e:
        raise UnknownModelFormatError(e.message, remedy=_CHOOSE if e.remedy == CHOOSE else e.remedy) from e


def _file_of(path: Path) -> Path:
    try:
        if not path.is_dir():
            return path
        found = next((path / name for name in _WEIGHT_FILES if (path / name).is_file()), None)
        others = [file for file in sorted(path.iterdir()) if file.suffix in _SUFFIXES]
    except OSError as e:
        raise _not_found(Words("{path} cannot be read: {reason}.", path=path, reason=reason(e))) from e
    if found is not None:
        return found
    if len(others) == 1:
        return others[0]
    if others:
        raise _not_found(Words("The folder {path} holds {n} files that could be the model.", path=path, n=len(others)))
    names = ", ".join(_WEIGHT_FILES)
    raise _not_found(Words("The folder {path} holds no model: none of {names}.", path=path, names=names))


def _not_found(message: Words) -> ModelNotFoundError:
    return ModelNotFoundError(message, remedy=Words("Choose the model file itself, or the folder that it lies in."))


def _from_checkpoint(checkpoint: Checkpoint, folder: Path) -> SourceModel:
    if not checkpoint.dims:
        return _from_tensors("PyTorch", checkpoint.tensors, folder)
    dims = _stated(checkpoint.dims)
    check_dimensions(dims)
    return SourceModel(  # what else lies in the folder is not this model's
        "OpenAI", dims, mel_filters(dims.n_mels), vocabulary(dims), select_tensors(checkpoint.tensors, dims), False
    )


def _stated(stated: dict[str, object]) -> ModelDimensions:
    names = ModelDimensions.__dataclass_fields__
    values = {name: value for name in names if type(value := stated.get(name)) is int}
    if missing := names.keys() - values.keys():
        raise UnknownModelFormatError(
            Words("The checkpoint does not state {name}, so it is not one of openai/whisper's.", name=min(missing)),
            remedy=Words("Choose a Whisper model, as published by OpenAI or on Hugging Face."),
        )
    return ModelDimensions(**values)


def _from_tensors(kind: str, tensors: dict[str, Weights], folder: Path) -> SourceModel:
    """Hugging Face's names and JSON files."""
    dims = dimensions(read_json(folder / "config.json", Words("its dimensions")), tensors)
    return _source(kind, dims, canonical_tensors(tensors, dims), folder)


def _from_ctranslate2(data: Bytes, folder: Path) -> SourceModel:
    tensors = ctranslate2.read_ctranslate2(data)
    return _source("CTranslate2", ctranslate2.dimensions_of(tensors), tensors, folder)


def _source(kind: str, dims: ModelDimensions, tensors: dict[str, Weights], folder: Path) -> SourceModel:
    check_dimensions(dims)
    selected = select_tensors(tensors, dims)
    return SourceModel(kind, dims, folder_mel_filters(folder, dims), folder_vocabulary(folder, dims), selected, False)
