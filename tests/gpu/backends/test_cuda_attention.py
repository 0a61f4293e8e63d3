"""Launches of attention: what fits together is launched, the rest refused; one kind of attention is as another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gpu.backends.cuda_arena import Arena, aligned
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_attention_memory import Arrays, CrossScratch, KeptQueries
from gpu.backends.cuda_device import CudaDevice
from gpu.backends.cuda_mel import CudaMel
from gpu.model_file.mel_filters import mel_filters
from tests.support.cuda.workbench import Workbench, relative_error
from tests.support.synthetic_model import synthetic_dimensions

f16, f32 = np.float16, np.float32
DIMS = synthetic_dimensions(128, 2, n_audio_ctx=140, n_text_ctx=24)
N_HEAD, N_STATE = DIMS.n_text_head, DIMS.n_text_state
HALF = 1e-3  # relative L2 of what was rounded to halves on the way


class Decoding:
    """A prompt in row 1 of the caches, and a position after it in row 0."""

    n_prompt = 9

    def __init__(self, cuda: CudaDevice) -> None:
        rng = np.random.default_rng(0)
        self.bench, self.ops = Workbench(cuda), AttentionOps(cuda)
        self.q, self.k, self.v = rng.standard_normal((3, self.n_prompt + 1, N_STATE)).astype(f16)
        self.cache = self.bench.empty((2, 2, N_HEAD, DIMS.n_text_ctx, 64), f16)
        self.cross = self.bench.put(
            rng.standard_normal((DIMS.n_text_layer, 2, N_HEAD, DIMS.n_audio_ctx, 64)).astype(f16)
        )

    def store(self, row: int, first: int, n: int) -> None:
        k, v = (self.bench.put(x[first : first + n]) for x in (self.k, self.v))
        self.ops.store_prompt(k, v, self.cache, row, first)

    def of_prompt(self, attend: Callable[..., None], *arguments: object) -> np.ndarray:
        out = self.bench.empty(self.q.shape, f16)
        attend(self.bench.put(self.q), *arguments, out)
        return self.bench.get(out)[-1]


def test_a_step_sees_what_the_prompts_last_position_sees(cuda: CudaDevice) -> None:
    case, n = Decoding(cuda), Decoding.n_prompt
    case.store(row=1, first=0, n=n + 1)
    prompt = case.of_prompt(case.ops.prompt_attention, case.cache, 1, 0)
    case.store(row=0, first=n, n=1)
    table = np.zeros((2, DIMS.n_text_ctx), np.int32)
    table[0, :n] = 1
    out = case.bench.empty((1, N_STATE))
    states, q = case.bench.states(pos=[n]), case.bench.put(case.q[-1:].astype(f32))
    case.ops.self_attention(q, case.cache, states, case.bench.put(table), out)
    assert relative_error(case.bench.get(out)[0], prompt) < HALF


def test_cross_attention_of_a_step_and_of_a_prompt(cuda: CudaDevice) -> None:
    case, layer = Decoding(cuda), 1
    prompt = case.of_prompt(case.ops.prompt_cross_attention, case.cross, layer)
    windows = case.bench.put(np.array([cuda.address(case.cross)], np.uint64))
    scratch, states = CrossScratch(cuda, case.bench.arena, DIMS, 1, 1), case.bench.states(slot=[0])
    out, q = case.bench.empty((1, N_STATE)), case.bench.put(case.q[-1:].astype(f32))
    case.ops.cross_attention(q, windows, layer, states, out, scratch)
    assert relative_error(case.bench.get(out)[0], prompt) < HALF


def test_all_of_it_can_be_captured(cuda: CudaDevice) -> None:
    """Each call is one node, and does when replayed what it did when it was launched."""
    case = Decoding(cuda)
    bench, ops = case.bench, case.ops
    gamma, x, table = (
        bench.put(np.ones(N_STATE, f32)),
        bench.empty((1, N_STATE)),
        bench.put(np.zeros((2, 24), np.int32)),
    )
    windows = bench.put(np.array([cuda.address(case.cross)], np.uint64))
    kept = KeptQueries(cuda, bench.arena, DIMS, 1)
    scratch, states = CrossScratch(cuda, bench.arena, DIMS, 1, 1, kept), bench.states(pos=[3], slot=[0])
    case.store(row=0, first=0, n=9)

    def layer() -> None:
        ops.layer_norm(x, gamma, gamma, x)
        ops.self_attention(x, case.cache, states, table, x)
        ops.cross_attention(x, windows, 1, states, x, scratch)

    start = case.q[:1].astype(f32)
    cuda.upload(x, start)
    layer()
    launched = bench.get(x)
    cuda.upload(x, start)
    with cuda.capture() as graph:
        layer()
    graph.launch()
    assert graph.n_nodes == 3
    assert np.array_equal(bench.get(x), launched)


@pytest.mark.parametrize(
    ("make", "arrays"),
    [
        (lambda cuda, arena: CrossScratch(cuda, arena, DIMS, 3, 5), CrossScratch.arrays(DIMS, 3, 5)),
        (lambda cuda, arena: KeptQueries(cuda, arena, DIMS, 4), KeptQueries.arrays(DIMS, 4)),
        (lambda cuda, arena: CudaMel(cuda, arena, mel_filters(80)), CudaMel.arrays(80)),
    ],
    ids=["CrossScratch", "KeptQueries", "CudaMel"],
)
def test_memory_is_what_was_told(cuda: CudaDevice, make: Callable[[CudaDevice, Arena], object], arrays: Arrays) -> None:
    n_bytes = sum(aligned(int(np.prod(shape)) * np.dtype(dtype).itemsize) for shape, dtype in arrays)
    arena = Arena(cuda, n_bytes)
    make(cuda, arena)
    assert arena.used == n_bytes


def test_arrays_that_do_not_fit_are_refused(cuda: CudaDevice) -> None:
    case = Decoding(cuda)
    bench, ops, cache = case.bench, case.ops, case.cache

    def refuses(attend: Callable[..., None], *arguments: object) -> None:
        with pytest.raises(ValueError, match=r"expected contiguous|positions from"):
            attend(*arguments)

    single, halves = bench.empty((4, N_STATE)), bench.empty((4, N_STATE), f16)
    three = bench.empty((3, N_STATE), f16)
    vector, states, table = bench.empty((N_STATE,)), bench.states(pos=[0] * 4), bench.empty((2, 24), np.int32)
    windows, scratch = bench.empty((1,), np.uint64), CrossScratch(cuda, bench.arena, DIMS, 4, 1)
    refuses(ops.layer_norm, halves, vector, vector, halves)
    refuses(ops.layer_norm, single, vector[:-1], vector, halves)
    refuses(ops.layer_norm, single, vector, vector, three)
    refuses(ops.im2col_mel, bench.empty((1, 80, 10)), bench.empty((10, 239), f16))
    refuses(ops.im2col_mel, bench.empty((2, 80, 10)), bench.empty((10, 256), f16))
    refuses(ops.im2col_stride2, bench.empty((1, 10, 64), f16), bench.empty((10, 192), f16))
    refuses(ops.add_positions, bench.empty((2, 10, 64)), bench.empty((9, 64)))
    windows_of_5 = bench.empty((1, 5, N_STATE), f16)
    refuses(ops.encoder_attention, windows_of_5, windows_of_5, bench.empty((1, 6, N_STATE), f16), windows_of_5)
    refuses(ops.prompt_attention, halves, cache, 0, 21, halves)
    refuses(ops.prompt_attention, single, cache, 0, 0, halves)
    refuses(ops.prompt_attention, halves, cache[:, :, :1], 0, 0, halves)
    refuses(ops.prompt_cross_attention, halves, case.cross, 1, three)
    refuses(ops.store_prompt, halves, halves, cache, 0, 21)
    refuses(ops.store_prompt, halves, three, cache, 0, 0)
    refuses(ops.store_cross, single, single, case.cross, 0)
    refuses(ops.self_attention, single, cache, states, table[:1], single)
    refuses(ops.self_attention, halves, cache, states, table, single)
    refuses(ops.cross_attention, bench.empty((5, N_STATE)), windows, 0, states, single, scratch)
    refuses(ops.cross_attention, single, table, 0, states, single, scratch)
    kept = KeptQueries(cuda, bench.arena, DIMS, 1)
    refuses(ops.keep_queries, halves, kept, 0, 0, 21)
    refuses(ops.cross_weights, kept, 0, case.cross, 21, bench.empty((kept.queries.shape[1], 4, 140)))
    refuses(ops.cross_weights, kept, 0, case.cross, 0, bench.empty((1, 4, 140)))
