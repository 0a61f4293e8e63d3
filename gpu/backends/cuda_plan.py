"""What a model and its decoders take of the GPU's memory, array by array, before any of it is taken.

Whatever lies in an arena is listed here, so that an arena made for a list is filled by it to the last byte. How many
windows are decoded at once follows from what is free: where that is too little, it is said before the driver says it,
and on Windows the driver does not even say it, but goes on in the computer's own memory at a tenth of the speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from gpu.backends.base import DecodePlan, Limits
from gpu.backends.cuda_arena import Shapes, n_bytes_of
from gpu.backends.cuda_attention_memory import CrossScratch, KeptQueries
from gpu.backends.cuda_errors import not_enough_memory
from gpu.backends.cuda_mel import CudaSpectrogram
from gpu.backends.cuda_sampling import Beams, Sequences
from gpu.model_file import ModelDimensions
from gpu.model_file.quants import BlockFormat
from gpu.token_rules import TokenRules

HEAD_SIZE = 64
MAX_ROWS, MAX_SEQUENCES = 16, 16
N_TIMESTAMPS = 1501  # 0 to 30 s in steps of 20 ms, behind all other tokens
USUAL_SEQUENCES = 5  # beams, or samples at a temperature
N_AHEAD = 1  # windows encoded while others are decoded
N_WAITING = 3  # windows that wait until the language is known (gpu.transcribe, MOST_TO_TELL_LANGUAGE)
RESERVE = 200 << 20  # bytes: graphs, kernels, what other programs begin to use meanwhile


class StoredTensor(Protocol):
    """As in `gpu.model_file.Tensor`."""

    @property
    def type(self) -> type[BlockFormat]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


def model_parts(tensors: Mapping[str, StoredTensor], dims: ModelDimensions) -> dict[str, Shapes]:
    """Everything a loaded model holds, windows aside."""
    return {"weights": weight_arrays(tensors), **scratch_parts(dims)}


def scratch_parts(dims: ModelDimensions) -> dict[str, Shapes]:
    """What a loaded model works in. Each part has a stream of its own: they share nothing."""
    return {
        "encoder": encoder_arrays(dims),
        "prompts": prompt_arrays(dims),
        "spectrogram": numbered(CudaSpectrogram.arrays(dims.n_mels)),
    }


def weight_arrays(tensors: Mapping[str, StoredTensor]) -> Shapes:
    """A model's weights by their names: matrices as bytes of their blocks, vectors and positions as float32."""
    return {name: _weight(name, tensor) for name, tensor in tensors.items()}


