"""Everything of the network on the GPU that is no matrix product: norms, the stem's rows, attention and its caches.

Each method launches one kernel of gpu/kernels (norm.cu, conv.cu, attention.cu, decode_attention.cu, kv_layout.cu,
word_times.cu). A head has 64 dimensions. Arrays must have exactly the shapes and types told, or ValueError is raised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gpu.backends.cuda_attention_memory import HEAD, KEYS_OF_SPLIT, PART, SEQUENCES_OF_SHARE, CrossScratch, KeptQueries
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.reference_model import LAYER_NORM_EPS

# As in the kernels.
_NORM_THREADS = 128
_CONV_THREADS = 256
_TILE_FRAMES = 32
_TILE = 64
_ATTENTION_THREADS = 128
_DECODE_THREADS = 256
_LAYOUT_THREADS = 256
_WEIGHTS_THREADS = 128
_QUERIES_AT_ONCE = 4

_MOST_STATE = 2048  # of layer_norm
_N_NORMED = {np.dtype(np.float16): "layer_norm_f16", np.dtype(np.float32): "layer_norm_f32"}


class AttentionOps:
    """Launches on the device's current stream; nothing is allocated or waited for, so all of it may be captured."""

    def __init__(self, device: CudaDevice) -> None:
        self._device = device

    def layer_norm(self, x: DeviceArray, gamma: DeviceArray, beta: DeviceArray, out: DeviceArray) -> None:
        """Normalize rows. x: (n, n_state) f32; gamma, beta: (n_state,) f32; out: as x, f16 or f32."""
        n, n_state = x.shape
        _expect(x, np.float32)
        _expect(gamma, np.float32, n_state)
        _expect(beta, np.float32, n_state)
        _expect(out, out.dtype, n, n_state)
        if n_state % 4 or n_state > _MOST_STATE:
            raise ValueError(f"rows of {n_state}, a multiple of 4 up to {_MOST_STATE} is needed")
        eps = np.float32(LAYER_NORM_EPS)
        name = _N_NORMED[out.dtype]
        self._device.launch(name, (n,), (_NORM_THREADS,), x, gamma, beta, out, np.int32(n_state), eps)

    def im2col_mel(self, mel: DeviceArray, out: DeviceArray) -> None:
        """What each frame of conv1 sees.

        Args:
            mel: (n_windows, n_mels, n_frames) f32.
            out: (n_windows * n_frames, n_columns) f16; column 3 * i + tap is channel i's, as in the flattened weight
                (n_out, n_mels, 3); zeros after them.
        """
        n_windows, n_mels, n_frames = mel.shape
        n_columns = out.shape[1]
        _expect(mel, np.float32)
        _expect(out, np.float16, n_windows * n_frames, max(n_columns, 3 * n_mels))
        self._device.launch(
            "im2col_mel", (_ceil_div(n_frames, _TILE_FRAMES), n_windows), (_CONV_THREADS,),
            mel, out, np.int32(n_mels), np.int32(n_frames), np.int32(n_columns), shared=n_mels * (_TILE_FRAMES + 3) * 4,
        )  # fmt: skip

    def im2col_stride2(self, x: DeviceArray, out: DeviceArray) -> None:
        """What each frame of conv2 sees. x: (n_windows, n_frames, n_state) f16; out: (n_windows * ceil(n_frames / 2),
        3 * n_state) f16, columns as in `im2col_mel`."""
        n_windows, n_frames, n_state = x.shape
        n_out = _ceil_div(n_frames, 2)
        _expect(x, np.float16)
        _expect(out, np.float16, n_windows * n_out, 3 * n_state)
        self._device.launch(
            "im2col_stride2", (n_out, n_windows), (_CONV_THREADS,), x, out, np.int32(n_frames), np.int32(n_state)
        )

    def add_positions(self, x: DeviceArray, positions: DeviceArray) -> None:
        """Add the encoder's positional embedding, (n_ctx, n_state) f32, to x, (n_windows, n_ctx, n_state) f32."""
        _expect(x, np.float32, *x.shape[:1], *positions.shape)
        _expect(positions, np.float32)
        grid = (_ceil_div(positions.size, 4 * _CONV_THREADS), x.shape[0])
        self._device.launch("add_positions", grid, (_CONV_THREADS,), x, positions, np.int32(positions.size))

    def encoder_attention(self, q: DeviceArray, k: DeviceArray, v: DeviceArray, out: DeviceArray) -> None:
        """Every position attends to its window's. q, k, v, out: (n_windows, n_ctx, n_state) f16."""
        n_windows, n_ctx, n_state = out.shape
        for array in (q, k, v, out):
            _expect(array, np.float16, n_windows, n_ctx, n_state)
        self._flash(q, k, v, out, (n_ctx, n_state, n_state, HEAD, n_ctx - 1))

    def prompt_attention(self, q: DeviceArray, cache: DeviceArray, row: int, first: int, out: DeviceArray) -> None:
        """New positions of one sequence attend to the cached ones and, causally, to each other.

        Args:
            q, out: (n, n_state) f16.
            cache: of one layer, (2, n_rows, n_head, n_text_ctx, 64) f16, with the new keys and values in it.
            row: the cache's; first: the new positions' first.
        """
        n, n_state = q.shape
        _expect(q, np.float16)
        _expect(out, np.float16, n, n_state)
        _expect(cache, np.float16, 2, cache.shape[1], n_state // HEAD, cache.shape[3], HEAD)
        if not 0 <= first <= cache.shape[3] - n:
            raise ValueError(f"{n} positions from {first} on, of {cache.shape[3]}")
        self._flash(
            q, cache[0, row], cache[1, row], out.reshape(1, n, n_state),
            (first + n, n_state, HEAD, cache.shape[3] * HEAD, first),
        )  # fmt: skip

    def prompt_cross_attention(self, q: DeviceArray, cross: DeviceArray, layer: int, out: DeviceArray) -> None:
        """Positions of one sequence attend to its window. q, out: (n, n_state) f16; cross: (n_layer, 2, n_head,
        n_audio_ctx, 64) f16."""
        n, n_state = q.shape
        n_ctx = cross.shape[3]
        _expect(q, np.float16)
        _expect(out, np.float16, n, n_state)
        _expect(cross, np.float16, cross.shape[0], 2, n_state // HEAD, n_ctx, HEAD)
        self._flash(
            q, cross[layer, 0], cross[layer, 1], out.reshape(1, n, n_state),
            (n_ctx, n_state, HEAD, n_ctx * HEAD, n_ctx - 1),
        )  # fmt: skip

    def _flash(
        self, q: DeviceArray, k: DeviceArray, v: DeviceArray, out: DeviceArray, sizes: tuple[int, int, int, int, int]
    ) -> None:
        """`sizes`: n_k, q_row, kv_row, kv_head and first of flash_attention."""
        batch, n_q, n_state = out.shape
        grid = (_ceil_div(n_q, _TILE), n_state // HEAD, batch)
        scalars = map(np.int32, (n_q, *sizes))
        self._device.launch("flash_attention", grid, (_ATTENTION_THREADS,), q, k, v, out, *scalars)

    def store_cross(self, k: DeviceArray, v: DeviceArray, cross: DeviceArray, layer: int) -> None:
        """A layer's keys and values of a window. k, v: (n_audio_ctx, n_state) f16; cross: (n_layer, 2, n_head,
        n_audio_ctx, 64) f16."""
        self._split_heads(k, v, cross[layer, 0], cross[layer, 1], 0)

    def store_prompt(self, k: DeviceArray, v: DeviceArray, cache: DeviceArray, row: int, first: int) -> None:
        """Keys and values of new positions. k, v: (n, n_state) f16; cache: of one layer, as in `prompt_attention`."""
        self._split_heads(k, v, cache[0, row], cache[1, row], first)

    def _split_heads(self, k: DeviceArray, v: DeviceArray, k_out: DeviceArray, v_out: DeviceArray, first: int) -> None:
        n, n_state = k.shape
        n_head, n_ctx, _ = k_out.shape
        _expect(k, np.float16, n, n_head * HEAD)
        _expect(v, np.float16, n, n_head * HEAD)
        _expect(k_out, np.float16, n_head, n_ctx, HEAD)
        if not 0 <= first <= n_ctx - n:
            raise ValueError(f"{n} positions from {first} on, of {n_ctx}")
        grid = (_ceil_div(n * n_state // 8, _LAYOUT_THREADS), 2)
        scalars = map(np.int32, (n, n_head, n_state, n_ctx, first))
        self._device.launch("split_heads", grid, (_LAYOUT_THREADS,), k, v, k_out, v_out, *scalars)

    def self_attention(
        self, q: DeviceArray, cache: DeviceArray, states: DeviceArray, table: DeviceArray, out: DeviceArray
    ) -> None:
        """The new position of each unfinished sequence attends to the cached ones and to itself.

        Args:
            q, out: (n, n_state) f32.
            cache: of one layer, (2, n_rows, n_head, n_text_ctx, 64) f16, with the new keys and values in it.
            states: `SequenceState` of each sequence; the new position is its `pos`.
            table: (n_rows, n_text_ctx) int32: the row of the cache that holds each position, the new one too.
        """
        n, n_state = q.shape
        _, n_rows, n_head, n_text_ctx, _ = cache.shape
        _expect(q, np.float32)
        _expect(out, np.float32, n, n_state)
        _expect(cache, np.float16, 2, n_rows, n_state // HEAD, n_text_ctx, HEAD)
        _expect(table, np.int32, n_rows, n_text_ctx)
        scalars = np.int32(n_rows), np.int32(n_text_ctx)
        self._device.launch("self_attention", (n_head, n), (_DECODE_THREADS,), q, cache, states, table, out, *scalars)

    def cross_attention(
        self, q: DeviceArray, windows: DeviceArray, layer: int, states: DeviceArray, out: DeviceArray,
        scratch: CrossScratch,
    ) -> None:  # fmt: skip
        """The new position of each unfinished sequence attends to its window; with `scratch.kept`, the alignment heads'
        queries are kept.

        Args:
            q, out: (n, n_state) f32.
            windows: (n_slots,) uint64, addresses of the windows' (n_layer, 2, n_head, n_audio_ctx, 64) f16.
            states: `SequenceState` of each sequence, whose `slot` tells its window; a group's are the same.
        """
        n, n_state = q.shape
        n_head = n_state // HEAD
        _expect(q, np.float32)
        _expect(out, np.float32, n, n_state)
        _expect(windows, np.uint64, windows.size)
        n_ctx, group, kept = scratch.n_audio_ctx, scratch.group, scratch.kept
        splits, shares = _ceil_div(n_ctx, KEYS_OF_SPLIT), _ceil_div(group, SEQUENCES_OF_SHARE)
        _expect(scratch.parts, np.float32, max(n, scratch.parts.shape[0]), n_head, splits, PART)
        name = "cross_attention_1" if group == 1 else f"cross_attention_{SEQUENCES_OF_SHARE}"
        index, queries = (kept.index, kept.queries) if kept else (None, None)
        n_kept, n_text_ctx = kept.queries.shape[1:3] if kept else (0, 0)
        self._device.launch(
            name, (splits, n_head, _ceil_div(n, group) * shares), (_DECODE_THREADS,),
            q, windows, states, out, scratch.parts, scratch.counters, index, queries,
            *map(np.int32, (layer, n_ctx, n, group, n_kept, n_text_ctx)),
            n_bytes=q.nbytes + out.nbytes + _ceil_div(n, group) * shares * 4 * n_ctx * n_state,  # read by address
        )  # fmt: skip

    def keep_queries(self, q: DeviceArray, kept: KeptQueries, layer: int, sequence: int, first: int) -> None:
        """Keep a prompt's queries for `cross_weights`. q: (n, n_state) f16, of positions from `first` on."""
        n, n_state = q.shape
        _, _, n_text_ctx, _ = kept.queries.shape
        _expect(q, np.float16)
        if not 0 <= first <= n_text_ctx - n:
            raise ValueError(f"{n} positions from {first} on, of {n_text_ctx}")
        self._device.launch(
            "keep_queries", (n_state // HEAD, n), (HEAD,),
            q, kept.index[layer], kept.queries[sequence], np.int32(n_text_ctx), np.int32(first),
        )  # fmt: skip

    def cross_weights(self, kept: KeptQueries, sequence: int, cross: DeviceArray, first: int, out: DeviceArray) -> None:
        """Where the alignment heads looked: softmax over the window.

        Args:
            cross: the window's, (n_layer, 2, n_head, n_audio_ctx, 64) f16.
            first: the first position wanted.
            out: (n_kept, n, n_audio_ctx) f32, of positions first .. first + n - 1, whose queries were kept.
        """
        n_kept, n, n_ctx = out.shape
        n_text_ctx = kept.queries.shape[2]
        _expect(out, np.float32, kept.queries.shape[1], n, n_ctx)
        _expect(cross, np.float16, *cross.shape[:3], n_ctx, HEAD)
        if not 0 <= first <= n_text_ctx - n:
            raise ValueError(f"{n} positions from {first} on, of {n_text_ctx}")
        self._device.launch(
            "cross_weights", (_ceil_div(n, _QUERIES_AT_ONCE), n_kept), (_WEIGHTS_THREADS,),
            kept.queries[sequence], cross, kept.heads, out,
            *map(np.int32, (first, n, n_text_ctx, cross.shape[2], n_ctx)), shared=_QUERIES_AT_ONCE * n_ctx * 4,
        )  # fmt: skip


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _expect(array: Any, dtype: DTypeLike, *shape: int) -> None:
    """A kernel would read or write beyond an array that is not what it is taken for."""
    if array.dtype != dtype or (shape and array.shape != shape) or not array.flags.c_contiguous:
        raise ValueError(f"{array.dtype} {array.shape}, expected contiguous {np.dtype(dtype)} {shape or ''}")
