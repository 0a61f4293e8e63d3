"""A Whisper model file, opened: dimensions, mel filters, vocabulary, and tensors that are views of the mapped file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np

from gpu.model_file.quants import BlockFormat, Bytes, Floats

# Blocks dequantized at once: keeps the temporaries in the cache, and small beside the result.
_DEQUANTIZE_BYTES = 1 << 18


@dataclass(frozen=True)
class ModelDimensions:
    """The shape of a Whisper model; names and order as in openai/whisper."""

    n_mels: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int

    @property
    def is_multilingual(self) -> bool:
        return self.n_vocab >= 51865

    @property
    def n_languages(self) -> int:
        """99, or 100 since large-v3; the languages an English-only vocabulary reserves tokens for count too."""
        return self.n_vocab - 51765 - int(self.is_multilingual)

    @property
    def size_name(self) -> str:
        """ "tiny", "base", ... "large-v3-turbo", "distil-small", ...; "custom" for any other shape."""
        shape = (self.n_audio_state, self.n_audio_layer, self.n_text_layer, self.n_mels)
        return _SIZE_NAMES.get(shape, "custom")


# (n_audio_state, n_audio_layer, n_text_layer, n_mels); "large" is large-v1 or v2, which differ in their weights only.
_SIZE_NAMES = {
    (384, 4, 4, 80): "tiny",
    (512, 6, 6, 80): "base",
    (768, 12, 12, 80): "small",
    (1024, 24, 24, 80): "medium",
    (1280, 32, 32, 80): "large",
    (1280, 32, 32, 128): "large-v3",
    (1280, 32, 4, 128): "large-v3-turbo",
    (768, 12, 4, 80): "distil-small",
    (1024, 24, 2, 80): "distil-medium",
    (1280, 32, 2, 80): "distil-large-v2",
    (1280, 32, 2, 128): "distil-large-v3",
}


class Weights(Protocol):
    """One tensor; nothing of it is in memory until its rows are asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def renamed(self, name: str, shape: tuple[int, ...]) -> Self:
        """The same data under another name and an equivalent shape."""
        ...

    def rows(self, first: int, last: int) -> Floats:
        """Rows [first, last) of the first axis: float32 (last - first, *shape[1:])."""
        ...

    def part(self, first: int, last: int) -> Weights:
        """Rows [first, last) of the first axis as a tensor of their own."""
        ...


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor as it lies in the file; nothing is copied until `dequantize`.

    Attributes:
        name: openai/whisper's, such as "encoder.blocks.0.attn.query.weight".
        type: how its rows are stored.
        shape: row-major, as in NumPy and PyTorch: the reverse of ggml's `ne`; the last axis is split into blocks.
        raw: (n_bytes,) uint8, a read-only view of the mapped file, in general not aligned.
    """

    name: str
    type: type[BlockFormat]
    shape: tuple[int, ...]
    raw: Bytes

    @property
    def blocks(self) -> Bytes:
        """(*shape[:-1], shape[-1] // block_size, type_size) uint8 view of the file."""
        return self.raw.reshape(*self.shape[:-1], self.shape[-1] // self.type.block_size, self.type.type_size)

    def dequantize(self) -> Floats:
        """The weights: float32 of `shape`, freshly allocated."""
        blocks = self.raw.reshape(-1, self.type.type_size)  # (n_blocks, type_size)
        weights = np.empty((len(blocks), self.type.block_size), np.float32)
        step = max(1, _DEQUANTIZE_BYTES // (4 * self.type.block_size))
        for i in range(0, len(blocks), step):
            weights[i : i + step] = self.type.dequantize(blocks[i : i + step])
        return weights.reshape(self.shape)

    def rows(self, first: int, last: int) -> Floats:
        """The weights of rows [first, last) of the first axis: float32 (last - first, *shape[1:])."""
        if len(self.shape) == 1:  # may begin inside a block
            return self.dequantize()[first:last]
        return self.type.dequantize(self.blocks[first:last]).reshape(last - first, *self.shape[1:])

    def part(self, first: int, last: int) -> Tensor:
        """Rows [first, last) of the first axis as a tensor of their own, of the same bytes (not of a vector)."""
        raw = self.raw.reshape(self.shape[0], -1)[first:last].reshape(-1)
        return replace(self, shape=(last - first, *self.shape[1:]), raw=raw)

    def renamed(self, name: str, shape: tuple[int, ...]) -> Self:
        return replace(self, name=name, shape=shape)


@dataclass(frozen=True, eq=False)
class ModelContents:
    """What a container holds once its dialect is understood: checked, complete, canonical names."""

    dims: ModelDimensions
    mel_filters: Floats
    vocabulary: list[bytes]
    tensors: dict[str, Tensor]


class ModelFile:
    """An opened model file. Use it as a context manager, or call `close`.

    Attributes:
        path: of the file.
        container: "ggml" or "gguf", by what the file is, not by what it is called.
        dims: the model's dimensions.
        mel_filters: (n_mels, 201) float32: from the power spectrum to mel bins.
        vocabulary: the bytes of each ordinary token, by id; special tokens are not among them.
        tensors: by openai/whisper's names.
        quantization: name of the format that most bytes of the 2-D weights have, "Q5_1".
        n_bytes: size of the file.
    """

    def __init__(self, path: Path, container: Literal["ggml", "gguf"], contents: ModelContents, n_bytes: int) -> None:
        self.path = path
        self.container = container
        self.dims = contents.dims
        self.mel_filters = contents.mel_filters
        self.vocabulary = contents.vocabulary
        self._tensors = contents.tensors
        self.n_bytes = n_bytes
        self.quantization = _predominant_format(contents.tensors)

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        return self._tensors

    def close(self) -> None:
        """Let go of the file. Idempotent.

        Only the tensors hold the mapping. Those taken from `tensors` before stay valid, and the file is unmapped (and,
        on Windows, can be deleted) when the last of them is gone.
        """
        self._tensors = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _predominant_format(tensors: Mapping[str, Tensor]) -> str:
    n_bytes: Counter[str] = Counter()
    for tensor in tensors.values():
        if tensor.name.endswith(".weight") and len(tensor.shape) == 2:
            n_bytes[tensor.type.name] += tensor.raw.size
    return n_bytes.most_common(1)[0][0]
