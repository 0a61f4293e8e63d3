"""What a file must hold to be a Whisper model: plausible dimensions, and every tensor in its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from gpu.errors import ModelArchitectureError, QuantizationVersionError
from gpu.model_file.byte_reader import shown
from gpu.model_file.model import ModelDimensions, Weights
from gpu.model_file.quants import BlockFormat, QuantizedFormat
from gpu.types import Words

W = TypeVar("W", bound=Weights)

N_FREQS = 201  # bins of a 400-point real FFT
HEAD_SIZE = 64
N_AUDIO_CTX = 1500  # 30 s in frames of 20 ms
QUANTIZATION_VERSION = 2  # ggml's GGML_QNT_VERSION: the block layouts in `quants`
# Tokens of GPT-2's vocabulary, which come first; the special tokens behind them follow from n_vocab.
N_TEXT_TOKENS = 50257

# Tensors that some converters add and that say nothing new: tied or constant.
REDUNDANT_TENSORS = {"proj_out.weight", "decoder.proj_out.weight", "alignment_heads", "decoder.mask"}


def architecture_error(message: Words) -> ModelArchitectureError:
    return ModelArchitectureError(message, remedy=Words("Choose a Whisper model in ggml (.bin) or GGUF form."))


def check_dimensions(dims: ModelDimensions) -> None:
    """Raise `ModelArchitectureError` unless `dims` are those of some Whisper model."""
    expected = {
        "n_mels": dims.n_mels in (80, 128),
        "n_audio_ctx": dims.n_audio_ctx == N_AUDIO_CTX,
        "n_audio_state": dims.n_audio_state == HEAD_SIZE * dims.n_audio_head and 1 <= dims.n_audio_head <= 64,
        "n_audio_layer": 1 <= dims.n_audio_layer <= 128,
        "n_vocab": 51864 <= dims.n_vocab <= 51866,
        "n_text_ctx": 1 <= dims.n_text_ctx <= 4096,
        "n_text_state": dims.n_text_state == dims.n_audio_state,
        "n_text_head": dims.n_text_head == dims.n_audio_head,
        "n_text_layer": 1 <= dims.n_text_layer <= 128,
    }
    wrong = [name for name, is_plausible in expected.items() if not is_plausible]
    if wrong:
        raise architecture_error(
            Words(
                "These are not the dimensions of a Whisper model: {wrong} (n_audio_head {n_audio_head}; expected "
                "n_mels 80 or 128, n_audio_ctx 1500, heads of size 64, n_vocab 51864 to 51866).",
                wrong=", ".join(f"{name} {getattr(dims, name)}" for name in wrong),
                n_audio_head=dims.n_audio_head,
            )
        )


def check_vocabulary(tokens: list[bytes], dims: ModelDimensions) -> list[bytes]:
    """The text tokens among `tokens`; some converters store the special tokens behind them too."""
    # GPT-2's text tokens without its <|endoftext|> are one fewer
    if not N_TEXT_TOKENS - 1 <= len(tokens) <= dims.n_vocab:
        raise architecture_error(
            Words(
                "The vocabulary has {got} tokens, expected {least} to {most}.",
                got=len(tokens),
                least=N_TEXT_TOKENS - 1,
                most=dims.n_vocab,
            )
        )
    return tokens[:N_TEXT_TOKENS]


def expected_shapes(dims: ModelDimensions) -> dict[str, tuple[int, ...]]:
    """Every tensor of openai/whisper's state dict, in its order, with its row-major shape."""
    return dict(_encoder_shapes(dims)) | dict(_decoder_shapes(dims))


