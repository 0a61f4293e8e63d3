"""Hugging Face's JSON files, which some model files need beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpu.errors import ModelArchitectureError, reason
from gpu.model_file.byte_reader import damaged
from gpu.types import Words

_MAX_JSON = 1 << 24  # bytes; a tokenizer.json has 2-4 MB


def read_json(path: Path, needed_for: Words) -> dict[str, Any]:
    """The object in a JSON file that must say `needed_for` since the model file does not."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_JSON)
    except OSError as e:
        raise ModelArchitectureError(
            Words(
                "The model file does not state {what}, and {path} cannot be read: {reason}.",
                what=needed_for,
                path=path,
                reason=reason(e),
            ),
            remedy=Words("Put the model's config.json and tokenizer.json beside it, or choose another model."),
        ) from e
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise damaged(Words("{name} beside it is not valid JSON", name=path.name)) from e
    if not isinstance(content, dict):
        got = type(content).__name__
        raise damaged(Words("{name} beside it holds {type}, expected an object", name=path.name, type=got))
    return content
