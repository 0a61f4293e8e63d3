"""The two vocabularies that Whisper models have, for files that do not bring theirs along."""

from __future__ import annotations

import base64
import lzma
from importlib.resources import files

from gpu.model_file import ModelDimensions

_END_OF_TEXT = b"<|endoftext|>"  # a text token of English-only models, a special one of the others


def vocabulary(dims: ModelDimensions) -> list[bytes]:
    """The text tokens of OpenAI's models of these dimensions, by id, as upstream's converter writes them."""
    name = "multilingual" if dims.is_multilingual else "gpt2"
    lines = lzma.decompress(files(__name__).joinpath(f"{name}.txt.xz").read_bytes()).split(b"\n")
    tokens = [b"" if line == b"=" else base64.b64decode(line) for line in lines if line]
    return tokens if dims.is_multilingual else [*tokens, _END_OF_TEXT]
