"""Linear layers on the device, from weights as the model file quantizes them: launches of gpu/kernels/ge*.cu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_weights import GROUP, DeviceMatrix

# Bits of an epilogue's flags (epilogue.cuh).
_GELU, _ACCUMULATE, _HALF = 1, 2, 4

# gemm.cu: rows of the result in a tile; with fewer rows than half a large one the small tile wins.
_TILE_ROWS = {"large": 128, "small": 32}
_TILE_COLUMNS = 64
_MOST_SMALL_ROWS = 64
_GEMM_THREADS = 128
_DEQUANTIZE_THREADS = 128

# gemv.cu: rows of x whose weights are read once.
MAX_ROWS = 16
_GEMV_THREADS, _LANES = 128, 8  # lanes share a row of weights
_FEW_COLUMNS = 1024  # up to here two warps a block make more blocks
_MOST_BLOCKS = 1024  # where more are needed, each prepares x once and goes on: the vocabulary
_SHARED = 48 << 10  # bytes for x
# Of shared memory for each value of x: int8 with a scale and a sum for every 16, or float32 (activations.cuh).
_HALF_BYTES_OF_QUANTIZED, _HALF_BYTES_OF_FLOAT = 3, 8
_CHUNK = 256  # columns of x: what does not fit at once is cut at multiples


class Norm(Protocol):
    """A layer norm's weight and bias, (n,) float32 each."""

    @property
    def weight(self) -> DeviceArray: ...
    @property
    def bias(self) -> DeviceArray: ...


class Linear(Protocol):
    """y = x @ matrix.T + bias; bias (n_out,) float32 or None."""

    @property
    def matrix(self) -> DeviceMatrix: ...
    @property
    def bias(self) -> DeviceArray | None: ...


