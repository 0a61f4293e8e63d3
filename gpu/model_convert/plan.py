"""What a file to be written will hold: every tensor with its type and size, in whisper.cpp's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gpu.model_convert.encoding import encoded_size
from gpu.model_convert.source import SourceModel
from gpu.model_file.model import ModelDimensions, Tensor, Weights
from gpu.model_file.quants import F16, F32, BlockFormat

_PROJECTIONS = ("query.weight", "query.bias", "key.weight", "value.weight", "value.bias", "out.weight", "out.bias")


@dataclass(frozen=True, eq=False)
class PlannedTensor:
    """One tensor, and `n_bytes` of it in type `kind`."""

    name: str
    weights: Weights
    kind: type[BlockFormat]
    n_bytes: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.weights.shape


@dataclass(frozen=True, eq=False)
class Plan:
    """`main_type` is that of most of the matrices' bytes."""

    source: SourceModel
    tensors: list[PlannedTensor]
    main_type: type[BlockFormat]

    @property
    def n_bytes(self) -> int:
        """Of all tensors; what comes before them has some 0.5 MB."""
        return sum(tensor.n_bytes for tensor in self.tensors)


def plan(source: SourceModel, kind: type[BlockFormat] | None) -> Plan:
    """How `source` is written.

    Args:
        kind: of the matrices. None keeps the types that its tensors have, or is F16 if they are none of ggml's.

    Raises:
        ConversionError: rows that do not divide into blocks.
    """
    tensors = []
    for name in tensor_order(source.dims):
        weights = source.tensors[name]
        stored = weights.type if isinstance(weights, Tensor) and source.keeps_types else F16
        stored_as = storage_type(name, len(weights.shape), kind or stored)
        tensors.append(PlannedTensor(name, weights, stored_as, encoded_size(name, weights.shape, stored_as)))
    n_bytes: Counter[type[BlockFormat]] = Counter()
    for tensor in tensors:
        if len(tensor.shape) == 2 and tensor.name.endswith(".weight"):
            n_bytes[tensor.kind] += tensor.n_bytes
    return Plan(source, tensors, n_bytes.most_common(1)[0][0])


def storage_type(name: str, n_dims: int, kind: type[BlockFormat]) -> type[BlockFormat]:
    """How whisper.cpp's files of type `kind` store a tensor: vectors and positions F32, convolutions F16 at most."""
    if n_dims == 1 or name.endswith("positional_embedding") or kind is F32:
        return F32
    return F16 if n_dims == 3 else kind


def tensor_order(dims: ModelDimensions) -> list[str]:
    """Every tensor's name in the order of OpenAI's first state dicts, which upstream's published files have."""
    return list(_names(dims))


def _names(dims: ModelDimensions) -> Iterator[str]:
    yield from ("decoder.positional_embedding", "encoder.positional_embedding", "decoder.token_embedding.weight")
    for i in range(dims.n_text_layer):
        yield from _block(f"decoder.blocks.{i}", ("attn", "cross_attn"))
    yield from ("decoder.ln.weight", "decoder.ln.bias")
    for conv in ("encoder.conv1", "encoder.conv2"):
        yield from (f"{conv}.weight", f"{conv}.bias")
    for i in range(dims.n_audio_layer):
        yield from _block(f"encoder.blocks.{i}", ("attn",))
    yield from ("encoder.ln_post.weight", "encoder.ln_post.bias")


def _block(block: str, attentions: tuple[str, ...]) -> Iterator[str]:
    for module in ("mlp_ln", "mlp.0", "mlp.2"):
        yield from (f"{block}.{module}.weight", f"{block}.{module}.bias")
    for attention in attentions:
        yield from (f"{block}.{attention}_ln.weight", f"{block}.{attention}_ln.bias")
        yield from (f"{block}.{attention}.{projection}" for projection in _PROJECTIONS)
