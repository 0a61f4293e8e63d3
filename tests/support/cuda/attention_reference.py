"""Attention in NumPy, and caches spread over rows: what the kernels of attention are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpu.backends.reference_model import softmax

HEAD = 64
Array = NDArray[np.floating]


def heads(x: Array) -> Array:
    """(..., n, n_head * 64) -> (..., n_head, n, 64) float32"""
    *batch, n, n_state = x.shape
    return x.astype(np.float32).reshape(*batch, n, n_state // HEAD, HEAD).swapaxes(-2, -3)


def joined(x: Array) -> Array:
    """(..., n_head, n, 64) -> (..., n, n_head * 64)"""
    *batch, n_head, n, head = x.shape
    return x.swapaxes(-2, -3).reshape(*batch, n, n_head * head)


def weights(q: Array, k: Array, first: int | None = None) -> Array:
    """(..., n, 64) and (..., n_k, 64) -> (..., n, n_k); causal where query 0 is at position `first`."""
    scores = q @ k.swapaxes(-1, -2) / np.float32(8)
    if first is not None:
        scores[..., np.arange(k.shape[-2]) > first + np.arange(q.shape[-2])[:, np.newaxis]] = -np.inf
    return softmax(scores)


def rounded_as_tiles(q: Array, k: Array, v: Array, tile: int, first: int | None = None) -> Array:
    """Attention whose weights are halves, relative to the highest score of the tiles of keys so far."""
    scores = q @ k.swapaxes(-1, -2)
    if first is not None:
        scores[..., np.arange(k.shape[-2]) > first + np.arange(q.shape[-2])[:, np.newaxis]] = -np.inf
    scale = np.float32(0.18033688011112042)  # log2(e) / 8
    highest = np.full((*scores.shape[:-1], 1), -np.inf, np.float32)
    total, attended = np.zeros_like(highest), np.zeros((*scores.shape[:-1], HEAD), np.float32)
    for begin in range(0, k.shape[-2], tile):
        part = scores[..., begin : begin + tile]
        now = np.maximum(highest, part.max(axis=-1, keepdims=True))
        fade = np.exp2((highest - now) * scale)
        weight = np.exp2((part - now) * scale)
        total = total * fade + weight.sum(axis=-1, keepdims=True)
        halves = weight.astype(np.float16).astype(np.float32)
        attended = attended * fade + halves @ v[..., begin : begin + tile, :]
        highest = now
    return attended / total
