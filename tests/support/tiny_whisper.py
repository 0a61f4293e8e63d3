"""A Whisper of random weights that is tiny in every dimension, also in those a model file has to have whole.

A vocabulary file of 51865 tokens and a context of 1500 positions cannot be run by an emulator in a test's time, so this
one is put together from its tensors: all a backend asks of a `ModelFile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from gpu.model_file import ModelDimensions, Tensor
from gpu.model_file.mel_filters import mel_filters
from gpu.model_file.quants import FORMATS
from gpu.token_rules import TokenRules
from tests.support.requantize import K_FORMATS, encode_all
from tests.support.synthetic_model import synthetic_model

# Sizes that are no multiples of a block, a tile or a warp, as far as Whisper's shape allows.
N_AUDIO_CTX, N_VOCAB, N_TEXT_CTX = 75, 331, 61
EOT, SOT, FIRST_LANGUAGE, NO_TIMESTAMPS, TIMESTAMPS = 211, 212, 213, 229, 230
RULES = TokenRules(
    n_vocab=N_VOCAB,
    sot=SOT,
    eot=EOT,
    no_timestamps=NO_TIMESTAMPS,
    timestamp_begin=TIMESTAMPS,
    suppressed=(3, 32, 63, 64, 150, *range(SOT, NO_TIMESTAMPS)),
    blank=(20, EOT),
    max_initial_timestamp=50,
)
PROMPT = (SOT, FIRST_LANGUAGE, FIRST_LANGUAGE + 10)


@dataclass(frozen=True)
class TinyWhisper:
    """What a backend needs of a model file."""

    dims: ModelDimensions
    tensors: dict[str, Tensor]

    @property
    def mel_filters(self) -> np.ndarray:
        return mel_filters(self.dims.n_mels)


def tiny_dimensions(format_name: str) -> ModelDimensions:
    """Two layers each; K-quants come in blocks of 256."""
    n_state = 256 if format_name in K_FORMATS else 128
    return ModelDimensions(
        n_mels=80, n_audio_ctx=N_AUDIO_CTX, n_audio_state=n_state, n_audio_head=n_state // 64, n_audio_layer=2,
        n_vocab=N_VOCAB, n_text_ctx=N_TEXT_CTX, n_text_state=n_state, n_text_head=n_state // 64, n_text_layer=2,
    )  # fmt: skip


@cache
def tiny_whisper(format_name: str, seed: int = 0) -> TinyWhisper:
    dims = tiny_dimensions(format_name)
    weights = {name: lively(name, w) for name, w in synthetic_model(dims, seed).weights.items()}
    types = {format_.__name__: format_ for format_ in FORMATS.values()}
    tensors = {
        name: Tensor(name, types[stored_as], shape, raw)
        for name, (stored_as, raw, shape) in encode_all(weights, format_name).items()
    }
    return TinyWhisper(dims, tensors)


def lively(name: str, weights: np.ndarray) -> np.ndarray:
    """So that a next token is clearly the best, and depends on what was heard and said.

    The output is the transposed embedding: of signs as they come in the last norm's weights a token does not call for
    itself again.
    """
    if name == "decoder.ln.weight":
        return weights * np.random.default_rng(1).choice(np.float32([-1, 1]), weights.shape)
    return weights * np.float32(next((factor for part, factor in SCALES.items() if part in name), 1))


SCALES: dict[str, float] = {
    "decoder.token_embedding": 10,
    "decoder.positional_embedding": 20,
    "query.weight": 4,
}


def tiny_mel(n_windows: int, seed: int = 5) -> np.ndarray:
    """(n_windows, 80, 2 * n_audio_ctx) float32."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_windows, 80, 2 * N_AUDIO_CTX)).astype(np.float32)
