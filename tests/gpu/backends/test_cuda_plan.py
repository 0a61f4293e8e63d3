"""The memory planner against the figures of the design, and against what arenas really hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from gpu.backends.base import DecodePlan, Limits
from gpu.backends.cuda_arena import Arena, n_bytes_of
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_plan import (
    MAX_ROWS,
    MAX_SEQUENCES,
    N_WAITING,
    RESERVE,
    MemoryPlan,
    decoder_parts,
    fit,
    model_parts,
    n_bytes_of_parts,
    plan_memory,
    weight_arrays,
    window_arrays,
)
from gpu.backends.cuda_weights import pack
from gpu.errors import DeviceMemoryError
from gpu.model_convert.plan import storage_type
from gpu.model_file import ModelDimensions, open_model, quants
from gpu.model_file.architecture import expected_shapes
from gpu.token_rules import TokenRules
from gpu.transcribe import MOST_TO_TELL_LANGUAGE
from tests.support.cuda.fake_cupy import fake_cupy
from tests.support.synthetic_model import synthetic_dimensions

BASE = Path(__file__).parents[3] / "resources" / "models" / "ggml-base-q5_1.bin"
RULES = TokenRules(51865, 50258, 50257, 50363, 50364, (), (), 50)

# n_state, encoder and decoder layers, mels, tokens.
SIZES = {
    "tiny": (384, 4, 4, 80, 51865),
    "base": (512, 6, 6, 80, 51865),
    "small": (768, 12, 12, 80, 51865),
    "medium": (1024, 24, 24, 80, 51865),
    "large-v3": (1280, 32, 32, 128, 51866),
    "turbo": (1280, 32, 4, 128, 51866),
}

# MB that were foreseen before there was an engine: Q5_1 greedy, 5 beams, 16 windows; F16 greedy. Then what is in them
# and is not needed: two layers of dequantized weights and a library's workspace; and the scratch of encoding one
# window, which for 16 was foreseen four times.
FORESEEN = {
    "base": ((150, 172, 575, 238), 45.6, 20.9),
    "medium": ((901, 1078, 3900, 1849), 83.4, 40.9),
    "large-v3": ((1658, 1952, 6603, 3576), 111.7, 51.5),
    "turbo": ((826, 863, 1582, 1827), 111.7, 51.5),
}


@dataclass(frozen=True)
class Stored:
    type: type[quants.BlockFormat]
    shape: tuple[int, ...]


def dimensions(size: str) -> ModelDimensions:
    d, n_audio_layer, n_text_layer, n_mels, n_vocab = SIZES[size]
    return ModelDimensions(n_mels, 1500, d, d // 64, n_audio_layer, n_vocab, 448, d, d // 64, n_text_layer)


def stored(dims: ModelDimensions, format_name: str) -> dict[str, Stored]:
    kind = getattr(quants, format_name)
    return {name: Stored(storage_type(name, len(shape), kind), shape) for name, shape in expected_shapes(dims).items()}


def decode_plan(rows: int, sequences: int) -> DecodePlan:
    top_k = sequences + 1 if sequences > 1 else 0
    return DecodePlan(rows, sequences, RULES, max_tokens=224, max_prompt=224, top_k=top_k)


def planned(size: str, format_name: str, rows: int = 1, sequences: int = 1) -> MemoryPlan:
    dims = dimensions(size)
    return plan_memory(stored(dims, format_name), dims, [decode_plan(rows, sequences)], n_windows=rows)


@pytest.mark.parametrize("size", SIZES)
def test_quantized_weights_take_less_than_half(size: str) -> None:
    f16 = planned(size, "F16").weights
    for format_name, saved in (("Q4_0", 0.5), ("Q4_1", 0.5), ("Q5_0", 0.5), ("Q5_1", 0.5), ("Q8_0", 0.44)):
        assert planned(size, format_name).weights <= (1 - saved) * f16, format_name


@pytest.mark.parametrize("size", FORESEEN)
def test_the_figures_that_were_foreseen(size: str) -> None:
    foreseen, not_needed, encoder = FORESEEN[size]
    plans = [planned(size, "Q5_1"), planned(size, "Q5_1", 1, 5), planned(size, "Q5_1", 16, 1), planned(size, "F16")]
    for plan, figure in zip(plans, foreseen, strict=True):
        least = figure - not_needed - (3 * encoder if plan.n_windows == 16 else 0)
        assert least <= plan.n_bytes / 1e6 <= 1.002 * figure


def test_the_whole_of_a_quantized_model_takes_half_from_medium_up() -> None:
    """Below that, what does not depend on the weights' type weighs more."""
    saved = {"tiny": 0.39, "base": 0.43, "small": 0.49, "medium": 0.53, "large-v3": 0.55, "turbo": 0.57}
    for size, share in saved.items():
        assert planned(size, "Q5_1").n_bytes == pytest.approx((1 - share) * planned(size, "F16").n_bytes, rel=0.02)


