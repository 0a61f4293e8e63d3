"""Attention of one new position a sequence: through tables of rows, split over blocks, shared by beams, replayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gpu.alignment_heads import alignment_heads
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_attention_memory import CrossScratch, KeptQueries
from gpu.backends.cuda_device import CudaDevice
from gpu.model_file import ModelDimensions
from tests.support.cuda.attention_reference import heads, joined, weights
from tests.support.cuda.emulator import EMULATOR, Order
from tests.support.cuda.workbench import Workbench, relative_error
from tests.support.synthetic_model import synthetic_dimensions

f16, f32 = np.float16, np.float32
CLOSE = 1e-6  # relative L2: single precision, in another order


def one_position(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(n_state,) over (n_head, n, 64) -> (n_state,)"""
    query = heads(q[np.newaxis])
    return joined(weights(query, k.astype(f32)) @ v.astype(f32))[0]


class SelfAttention:
    """Sequences at ragged positions, one of them finished, whose rows are scattered over the cache."""

    n_head, n_text_ctx = 2, 200
    positions = np.array([0, 7, 127, 128, 199, 3])
    done = np.array([0, 1, 0, 0, 0, 0])

    def __init__(self, cuda: CudaDevice, n_rows: int = 7) -> None:
        rng = np.random.default_rng(n_rows)
        self.bench, self.ops = Workbench(cuda), AttentionOps(cuda)
        n = len(self.positions)
        self.cache = rng.standard_normal((2, n_rows, self.n_head, self.n_text_ctx, 64)).astype(f16)
        self.q = (2 * rng.standard_normal((n, self.n_head * 64))).astype(f32)
        self.table = rng.integers(0, n_rows, (n_rows, self.n_text_ctx)).astype(np.int32)

    def run(self, cache: np.ndarray, table: np.ndarray) -> np.ndarray:
        bench = self.bench
        out = bench.empty(self.q.shape)
        states = bench.states(pos=self.positions, done=self.done)
        self.ops.self_attention(bench.put(self.q), bench.put(cache), states, bench.put(table), out)
        return bench.get(out)


def test_self_attention_through_the_table(cuda: CudaDevice) -> None:
    case = SelfAttention(cuda)
    got = case.run(case.cache, case.table)
    assert np.isnan(got[case.done == 1]).all()
    for i in np.flatnonzero(case.done == 0):
        seen = np.arange(case.positions[i] + 1)
        k, v = case.cache[:, case.table[i, seen], :, seen].transpose(1, 2, 0, 3)
        assert relative_error(got[i], one_position(case.q[i], k, v)) < CLOSE


def test_a_table_is_as_good_as_a_copy(cuda: CudaDevice) -> None:
    case = SelfAttention(cuda)
    copied = np.full_like(case.cache, np.nan)  # nothing beyond a sequence's position is read
    for i, pos in enumerate(case.positions):
        seen = np.arange(pos + 1)
        copied[:, i, :, seen] = case.cache[:, case.table[i, seen], :, seen]
    own = np.repeat(np.arange(len(case.table), dtype=np.int32)[:, np.newaxis], case.n_text_ctx, axis=1)
    through_table, through_copy = case.run(case.cache, case.table), case.run(copied, own)
    assert np.array_equal(through_table, through_copy, equal_nan=True)


@dataclass
class Shape:
    """Windows of `group` sequences each; the last may have fewer."""

    n_ctx: int
    n_windows: int
    group: int
    n: int


SHAPES = [
    Shape(1, 1, 1, 1), Shape(128, 2, 1, 2), Shape(300, 3, 1, 3), Shape(129, 1, 5, 5), Shape(260, 2, 2, 4),
    Shape(140, 2, 8, 11), Shape(90, 2, 10, 20), Shape(1700, 1, 1, 1),
]  # fmt: skip