def _weight(name: str, tensor: StoredTensor) -> tuple[tuple[int, ...], type[np.generic]]:
    if len(tensor.shape) == 1 or name.endswith("positional_embedding"):
        return tensor.shape, np.float32
    return (prod(tensor.shape) // tensor.type.block_size * tensor.type.type_size,), np.uint8


def encoder_arrays(dims: ModelDimensions) -> Shapes:
    """For one window: its spectrogram, the stem's columns and outputs, the residual stream, inputs of products."""
    n_ctx, d = dims.n_audio_ctx, dims.n_audio_state
    return {
        "mel": ((1, dims.n_mels, 2 * n_ctx), np.float32),
        "columns1": ((2 * n_ctx, 3 * dims.n_mels), np.float16),
        "conv1": ((2 * n_ctx, d), np.float16),
        "columns2": ((n_ctx, 3 * d), np.float16),
        "x": ((n_ctx, d), np.float32),
        **dict.fromkeys(("h", "q", "k", "v"), ((n_ctx, d), np.float16)),
        "wide": ((n_ctx, 4 * d), np.float16),
    }


def prompt_arrays(dims: ModelDimensions) -> Shapes:
    """For the tokens of a prompt at once, which all decoders share."""
    n, d = dims.n_text_ctx, dims.n_text_state
    return {
        "tokens": ((n,), np.int32),
        "x": ((n, d), np.float32),
        "wide": ((n, 4 * d), np.float16),
        "weights": ((n, dims.n_audio_ctx), np.float32),
        **dict.fromkeys(("h", "q", "k", "v"), ((n, d), np.float16)),
    }


def window_arrays(dims: ModelDimensions) -> Shapes:
    """One encoded window: the cross-attention's keys and values of every layer."""
    return {"kv": ((dims.n_text_layer, 2, dims.n_text_head, dims.n_audio_ctx, HEAD_SIZE), np.float16)}


def text_arrays(dims: ModelDimensions, plan: DecodePlan) -> Shapes:
    """A decoder's sequences: their self-attention cache and what a step reads and writes."""
    n, n_ctx, d = n_sequences(plan), n_positions(dims, plan), dims.n_text_state
    return {
        "cache": ((dims.n_text_layer, 2, n, dims.n_text_head, n_ctx, HEAD_SIZE), np.float16),
        "table": ((n, n_ctx), np.int32),
        "cross": ((plan.rows,), np.uint64),
        "x": ((n, d), np.float32),
        "q": ((n, d), np.float32),
        "attended": ((n, d), np.float32),
        "wide": ((n, 4 * d), np.float32),
        "logits": ((n, dims.n_vocab), np.float32),
    }


def decoder_parts(dims: ModelDimensions, plan: DecodePlan) -> dict[str, Shapes]:
    """Everything an open decoder holds."""
    n = n_sequences(plan)
    parts: dict[str, Shapes] = {
        "text": text_arrays(dims, plan),
        "sequences": Sequences.arrays(plan.rules, n),
        "cross scratch": numbered(CrossScratch.arrays(dims, plan.rows, plan.sequences)),
    }
    if plan.rows == 1 and plan.top_k:
        parts["beams"] = Beams.arrays(plan.rules, plan.sequences, plan.top_k)
    if plan.align:
        parts["kept queries"] = numbered(KeptQueries.arrays(dims, n))
    return parts


def n_sequences(plan: DecodePlan) -> int:
    """Of a decoder."""
    return plan.rows * plan.sequences


def n_positions(dims: ModelDimensions, plan: DecodePlan) -> int:
    """Of each sequence."""
    return min(dims.n_text_ctx, plan.max_prompt + plan.max_tokens)


def numbered(arrays: Iterable[tuple[tuple[int, ...], DTypeLike]]) -> Shapes:
    """By their place, where they have no names."""
    return {str(i): array for i, array in enumerate(arrays)}


def n_bytes_of_parts(parts: Mapping[str, Shapes]) -> int:
    """What an arena for all of them has."""
    return sum(map(n_bytes_of, parts.values()))


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes, by who holds them: the model, each window and each decoder have an arena of their own.

    Attributes:
        weights: of the model; scratch: of its encoder, prompts and spectrograms, in one arena.
        window: one encoded window's; n_windows: how many there are at once.
        decoders: of all that are open at once.
    """

    weights: int
    scratch: int
    window: int
    n_windows: int
    decoders: int

    @property
    def n_bytes(self) -> int:
        return self.weights + self.scratch + self.n_windows * self.window + self.decoders


def plan_memory(
    tensors: Mapping[str, StoredTensor], dims: ModelDimensions, plans: Iterable[DecodePlan], n_windows: int
) -> MemoryPlan:
    """For a model, the decoders that will be open at once, and as many windows."""
    parts = model_parts(tensors, dims)
    return MemoryPlan(
        weights=n_bytes_of(parts["weights"]),
        scratch=n_bytes_of_parts(scratch_parts(dims)),
        window=n_bytes_of(window_arrays(dims)),
        n_windows=n_windows,
        decoders=n_bytes_of_decoders(dims, plans),
    )


def n_bytes_of_decoders(dims: ModelDimensions, plans: Iterable[DecodePlan]) -> int:
    """What their arenas have, all together."""
    return sum(n_bytes_of_parts(decoder_parts(dims, plan)) for plan in plans)


def fit(tensors: Mapping[str, StoredTensor], dims: ModelDimensions, free: int) -> tuple[Limits, MemoryPlan]:
    """The most windows at once, then sequences of one window, that fit into `free` bytes, and what they take at most.

    At its worst a run has three decoders: for windows side by side, for a window alone, and for its beams or samples;
    prompts are as long as the model allows, and words are timed.

    Raises:
        DeviceMemoryError: not even one window fits.
    """
    model = plan_memory(tensors, dims, (), 0)
    half = dims.n_text_ctx // 2
    alone = DecodePlan(1, 1, _any_rules(dims), max_tokens=half, max_prompt=half, align=True)

    def needed(rows: int, sequences: int) -> MemoryPlan:
        several = replace(alone, sequences=sequences, top_k=sequences + 1, align=False)
        side_by_side = [replace(alone, rows=rows)] if rows > 1 else []
        decoders = n_bytes_of_decoders(dims, [alone, several, *side_by_side])
        return replace(model, n_windows=max(rows + N_AHEAD, N_WAITING), decoders=decoders)

    def largest(most: int, plan: Callable[[int], MemoryPlan]) -> int:
        return next((n for n in range(most, 0, -1) if plan(n).n_bytes + RESERVE <= free), 0)

    rows = largest(MAX_ROWS, lambda n: needed(n, USUAL_SEQUENCES)) or 1
    sequences = largest(MAX_SEQUENCES, lambda n: needed(rows, n))
    if not sequences:
        raise not_enough_memory(needed(1, 1).n_bytes + RESERVE, free)
    return Limits(rows, sequences), needed(rows, sequences)


def _any_rules(dims: ModelDimensions) -> TokenRules:
    """For sizes alone."""
    begin = dims.n_vocab - N_TIMESTAMPS
    return TokenRules(dims.n_vocab, begin, begin, begin, begin, (), (), 0)
