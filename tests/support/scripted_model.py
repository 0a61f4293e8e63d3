"""A small Whisper that always says the same, whatever it hears: for what is about the engine around the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gpu.model_file import open_model
from tests.support.requantize import SHIPPED_MODEL
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

EOT, FIRST_TIMESTAMP = 50257, 50364
N_PROMPT = 3  # start, language, task
TEXT = "your country can ask"
_LOUD, _SAID = 16, 8


def write_scripted_model(path: Path, end_s: float = 11.0, format_name: str = "Q5_1") -> Path:
    """Write a ggml file of a model that says TEXT from 0 to `end_s`.

    Every position has a direction of its own, in which the embedding of the token lies that comes next. Attention and
    perceptrons add a little to that.
    """
    with open_model(SHIPPED_MODEL) as shipped:
        vocabulary, filters = list(shipped.vocabulary), np.array(shipped.mel_filters)
    model = replace(synthetic_model(synthetic_dimensions(64, 1)), vocabulary=vocabulary, mel_filters=filters)
    weights, words = model.weights, [vocabulary.index(f" {word}".encode()) for word in TEXT.split()]
    for name in weights:
        if name.endswith((".out.weight", ".out.bias", "mlp.2.weight", "mlp.2.bias")) and name.startswith("decoder"):
            weights[name] = weights[name] * np.float32(0.05)
    script = (FIRST_TIMESTAMP, *words, FIRST_TIMESTAMP + round(end_s * 50), EOT)
    positions = weights["decoder.positional_embedding"] = np.zeros_like(weights["decoder.positional_embedding"])
    embedding = weights["decoder.token_embedding.weight"]
    for i, token in enumerate(script):
        positions[N_PROMPT - 1 + i :] = 0
        positions[N_PROMPT - 1 + i :, i] = _LOUD
        embedding[token, i] += _SAID
    weights["decoder.ln.weight"] = np.ones_like(weights["decoder.ln.weight"])
    weights["decoder.ln.bias"] = np.zeros_like(weights["decoder.ln.bias"])
    return model.write_ggml(path, format_name)