def select_tensors(tensors: Mapping[str, W], dims: ModelDimensions) -> dict[str, W]:
    """The model's tensors, in openai/whisper's order and shapes.

    Args:
        tensors: by canonical name, as stored.

    Raises:
        ModelArchitectureError: some are missing, too many, or of another shape; names them.
    """
    shapes = expected_shapes(dims)
    if missing := [name for name in shapes if name not in tensors]:
        raise architecture_error(
            Words(
                "The file is not a complete Whisper model of its dimensions: it lacks {names}.", names=_listed(missing)
            )
        )
    if others := [name for name in tensors if name not in shapes and name not in REDUNDANT_TENSORS]:
        raise architecture_error(
            Words("The file is no Whisper model of its dimensions: it also holds {names}.", names=_listed(others))
        )
    selected = {}
    for name, shape in shapes.items():
        tensor = tensors[name]
        # ggml stores the convolutions' biases as [n, 1], to add them along the time axis.
        if tensor.shape != shape and _squeezed(tensor.shape) != shape:
            raise architecture_error(
                Words(
                    "Tensor {name} has shape {got}, expected {expected}.", name=name, got=tensor.shape, expected=shape
                )
            )
        selected[name] = tensor.renamed(name, shape)
    return selected


def check_quantization_version(version: int, name: str, kind: type[BlockFormat]) -> None:
    """Raise `QuantizationVersionError` if tensor `name` is quantized in the block layouts of another version."""
    if issubclass(kind, QuantizedFormat) and version != QUANTIZATION_VERSION:
        raise QuantizationVersionError(
            Words(
                "Tensor {name} was quantized in version {got} of ggml's block layouts, expected version {expected}.",
                name=shown(name),
                got=version,
                expected=QUANTIZATION_VERSION,
            ),
            remedy=Words("Download a current version of this model, or quantize it again with a current whisper.cpp."),
        )


def _listed(names: list[str]) -> str:
    """The first names of many."""
    first = ", ".join(map(shown, names[:3]))
    return Words("{names} and {n} more", names=first, n=len(names) - 3) if len(names) > 3 else first


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _encoder_shapes(dims: ModelDimensions) -> Iterator[tuple[str, tuple[int, ...]]]:
    n_state = dims.n_audio_state
    yield "encoder.positional_embedding", (dims.n_audio_ctx, n_state)
    yield "encoder.conv1.weight", (n_state, dims.n_mels, 3)
    yield "encoder.conv1.bias", (n_state,)
    yield "encoder.conv2.weight", (n_state, n_state, 3)
    yield "encoder.conv2.bias", (n_state,)
    for i in range(dims.n_audio_layer):
        yield from _block_shapes(f"encoder.blocks.{i}", ["attn"], n_state)
    yield from _layer_norm_shapes("encoder.ln_post", n_state)


def _decoder_shapes(dims: ModelDimensions) -> Iterator[tuple[str, tuple[int, ...]]]:
    n_state = dims.n_text_state
    yield "decoder.positional_embedding", (dims.n_text_ctx, n_state)
    yield "decoder.token_embedding.weight", (dims.n_vocab, n_state)
    for i in range(dims.n_text_layer):
        yield from _block_shapes(f"decoder.blocks.{i}", ["attn", "cross_attn"], n_state)
    yield from _layer_norm_shapes("decoder.ln", n_state)


def _block_shapes(block: str, attentions: list[str], n_state: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for attention in attentions:
        for projection in ("query", "key", "value", "out"):
            yield f"{block}.{attention}.{projection}.weight", (n_state, n_state)
            if projection != "key":
                yield f"{block}.{attention}.{projection}.bias", (n_state,)
        yield from _layer_norm_shapes(f"{block}.{attention}_ln", n_state)
    yield f"{block}.mlp.0.weight", (4 * n_state, n_state)
    yield f"{block}.mlp.0.bias", (4 * n_state,)
    yield f"{block}.mlp.2.weight", (n_state, 4 * n_state)
    yield f"{block}.mlp.2.bias", (n_state,)
    yield from _layer_norm_shapes(f"{block}.mlp_ln", n_state)


def _layer_norm_shapes(name: str, n_state: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (n_state,)
    yield f"{name}.bias", (n_state,)
