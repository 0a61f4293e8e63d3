"""Hugging Face's JSON files, which some model files need beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpu.errors import ModelArchitectureError
from gpu.model_file.byte_reader import damaged

_MAX_JSON = 1 << 24  # bytes; a tokenizer.json has 2-4 MB


def read_json(path: Path, needed_for: str) -> dict[str, Any]:
    """The object in a JSON file that must say `needed_for` since the model file does not."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_JSON)
    except OSError as e:
        raise ModelArchitectureError(
            f"the model file does not state {needed_for}, and {path} cannot be read: {e.strerror}",
            remedy="Put the model's config.json and tokenizer.json beside it, or choose another model.",
        ) from e
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise damaged(f"{path.name} beside it is not valid JSON") from e
    if not isinstance(content, dict):
        raise damaged(f"{path.name} beside it holds {type(content).__name__}, expected an object")
    return content
