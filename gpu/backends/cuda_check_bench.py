"""Where the self-test's checks work: memory on the GPU, random inputs, and what came out beside what should have.

What is measured is the relative L2 distance, or whether all is equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backends.base import Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_sampling import SEQUENCE_STATE
from gpu.backends.reference_model import softmax
from gpu.types import Check, Words

_ARENA_BYTES = 64 << 20
HEAD = 64  # dimensions of a head

# By the name of a kernel or a thing: what came out, and what should have.
Results = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]


@dataclass
class Bench:
    """A device with memory for one check after the other."""

    device: CudaDevice
    rng: np.random.Generator
    arena: Arena
    _kernels: tuple[str, ...] = field(default=(), init=False)

    def put(self, host: NDArray[Any]) -> DeviceArray:
        array = self.arena.take(host.shape, host.dtype)
        self.device.upload(array, np.ascontiguousarray(host))
        return array

    def out(self, *shape: int, dtype: Any = np.float32) -> DeviceArray:
        """To be written; what is not is no number."""
        return self.put(np.full(shape, np.nan, dtype))

    def normal(self, *shape: int) -> Floats:
        return self.rng.normal(size=shape).astype(np.float32)

    def halves(self, *shape: int) -> NDArray[np.float16]:
        return self.normal(*shape).astype(np.float16)

    def states(self, **fields: Any) -> DeviceArray:
        """`SequenceState` of some sequences, whose number the fields tell."""
        states = records(**fields)
        return self.put(states.view(np.int32).reshape(len(states), -1))

    def get(self, array: DeviceArray) -> NDArray[Any]:
        return self.device.download(array)

    def close_to(self, what: Words, bound: float, results: Results) -> Check:
        """Whether the farthest of the results is near enough.

        Its kernels are those launched since the check before it, or, if there were none, the same.
        """
        distances = {name: _distance(got, expected) for name, (got, expected) in results.items()}
        return self._check(what, distances, bound, f"{bound:.0e}")

    def equal(self, what: Words, results: Results) -> Check:
        """Whether every result is as it should be, bit by bit."""
        distances = {name: _largest_difference(got, expected) for name, (got, expected) in results.items()}
        return self._check(what, distances, 0.0, "0")

    def _check(self, what: Words, distances: Mapping[str, float], bound: float, bound_text: str) -> Check:
        farthest = float(np.max(list(distances.values())))  # NaN if any is
        self._kernels = tuple(sorted(self.device.launched)) or self._kernels
        self.device.launched.clear()
        detail = Words("differs by {got}, at most {bound}", got=f"{farthest:.1e}", bound=bound_text)
        if farthest == 0:
            detail = Words("equal, bit by bit")
        figures = {"difference": farthest, "bound": bound}
        if len(distances) > 1:
            figures |= {f"{name}_difference": distance for name, distance in distances.items()}
        return Check(what, "passed" if farthest <= bound else "failed", detail, figures, self._kernels)


Part = Callable[[Bench], Iterator[Check]]


def on_fresh_memory(device: CudaDevice, part: Part) -> Iterator[Check]:
    """Run some checks with the same random numbers every time."""
    arena = Arena(device, _ARENA_BYTES)
    device.launched.clear()
    try:
        yield from part(Bench(device, np.random.default_rng(7), arena))
    finally:
        arena.free()


def records(**fields: Any) -> NDArray[Any]:
    """(n,) `SEQUENCE_STATE`, whose number the fields tell."""
    states = np.zeros(max(np.size(values) for values in fields.values()), SEQUENCE_STATE)
    for name, values in fields.items():
        states[name] = values
    return states


def heads(x: NDArray[Any]) -> Floats:
    """(n, n_head * 64) -> (n_head, n, 64) float32"""
    return x.astype(np.float32).reshape(len(x), -1, HEAD).swapaxes(0, 1)


def looked_at(q: Floats, k: Floats, first: int | None = None) -> Floats:
    """Weights of attention, (..., n, 64) and (..., n_k, 64) -> (..., n, n_k).

    Args:
        first: the position of query 0 where nothing looks ahead; None: everything is seen.
    """
    scores = q @ k.swapaxes(-1, -2) * np.float32(HEAD**-0.5)
    if first is not None:
        scores[..., np.arange(k.shape[-2]) > first + np.arange(q.shape[-2])[:, np.newaxis]] = -np.inf
    return softmax(scores)


def attended(q: NDArray[Any], k: NDArray[Any], v: NDArray[Any], first: int | None = None) -> Floats:
    """(n, n_head * 64) over (n_head, n_k, 64) -> (n, n_head * 64) float32"""
    weights = looked_at(heads(q), k.astype(np.float32), first)
    return (weights @ v.astype(np.float32)).swapaxes(0, 1).reshape(q.shape)


def _distance(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """Relative L2; what is no number has no distance, which is less than no bound."""
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def _largest_difference(got: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.abs(got.astype(np.float64) - expected.astype(np.float64)).max())
