"""What a model needs and how fast it is likely to be, from its shape; and which one suits this machine.

Memory on the CPU is the larger of two moments, counted as the ONNX backend holds things (`cpu_memory`): the end of
loading, where the encoder's weights are there twice, and a run. Measured peaks of eight shapes and types (tiny to
small, Q4_0 to F16) were within 15 % of it, the built-in model's within 2 %. Memory on a GPU is the plan of the GPU
engine: blocks as in the file, 16-bit caches and activations; nothing is measured yet. Speed is the last measured run's,
scaled by the ratio of work: the encoder's multiplications, and the bytes that each token reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.models.benchmark import Benchmark
from app.models.catalogue import Architecture, Catalogue, CatalogueModel
from gpu.types import Words

N_AUDIO_CTX = 1500
N_TEXT_CTX = 448
SEQUENCES = 5  # decoded side by side: `best_of` and the accurate beam

PROGRAM_BYTES = 100_000_000  # interpreter, libraries, decoded audio
GPU_CONTEXT_BYTES = 300_000_000

# Bytes a weight as MatMulNBits stores it: integers, a float32 scale a block, and a float32 minimum where there is one.
_OPERAND_BYTES = {"Q4_0": 0.625, "Q4_1": 0.75, "Q5_0": 1.125, "Q5_1": 1.25, "Q8_0": 1.125, "F16": 4.0, "F32": 4.0}
# Bytes a weight in the file.
_FILE_BYTES = {"Q4_0": 18 / 32, "Q4_1": 20 / 32, "Q5_0": 22 / 32, "Q5_1": 24 / 32, "Q8_0": 34 / 32, "F16": 2, "F32": 4}
_FLOATS = ("F16", "F32")

# How much multiplying goes with reading a byte: float32 GEMM at 110 GFLOP/s beside 8 GB/s, on the machine of
# ARCHITECTURE.md's figures. Only the ratio matters.
_FLOPS = 110e9
_BYTES_PER_S = 8e9

_COMFORTABLE = 0.75  # of the free memory
_FAST_ENOUGH = 0.8  # real-time factor


@dataclass(frozen=True)
class Recommendation:
    """The model for this machine, and why: whole sentences."""

    model: CatalogueModel
    reason: Words


def cpu_memory(model: CatalogueModel) -> int:
    """Peak memory of loading a model and transcribing with it on the CPU, in bytes."""
    a, kind = model.architecture, model.quantization
    encoder = 4 * _encoder_weights(a)  # float32
    decoder = _OPERAND_BYTES[kind] * _decoder_weights(a, model.n_vocab)
    embedding = _FILE_BYTES[kind] * model.n_vocab * a.n_state  # as in the file, to look tokens up
    packed = encoder + (decoder if kind in _FLOATS else 0)  # once more, as the runtime likes floats best
    loading = model.n_bytes + encoder + decoder + packed + embedding
    caches = 2 * a.n_text_layer * a.n_state * (SEQUENCES * N_TEXT_CTX * 4 + N_AUDIO_CTX)  # float32; int8
    activations = 12 * N_AUDIO_CTX * a.n_state * 4
    running = encoder + decoder + embedding + caches + activations
    return PROGRAM_BYTES + round(max(loading, running))


def gpu_memory(model: CatalogueModel) -> int:
    """Memory on a GPU, in bytes: an estimate that nothing was measured for."""
    a = model.architecture
    cross = 2 * a.n_text_layer * N_AUDIO_CTX * a.n_state * 2
    caches = 2 * a.n_text_layer * SEQUENCES * N_TEXT_CTX * a.n_state * 2
    activations = 12 * N_AUDIO_CTX * a.n_state * 2 + SEQUENCES * model.n_vocab * 4
    return GPU_CONTEXT_BYTES + model.n_bytes + cross + caches + activations


def real_time_factor(model: CatalogueModel, benchmark: Benchmark, catalogue: Catalogue) -> float | None:
    """Processing seconds expected a second of audio; None if the benchmark was of a model of no known shape."""
    measured = next((m for m in catalogue.models if m.architecture.name == benchmark.size), None)
    if measured is None:
        return None
    work = _work(measured.architecture, measured.n_vocab, benchmark.quantization, benchmark)
    if not work:
        return None
    return benchmark.real_time_factor * _work(model.architecture, model.n_vocab, model.quantization, benchmark) / work


def recommend(
    catalogue: Catalogue, free_bytes: int, benchmark: Benchmark | None, models: Sequence[CatalogueModel] | None = None
) -> Recommendation | None:
    """The most capable multilingual model that fits three quarters of the free memory and is fast enough.

    Fast enough is a real-time factor of 0.8; as long as nothing was measured, nothing larger than base counts so.
    Where nothing is fast enough, the fastest. None if not even the smallest fits.
    """
    choice = [m for m in models or catalogue.models if not m.english_only and m.quantization != "F16"]
    fitting = [m for m in choice if cpu_memory(m) <= _COMFORTABLE * free_bytes]
    if not fitting:
        return None
    speeds = {m.name: real_time_factor(m, benchmark, catalogue) if benchmark else None for m in fitting}

    def is_fast_enough(model: CatalogueModel) -> bool:
        speed = speeds[model.name]
        return model.architecture.name in ("tiny", "base") if speed is None else speed <= _FAST_ENOUGH

    fast = [m for m in fitting if is_fast_enough(m)]
    if fast:
        best = max(fast, key=lambda m: (_quality(m), -m.n_bytes))
    else:
        best = min(fitting, key=lambda m: speeds[m.name] or 0.0)
    return Recommendation(best, _reason(cpu_memory(best), free_bytes, speeds[best.name], is_fast=best in fast))


def _reason(need_bytes: int, free_bytes: int, speed: float | None, *, is_fast: bool) -> Words:
    need, free = f"{need_bytes / 1e6:,.0f}", f"{free_bytes / 1e6:,.0f}"
    if speed is None:
        return Words(
            "It needs about {need} MB of the {free} MB of memory that are free. Larger models are considered once a "
            "recording of ten seconds or more has shown how fast this machine is.",
            need=need,
            free=free,
        )
    if not is_fast:
        return Words(
            "No model for many languages is fast enough here; this is the fastest, with about {speed} s of processing "
            "a second of audio. It needs about {need} MB of the {free} MB of memory that are free.",
            speed=f"{speed:.2f}",
            need=need,
            free=free,
        )
    return Words(
        "Of the models for many languages that are fast enough here, it is the most capable one that fits: it needs "
        "about {need} MB of the {free} MB of memory that are free, and {speed} s of processing a second of audio.",
        need=need,
        free=free,
        speed=f"{speed:.2f}",
    )


# By word errors over many languages, as OpenAI published them.
_ORDER = ("tiny", "base", "small", "medium", "large-v3-turbo", "large", "large-v3")


def _quality(model: CatalogueModel) -> int:
    name = model.architecture.name
    return _ORDER.index(name) if name in _ORDER else -1


def _encoder_weights(a: Architecture) -> int:
    """With the projections to the decoder's cross-attention, which the encoder's graph ends in."""
    convolutions = 3 * a.n_mels * a.n_state + 3 * a.n_state**2
    return convolutions + 12 * a.n_audio_layer * a.n_state**2 + 2 * a.n_text_layer * a.n_state**2


def _decoder_weights(a: Architecture, n_vocab: int) -> int:
    """With the token embedding, which the logits are made of."""
    return 14 * a.n_text_layer * a.n_state**2 + n_vocab * a.n_state


def _work(a: Architecture, n_vocab: int, quantization: str, run: Benchmark) -> float:
    """What `run` would be for a model, in seconds of an arbitrary machine."""
    if quantization not in _OPERAND_BYTES:
        quantization = "Q8_0"  # K-quants are stored in about as many bytes
    products = N_AUDIO_CTX * _encoder_weights(a) + 2 * a.n_audio_layer * N_AUDIO_CTX**2 * a.n_state
    cross = 2 * a.n_text_layer * N_AUDIO_CTX * a.n_state
    token_bytes = _OPERAND_BYTES[quantization] * _decoder_weights(a, n_vocab) + cross
    return run.n_windows * 2 * products / _FLOPS + run.n_tokens * token_bytes / _BYTES_PER_S