class CrossAttention:
    """Windows in slots of any order; of the sequences the second one is finished, and all of the last window's."""

    layer = 1

    def __init__(self, cuda: CudaDevice, shape: Shape, align: bool = False) -> None:
        rng = np.random.default_rng(shape.n_ctx)
        self.dims = dims_of(shape.n_ctx)
        n_head, n = self.dims.n_text_head, shape.n
        self.bench, self.ops, self.shape = Workbench(cuda), AttentionOps(cuda), shape
        self.cross = rng.standard_normal((shape.n_windows, 2, 2, n_head, shape.n_ctx, 64)).astype(f16)
        on_device = [self.bench.put(window) for window in self.cross]
        addresses = np.array([cuda.address(window) for window in on_device], np.uint64)
        self.windows = self.bench.put(np.append(addresses, np.uint64(0)))
        self.q_host = (2 * rng.standard_normal((n, n_head * 64))).astype(f32)
        self.window_of = rng.permutation(shape.n_windows)[np.arange(n) // shape.group]
        self.done = np.zeros(n, int)
        self.done[1:2] = n > 1
        if shape.n_windows > 2:
            self.done[(shape.n_windows - 1) * shape.group :] = 1
        self.positions = np.arange(n) % self.dims.n_text_ctx
        kept = KeptQueries(cuda, self.bench.arena, self.dims, n) if align else None
        self.scratch = CrossScratch(cuda, self.bench.arena, self.dims, shape.n_windows, shape.group, kept)
        self.q, self.out = self.bench.put(self.q_host), self.bench.empty(self.q_host.shape)
        self.states = self.bench.states(slot=self.window_of, done=self.done, pos=self.positions)

    def launch(self) -> None:
        self.ops.cross_attention(self.q, self.windows, self.layer, self.states, self.out, self.scratch)

    def run(self) -> np.ndarray:
        self.launch()
        return self.bench.get(self.out)


def dims_of(n_ctx: int) -> ModelDimensions:
    return synthetic_dimensions(128, 2, n_audio_ctx=n_ctx, n_text_ctx=24)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_attention(cuda: CudaDevice, shape: Shape) -> None:
    case = CrossAttention(cuda, shape)
    got = case.run()
    assert np.isnan(got[case.done == 1]).all()
    for i in np.flatnonzero(case.done == 0):
        k, v = case.cross[case.window_of[i], case.layer]
        assert relative_error(got[i], one_position(case.q_host[i], k, v)) < CLOSE
    assert not case.bench.get(case.scratch.counters).any()


@pytest.mark.parametrize("shape", [SHAPES[2], SHAPES[5]], ids=str)
def test_replays_give_the_same_bits_in_any_order_of_blocks(
    cuda: CudaDevice, shape: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CrossAttention(cuda, shape)
    first = case.run()
    with cuda.capture() as graph:
        case.launch()
    assert graph.n_nodes == 1
    for order in (Order.REVERSE, Order.RANDOM, Order.FORWARD):
        monkeypatch.setattr(EMULATOR, "order", order)
        cuda.fill_bytes(case.out, 0xFF)
        graph.launch()
        assert np.array_equal(case.bench.get(case.out), first, equal_nan=True)


def test_a_beam_gets_what_a_lone_sequence_gets(cuda: CudaDevice) -> None:
    beams = CrossAttention(cuda, Shape(300, 1, 6, 6))
    together = beams.run()
    for i in (0, 5):
        alone = CrossAttention(cuda, Shape(300, 1, 1, 1))
        cuda.upload(alone.q, beams.q_host[i : i + 1])
        assert np.array_equal(alone.run()[0], together[i])


def test_the_alignment_heads_queries_are_kept_and_their_weights_made(cuda: CudaDevice) -> None:
    case = CrossAttention(cuda, Shape(75, 2, 1, 2), align=True)
    case.done[:] = 0
    case.states = case.bench.states(slot=case.window_of, done=case.done, pos=[3, 9])
    case.launch()
    kept = case.scratch.kept
    queries = case.bench.get(kept.queries)
    indices = [(i, head) for i, (layer, head) in enumerate(alignment_heads(case.dims)) if layer == case.layer]
    assert indices
    for i, head in indices:
        for sequence, pos in enumerate([3, 9]):
            assert np.array_equal(queries[sequence, i, pos], heads(case.q_host)[head, sequence])
    n_written = 2 * len(indices) * 64
    assert np.isfinite(queries).sum() == n_written


@pytest.mark.parametrize(("first", "n", "n_ctx"), [(0, 1, 1), (3, 6, 75), (2, 9, 130)])
def test_word_times_weights(cuda: CudaDevice, first: int, n: int, n_ctx: int) -> None:
    rng = np.random.default_rng(n)
    bench, ops, dims = Workbench(cuda), AttentionOps(cuda), dims_of(n_ctx)
    kept = KeptQueries(cuda, bench.arena, dims, 2)
    q = rng.standard_normal((2, first + n, dims.n_text_state)).astype(f16)
    for layer in range(2):
        ops.keep_queries(bench.put(q[layer, : first + 1]), kept, layer, 1, 0)
        if n > 1:
            ops.keep_queries(bench.put(q[layer, first + 1 :]), kept, layer, 1, first + 1)
    cross = rng.standard_normal((2, 2, dims.n_text_head, n_ctx, 64)).astype(f16)
    out = bench.empty((len(alignment_heads(dims)), n, n_ctx))
    ops.cross_weights(kept, 1, bench.put(cross), first, out)
    for got, (layer, head) in zip(bench.get(out), alignment_heads(dims), strict=True):
        expected = weights(heads(q[layer])[head, first:], cross[layer, 0, head].astype(f32))
        assert relative_error(got, expected) < CLOSE
