"""What is no matrix product, against NumPy: norms, the stem, attention and its caches. Part of the self-test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from gpu.alignment_heads import alignment_heads
from gpu.backends.cuda_attention import AttentionOps
from gpu.backends.cuda_attention_memory import CrossScratch, KeptQueries
from gpu.backends.cuda_check_bench import HEAD, Bench, attended, heads, looked_at
from gpu.backends.cuda_mel import CudaMel
from gpu.backends.reference_model import Conv1d, LayerNorm
from gpu.mel import log_mel
from gpu.model_file import ModelDimensions
from gpu.types import Check, Words

_ROWS, _N_STATE, _N_HEAD = 37, 512, 2
_N_CTX, _N_TEXT_CTX = 150, 40  # of the encoder's attention; of the caches
_N_AUDIO_CTX = 1500  # of a window: what cross-attention is split over
_EXACT = 1e-5
_FLOATS = 1e-4  # exponentials, and sums in another order
_HALVES = 3e-3  # weights of attention rounded to float16


def _norm(bench: Bench) -> Iterator[Check]:
    x, weight, bias = 3 + bench.normal(_ROWS, _N_STATE), bench.normal(_N_STATE), bench.normal(_N_STATE)
    ops, expected = AttentionOps(bench.device), LayerNorm(weight, bias)(x)
    single, halves = bench.out(_ROWS, _N_STATE), bench.out(_ROWS, _N_STATE, dtype=np.float16)
    for out in (single, halves):
        ops.layer_norm(bench.put(x), bench.put(weight), bench.put(bias), out)
    yield bench.close_to(Words("Layer normalization"), _EXACT, {"layer_norm_f32": (bench.get(single), expected)})
    rounded = {"layer_norm_f16": (bench.get(halves), expected)}
    yield bench.close_to(Words("Layer normalization, as halves"), 1e-3, rounded)


def _stem(bench: Bench) -> Iterator[Check]:
    """Convolutions as the products of their columns, and the positions."""
    ops, n_mels, n_frames, n_state = AttentionOps(bench.device), 80, 71, 192
    mel, states = bench.halves(1, n_mels, n_frames).astype(np.float32), bench.halves(1, n_frames, n_state)
    one = bench.out(n_frames, 256, dtype=np.float16)
    two = bench.out(-(-n_frames // 2), 3 * n_state, dtype=np.float16)
    ops.im2col_mel(bench.put(mel), one)
    ops.im2col_stride2(bench.put(states), two)
    results = {}
    for name, columns, x, stride in (("im2col_mel", one, mel[0].T, 1), ("im2col_stride2", two, states[0], 2)):
        weight = bench.normal(5, x.shape[1], 3)
        product = bench.get(columns)[:, : weight[0].size].astype(np.float32) @ weight.reshape(5, -1).T
        convolved = Conv1d(weight, np.zeros(5, np.float32), stride=stride)(x.astype(np.float32))
        results[name] = (product, convolved)
    x, positions = bench.normal(2, 33, 64), bench.normal(33, 64)
    on_device = bench.put(x)
    ops.add_positions(on_device, bench.put(positions))
    results["add_positions"] = (bench.get(on_device), x + positions)
    yield bench.close_to(Words("Columns of the convolutions, positions"), _EXACT, results)


def _spectrogram(bench: Bench) -> Iterator[Check]:
    audio = bench.normal(16_077) * np.float32(0.1)
    filters = np.abs(bench.normal(80, 201))
    out = bench.out(80, len(audio) // 160)
    CudaMel(bench.device, bench.arena, filters).log_mel(bench.put(audio), out)
    yield bench.close_to(Words("Spectrogram"), _FLOATS, {"log_mel": (bench.get(out), log_mel(audio, filters))})


def _encoder_attention(bench: Bench) -> Iterator[Check]:
    n_state = _N_HEAD * HEAD
    q, k, v = bench.halves(3, 2, _N_CTX, n_state)
    out = bench.out(2, _N_CTX, n_state, dtype=np.float16)
    AttentionOps(bench.device).encoder_attention(bench.put(q), bench.put(k), bench.put(v), out)
    expected = np.stack([attended(q[i], heads(k[i]), heads(v[i])) for i in range(2)])
    yield bench.close_to(Words("Attention of the encoder"), _HALVES, {"flash_attention": (bench.get(out), expected)})


def _prompt(bench: Bench) -> Iterator[Check]:
    """Its keys and values go to a row of the cache, behind those that are there; nothing looks ahead."""
    ops, n, first, n_state = AttentionOps(bench.device), 21, 9, _N_HEAD * HEAD
    cache = bench.halves(2, 3, _N_HEAD, _N_TEXT_CTX, HEAD)
    on_device, (q, k, v) = bench.put(cache), bench.halves(3, n, n_state)
    ops.store_prompt(bench.put(k), bench.put(v), on_device, 1, first)
    cache[:, 1, :, first : first + n] = heads(k), heads(v)
    stored = {"split_heads": (bench.get(on_device), cache)}
    yield bench.equal(Words("Keys and values of a prompt in the cache"), stored)

    keys, values = cache[:, 1, :, : first + n]
    out = bench.out(n, n_state, dtype=np.float16)
    ops.prompt_attention(bench.put(q), on_device, 1, first, out)
    results = {"itself": (bench.get(out), attended(q, keys, values, first))}
    window = bench.halves(2, 2, _N_HEAD, _N_CTX, HEAD)
    out = bench.out(n, n_state, dtype=np.float16)
    ops.prompt_cross_attention(bench.put(q), bench.put(window), 1, out)
    results["window"] = (bench.get(out), attended(q, *window[1]))
    yield bench.close_to(Words("Attention of a prompt to itself and its window"), _HALVES, results)


def _self_attention(bench: Bench) -> Iterator[Check]:
    """One position of each sequence, whose earlier ones lie in any row of the cache; one sequence is finished."""
    n, n_rows, n_text_ctx = 5, 7, 200
    cache = bench.halves(2, n_rows, _N_HEAD, n_text_ctx, HEAD)
    q = 2 * bench.normal(n, _N_HEAD * HEAD)
    positions, done = np.array([0, 7, 127, 128, 199]), np.array([0, 1, 0, 0, 0])
    table = bench.rng.integers(0, n_rows, (n_rows, n_text_ctx)).astype(np.int32)
    out = bench.put(np.zeros_like(q))
    states = bench.states(pos=positions, done=done)
    ops = AttentionOps(bench.device)
    ops.self_attention(bench.put(q), bench.put(cache), states, bench.put(table), out)
    expected = np.zeros_like(q)
    for i in np.flatnonzero(done == 0):
        at = np.arange(positions[i] + 1)
        k, v = cache[:, table[i, at], :, at].transpose(1, 2, 0, 3)
        expected[i] = attended(q[i : i + 1], k, v)[0]
    result = {"self_attention": (bench.get(out), expected)}
    yield bench.close_to(Words("Attention of a step to what was said"), _FLOATS, result)


def _cross_attention(bench: Bench, what: Words, group: int) -> Iterator[Check]:
    """One position of each sequence to its window, split over blocks; `group` sequences share a window."""
    dims, layer, n_windows, n_state = _dimensions(), 1, 2, _N_HEAD * HEAD
    n = n_windows * group
    windows = bench.halves(n_windows, dims.n_text_layer, 2, _N_HEAD, _N_AUDIO_CTX, HEAD)
    on_device = bench.put(windows)
    addresses = bench.put(np.array([bench.device.address(on_device[i]) for i in (0, 1)], np.uint64))
    q, slots, done = 2 * bench.normal(n, n_state), 1 - np.arange(n) // group, np.arange(n) == 1
    positions = np.arange(n) % _N_TEXT_CTX
    kept = KeptQueries(bench.device, bench.arena, dims, n) if group == 1 else None
    if kept is not None:
        bench.device.upload(kept.queries, np.zeros(kept.queries.shape, np.float32))
    scratch = CrossScratch(bench.device, bench.arena, dims, n_windows, group, kept)
    out, states = bench.put(np.zeros_like(q)), bench.states(slot=slots, done=done, pos=positions)
    ops = AttentionOps(bench.device)
    ops.cross_attention(bench.put(q), addresses, layer, states, out, scratch)
    expected = np.stack([attended(q[i : i + 1], *windows[slots[i], layer])[0] for i in range(n)])
    expected[done] = 0
    results = {f"cross_attention_{1 if group == 1 else 8}": (bench.get(out), expected)}
    if kept is not None:
        queries = np.zeros(kept.queries.shape, np.float32)
        for index, (of_layer, head) in enumerate(alignment_heads(dims)):
            for i in np.flatnonzero(~done) if of_layer == layer else ():
                queries[i, index, positions[i]] = heads(q)[head, i]
        results["kept_queries"] = (bench.get(kept.queries), queries)
    yield bench.close_to(what, _FLOATS, results)


def _word_times(bench: Bench) -> Iterator[Check]:
    """Where the alignment heads looked, from the queries that were kept of a prompt."""
    dims, first, n = _dimensions(), 3, 9
    ops, kept = AttentionOps(bench.device), KeptQueries(bench.device, bench.arena, dims, 2)
    q = bench.halves(dims.n_text_layer, first + n, _N_HEAD * HEAD)
    for layer, queries in enumerate(q):
        ops.keep_queries(bench.put(queries), kept, layer, 1, 0)
    window = bench.halves(dims.n_text_layer, 2, _N_HEAD, _N_AUDIO_CTX, HEAD)
    aligned = alignment_heads(dims)
    out = bench.out(len(aligned), n, _N_AUDIO_CTX)
    ops.cross_weights(kept, 1, bench.put(window), first, out)
    keys = window[:, 0].astype(np.float32)
    expected = np.stack([looked_at(heads(q[layer])[head, first:], keys[layer, head]) for layer, head in aligned])
    yield bench.close_to(Words("Attention for the times of words"), _FLOATS, {"weights": (bench.get(out), expected)})


def _dimensions() -> ModelDimensions:
    """Of a decoder with windows as long as they are."""
    n_state = _N_HEAD * HEAD
    return ModelDimensions(
        n_mels=80, n_audio_ctx=_N_AUDIO_CTX, n_audio_state=n_state, n_audio_head=_N_HEAD, n_audio_layer=2,
        n_vocab=51865, n_text_ctx=_N_TEXT_CTX, n_text_state=n_state, n_text_head=_N_HEAD, n_text_layer=2,
    )  # fmt: skip


layer_checks = (
    _norm,
    _stem,
    _spectrogram,
    _encoder_attention,
    _prompt,
    _self_attention,
    partial(_cross_attention, what=Words("Attention of a step to its window"), group=1),
    partial(_cross_attention, what=Words("Attention of five beams to their window"), group=5),
    _word_times,
)