def test_weights_of_a_real_file_are_planned_as_they_are_packed() -> None:
    with open_model(BASE) as model:
        arrays = weight_arrays(model.tensors)
        for name, tensor in model.tensors.items():
            (shape, dtype) = arrays[name]
            if dtype is np.uint8:
                assert shape == pack(tensor).shape, name
            else:
                assert (shape, dtype) == (tensor.shape, np.float32), name
                assert len(shape) == 1 or name.endswith("positional_embedding")
        assert n_bytes_of(arrays) == pytest.approx(model.n_bytes, rel=0.02)


@pytest.mark.parametrize(
    "plan",
    [
        decode_plan(1, 1),
        decode_plan(1, 5),
        decode_plan(7, 1),
        replace(decode_plan(3, 1), align=True),
        replace(decode_plan(1, 1), rules=replace(RULES, no_repeat_ngram_size=3), max_prompt=3),
    ],
)
def test_an_arena_is_filled_to_its_last_byte(plan: DecodePlan) -> None:
    dims = synthetic_dimensions(n_state=192, n_layer=1, n_vocab=51866, n_mels=128)
    cupy, _ = fake_cupy(None, total=1 << 28)
    device = CudaDevice(cupy, NoKernels())
    parts = [model_parts(stored(dims, "Q5_1"), dims), {"window": window_arrays(dims)}, decoder_parts(dims, plan)]
    arenas = [Arena(device, n_bytes_of_parts(arrays)) for arrays in parts]
    for arena, arrays in zip(arenas, parts, strict=True):
        for shapes in arrays.values():
            arena.take_all(shapes)
        assert arena.used == arena.n_bytes
    memory = plan_memory(stored(dims, "Q5_1"), dims, [plan], n_windows=1)
    assert memory.n_bytes == sum(map(n_bytes_of_parts, parts)) == device.memory().used


class NoKernels:
    def images(self, capability: tuple[int, int], compile: object) -> list[bytes]:
        return []


def test_as_many_windows_as_fit() -> None:
    dims = dimensions("medium")
    tensors = stored(dims, "Q5_1")
    assert fit(tensors, dims, 24 << 30)[0] == Limits(MAX_ROWS, MAX_SEQUENCES)
    before = (0, 0)
    for free in range(1700 << 20, 7 << 30, 300 << 20):
        limits, plan = fit(tensors, dims, free)
        assert plan.n_bytes + RESERVE <= free
        assert (limits.rows, limits.sequences if limits.rows == MAX_ROWS else 0) >= before
        before = (limits.rows, limits.sequences if limits.rows == MAX_ROWS else 0)
        assert plan.n_windows == max(limits.rows + 1, N_WAITING)
    assert before == (MAX_ROWS, MAX_SEQUENCES)
    assert N_WAITING == MOST_TO_TELL_LANGUAGE


def test_the_last_byte_decides() -> None:
    dims = dimensions("small")
    tensors = stored(dims, "Q8_0")
    _, plan = fit(tensors, dims, 64 << 30)
    most = plan.n_bytes + RESERVE
    assert fit(tensors, dims, most)[0] == Limits(MAX_ROWS, MAX_SEQUENCES)
    assert fit(tensors, dims, most - 1)[0] == Limits(MAX_ROWS, MAX_SEQUENCES - 1)


def test_too_little_is_said_with_both_figures() -> None:
    dims = dimensions("large-v3")
    with pytest.raises(
        DeviceMemoryError, match=r"The GPU has 2000 MB of free memory, 2\d\d\d MB are needed\."
    ) as caught:
        fit(stored(dims, "Q5_1"), dims, 2_000_000_000)
    needed = int(str(caught.value).split()[8]) * 10**6
    assert fit(stored(dims, "Q5_1"), dims, needed)[0] == Limits(1, 1)
    with pytest.raises(DeviceMemoryError):
        fit(stored(dims, "Q5_1"), dims, needed - 10**6)