class LinearOps:
    """Products with a `DeviceMatrix`, enqueued on the device's stream.

    Every method raises ValueError where shapes or types do not fit.
    """

    def __init__(self, device: CudaDevice) -> None:
        self._device = device

    def dequantize(self, m: DeviceMatrix, out: DeviceArray) -> None:
        """A matrix as numbers; out: (n_out, n_in) float32."""
        _expect("out", out, np.float32, m.n_out, m.n_in)
        n_groups = m.n_out * m.n_in // GROUP
        grid = (_ceil_div(n_groups, _DEQUANTIZE_THREADS),)
        self._launch("dequantize", m.format, grid, (_DEQUANTIZE_THREADS,), m.data, out, np.int32(n_groups))

    def gemm(
        self,
        a: DeviceArray,
        m: DeviceMatrix,
        out: DeviceArray,
        bias: DeviceArray | None = None,
        gelu: bool = False,
        accumulate: bool = False,
    ) -> None:
        """out = gelu(a @ m.T + bias), on the tensor cores.

        Args:
            a: (M, n_in) float16.
            out: (M, n_out) float32 or float16.
            bias: (n_out,) float32.
            accumulate: add to `out`, which is float32, after the GELU.
        """
        rows = a.shape[0]
        _expect("a", a, np.float16, rows, m.n_in)
        _expect("out", out, np.float16 if out.dtype == np.float16 and not accumulate else np.float32, rows, m.n_out)
        _expect_vector("bias", bias, m.n_out)
        tile = "small" if rows <= _MOST_SMALL_ROWS else "large"
        grid = (_ceil_div(m.n_out, _TILE_COLUMNS), _ceil_div(rows, _TILE_ROWS[tile]))
        flags = _GELU * gelu | _ACCUMULATE * accumulate | _HALF * (out.dtype == np.float16)
        sizes = _int32s(rows, m.n_out, m.n_in, flags)
        self._launch(f"gemm_{tile}", m.format, grid, (_GEMM_THREADS,), a, m.data, bias, out, *sizes)

    def gemv(  # noqa: PLR0913 - as `gemm`, and what the decoder has it do on the way
        self,
        x: DeviceArray,
        m: DeviceMatrix,
        out: DeviceArray,
        bias: DeviceArray | None = None,
        norm: Norm | None = None,
        gelu: bool = False,
        accumulate: bool = False,
        states: DeviceArray | None = None,
    ) -> None:
        """out = gelu(layer_norm(x) @ m.T + bias), in one launch for every 16 rows.

        Against quantized weights x is rounded to q8_1: integers of 8 bits, with a scale for every 32.

        Args:
            x: (n, n_in) float32.
            out: (n, n_out) float32.
            bias: (n_out,) float32.
            norm: applied to x; None for x as it is.
            accumulate: add to `out`, after the GELU.
            states: of the rows' sequences, 64 bytes each: nothing is done when all of them are.
        """
        _expect("x", x, np.float32, x.shape[0], m.n_in)
        _expect("out", out, np.float32, x.shape[0], m.n_out)
        _expect_vector("bias", bias, m.n_out)
        gamma, beta = _norm(norm, m.n_in)
        flags = _GELU * gelu | _ACCUMULATE * accumulate
        for first, n in _row_blocks(x.shape[0]):
            plan = _Plan(m, n)
            self._launch(
                plan.kernel("gemv"), m.format, plan.grid, plan.block,
                x[first : first + n], gamma, beta, m.data, bias, out[first : first + n],
                None if states is None else states[first : first + n],
                *_int32s(n, m.n_out, m.n_in, plan.chunk, flags), shared=plan.shared,
            )  # fmt: skip

    def gemv_qkv(
        self,
        x: DeviceArray,
        norm: Norm,
        projections: tuple[Linear, Linear, Linear],
        q: DeviceArray,
        cache: DeviceArray,
        states: DeviceArray,
    ) -> None:
        """Query, key and value of self-attention, from layer_norm(x): one launch where the matrices have one format.

        Args:
            x: (n, d) float32, one row for each sequence, n at most 16.
            projections: query, key and value, (d, d) each.
            q: (n, d) float32, the queries.
            cache: of one layer, (2, n_sequences, n_head, n_text_ctx, 64) float16: row s gets the key and the value of
                sequence s, at the position its state says, unless it is finished.
            states: (n or more, 16) int32, `SequenceState` each.
        """
        n, d = x.shape
        matrices = [part.matrix for part in projections]
        _expect("x", x, np.float32, n, d)
        _expect("q", q, np.float32, n, d)
        _expect("cache", cache, np.float16, 2, cache.shape[1], d // 64, cache.shape[3], 64)
        if n > min(MAX_ROWS, cache.shape[1]) or any((m.n_out, m.n_in) != (d, d) for m in matrices):
            raise ValueError(f"{n} rows of {d}, matrices {[(m.n_out, m.n_in) for m in matrices]}, cache {cache.shape}")
        pointers = (x, *_norm(norm, d), *(m.data for m in matrices), *(part.bias for part in projections))
        together = len({m.format for m in matrices}) == 1
        for part in range(1 if together else 3):
            plan = _Plan(matrices[part], n)
            sizes = _int32s(n, d, plan.chunk, part, cache.shape[1], cache.shape[3])
            self._launch(
                plan.kernel("gemv_qkv"), matrices[part].format, (*plan.grid, 3 if together else 1), plan.block,
                *pointers, q, cache, states, *sizes, shared=plan.shared,
            )  # fmt: skip

    def _launch(
        self,
        kernel: str,
        format_name: str,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        *arguments: DeviceArray | np.int32 | None,
        shared: int = 0,
    ) -> None:
        self._device.launch(f"{kernel}_{format_name.lower()}", grid, block, *arguments, shared=shared)


class _Plan:
    """How a product with `n` rows of x is launched."""

    def __init__(self, m: DeviceMatrix, n: int) -> None:
        threads = _GEMV_THREADS if m.n_out > _FEW_COLUMNS else _GEMV_THREADS // 2
        n_groups = _ceil_div(m.n_out, threads // _LANES)
        self.grid = (_ceil_div(n_groups, _ceil_div(n_groups, _MOST_BLOCKS)),)
        self.block = (threads,)
        half_bytes = _HALF_BYTES_OF_FLOAT if m.format in ("F16", "F32") else _HALF_BYTES_OF_QUANTIZED
        most = 2 * _SHARED // (half_bytes * n) // _CHUNK * _CHUNK
        self.chunk = min(m.n_in, most)
        self.shared = n * self.chunk * half_bytes // 2
        self._n = n

    def kernel(self, name: str) -> str:
        return f"{name}_{1 if self._n == 1 else MAX_ROWS}"


def _row_blocks(n: int) -> Iterator[tuple[int, int]]:
    """First row and number of rows of each launch."""
    for first in range(0, n, MAX_ROWS):
        yield first, min(MAX_ROWS, n - first)


def _norm(norm: Norm | None, n: int) -> tuple[DeviceArray | None, DeviceArray | None]:
    if norm is None:
        return None, None
    _expect_vector("the norm's weight", norm.weight, n)
    _expect_vector("the norm's bias", norm.bias, n)
    return norm.weight, norm.bias


def _int32s(*numbers: int) -> Iterator[np.int32]:
    return map(np.int32, numbers)


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _expect_vector(name: str, array: DeviceArray | None, n: int) -> None:
    if array is not None:
        _expect(name, array, np.float32, n)


def _expect(name: str, array: Any, dtype: DTypeLike, *shape: int) -> None:
    if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, expected contiguous {np.dtype(dtype)} {shape}")
