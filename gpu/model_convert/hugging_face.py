"""What lies beside the weights in a Hugging Face or faster-whisper folder: dimensions, vocabulary, mel filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gpu.errors import reason
from gpu.model_convert.checkpoint import read_checkpoint
from gpu.model_convert.safetensors import read_safetensors
from gpu.model_convert.vocabularies import vocabulary
from gpu.model_file.architecture import N_FREQS, N_TEXT_TOKENS, check_vocabulary
from gpu.model_file.byte_reader import damaged, shown
from gpu.model_file.loader import map_file
from gpu.model_file.mel_filters import mel_filters
from gpu.model_file.model import ModelDimensions, Weights
from gpu.model_file.quants import Floats
from gpu.model_file.side_files import read_json
from gpu.model_file.vocabulary import bytes_of_tokens, tokens_of_json
from gpu.types import Words

_MAX_TEXT = 1 << 24  # bytes; vocabularies have 0.5 to 3 MB
_MAX_SHARDS = 1 << 8
_END_OF_TEXT = b"<|endoftext|>"

# Filters that differ by no more than this (the largest is 0.026) are the same ones, rounded elsewhere.
_SAME_FILTERS = 1e-6


def read_shards(index_path: Path) -> dict[str, Weights]:
    """The tensors of all files that an index (`model.safetensors.index.json`) names."""
    weight_map = read_json(index_path, Words("where its tensors are")).get("weight_map")
    if not isinstance(weight_map, dict):
        raise damaged(Words("{file} has no weight_map", file=index_path.name))
    names = set(map(str, weight_map.values()))
    if len(names) > _MAX_SHARDS or any(name != Path(name).name for name in names):
        raise damaged(Words("{file} names files that do not lie beside it", file=index_path.name))
    tensors: dict[str, Weights] = {}
    for name in sorted(names):
        data = map_file(index_path.parent / name)
        shard = read_safetensors(data) if name.endswith(".safetensors") else read_checkpoint(data).tensors
        if twice := shard.keys() & tensors.keys():
            raise damaged(
                Words(
                    "tensor {name} is in two of the files that {file} names",
                    name=shown(min(twice)),
                    file=index_path.name,
                )
            )
        tensors |= shard
    return tensors


def folder_vocabulary(folder: Path, dims: ModelDimensions) -> list[bytes]:
    """The text tokens: from the folder's own files, else OpenAI's, which every Whisper of these dimensions has."""
    for read in (_tokenizer_json, _vocab_json, _vocabulary_txt):
        tokens = read(folder)
        if tokens is not None:
            checked = check_vocabulary(tokens, dims)
            # Hugging Face counts GPT-2's end of text among the special tokens; upstream's files list it
            missing = not dims.is_multilingual and len(checked) == N_TEXT_TOKENS - 1
            return [*checked, _END_OF_TEXT] if missing else checked
    return vocabulary(dims)


def folder_mel_filters(folder: Path, dims: ModelDimensions) -> Floats:
    """OpenAI's filters, unless the folder's preprocessor_config.json states really different ones."""
    expected = mel_filters(dims.n_mels)
    path = folder / "preprocessor_config.json"
    stated = read_json(path, Words("its mel filters")).get("mel_filters") if path.exists() else None
    if stated is None:
        return expected
    try:
        filters = np.array(stated, np.float32)
    except (ValueError, TypeError) as e:
        raise damaged(Words("{file} has mel filters that are no table of numbers", file=path.name)) from e
    if filters.shape == (N_FREQS, dims.n_mels):
        filters = filters.T
    if filters.shape != expected.shape or not np.isfinite(filters).all():
        raise damaged(
            Words(
                "{file} has mel filters of shape {got}, expected {expected}",
                file=path.name,
                got=filters.shape,
                expected=expected.shape,
            )
        )
    return expected if np.abs(filters - expected).max() <= _SAME_FILTERS else np.ascontiguousarray(filters)


def _tokenizer_json(folder: Path) -> list[bytes] | None:
    path = folder / "tokenizer.json"
    return bytes_of_tokens(tokens_of_json(read_json(path, Words("its vocabulary")))) if path.exists() else None


def _vocab_json(folder: Path) -> list[bytes] | None:
    path = folder / "vocab.json"
    if not path.exists():
        return None
    vocab: dict[str, Any] = read_json(path, Words("its vocabulary"))
    added = folder / "added_tokens.json"
    added_ids = read_json(added, Words("its vocabulary")) if added.exists() else {}
    return bytes_of_tokens(tokens_of_json({"model": {"vocab": vocab | added_ids}}))


def _vocabulary_txt(folder: Path) -> list[bytes] | None:
    """faster-whisper's: a token a line (`.txt`) or a list (`.json`), the special tokens behind the others."""
    tokens = next(_vocabulary_lists(folder), None)
    if tokens is None:
        return None
    return bytes_of_tokens(tokens[:N_TEXT_TOKENS])


def _vocabulary_lists(folder: Path) -> Iterator[list[str]]:
    for name in ("vocabulary.json", "vocabulary.txt"):
        path = folder / name
        if not path.exists():
            continue
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_TEXT).decode("utf-8")
            tokens = json.loads(text) if name.endswith(".json") else text.replace("\r\n", "\n").split("\n")
        except (OSError, ValueError, RecursionError) as e:
            why = reason(e) if isinstance(e, OSError) else shown(str(e))
            raise damaged(Words("{name} beside it cannot be read ({reason})", name=name, reason=why)) from e
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise damaged(Words("{name} beside it is no list of tokens", name=name))
        yield tokens
