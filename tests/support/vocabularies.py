"""Tokenizers of each kind of model, from the vocabularies kept with the repository."""

from __future__ import annotations

import base64
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gpu.model_file import open_model
from gpu.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
SHIPPED_MODEL = ROOT / "resources" / "models" / "ggml-base-q5_1.bin"
_GPT2 = ROOT / "gpu" / "model_convert" / "vocabularies" / "gpt2.txt.xz"


@dataclass(frozen=True)
class Dimensions:
    n_vocab: int
    is_multilingual: bool
    n_languages: int


DIMENSIONS = {
    "english": Dimensions(51864, False, 99),
    "multilingual": Dimensions(51865, True, 99),
    "large-v3": Dimensions(51866, True, 100),
}


@cache
def vocabulary(kind: str) -> tuple[bytes, ...]:
    """Text tokens of an "english", "multilingual" or "large-v3" model, as its ggml file lists them."""
    if kind == "english":
        tokens = [base64.b64decode(line) for line in lzma.decompress(_GPT2.read_bytes()).split()]
        return (*tokens, b"<|endoftext|>")
    with open_model(SHIPPED_MODEL) as model:
        return tuple(model.vocabulary)


@cache
def tokenizer(kind: str) -> Tokenizer:
    return Tokenizer(vocabulary(kind), DIMENSIONS[kind])
