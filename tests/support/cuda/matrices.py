"""Linear layers on the emulated device: matrices in every format, guarded outputs, and NumPy's idea of the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_linear import LinearOps
from gpu.backends.cuda_weights import DeviceMatrix, upload_matrix
from gpu.backends.reference_model import LAYER_NORM_EPS, gelu
from gpu.model_file.model import Tensor
from gpu.model_file.quants import FORMATS
from tests.support.cuda.devices import SomeKernels
from tests.support.cuda.emulator import compile_kernels
from tests.support.cuda.fake_cupy import fake_cupy
from tests.support.requantize import encode

f32 = np.float32
Floats = NDArray[f32]
FORMAT_OF = {block_format.name: block_format for block_format in FORMATS.values()}
K_QUANTS = tuple(name for name in FORMAT_OF if name.endswith("K"))
FLOAT_FORMATS = ("F16", "F32")
CANARY = -77.25  # exact in float16 too


@dataclass(frozen=True)
class Layer:
    """A `gpu.backends.cuda_linear.Linear`, with the tensor it comes from."""

    matrix: DeviceMatrix
    bias: DeviceArray | None
    tensor: Tensor
    host_bias: Floats


@dataclass(frozen=True)
class NormOnDevice:
    weight: DeviceArray
    bias: DeviceArray


class Bench:
    """A device with the kernels of the linear layers. Every array has an allocation of its own: NaNs lie behind it."""

    def __init__(self) -> None:
        cupy, self.gpu = fake_cupy(compile_kernels, total=1 << 32)
        self.device = CudaDevice(cupy, SomeKernels("dequantize.cu", "gemm.cu", "gemv.cu", "gemv_qkv.cu"))
        self.ops = LinearOps(self.device)

    def put(self, host: NDArray[Any]) -> DeviceArray:
        array = Arena(self.device, host.nbytes).take(host.shape, host.dtype)
        self.device.upload(array, np.ascontiguousarray(host))
        return array

    def matrix(self, tensor: Tensor) -> DeviceMatrix:
        return upload_matrix(self.device, Arena(self.device, tensor.raw.size + 256), tensor)

    def layer(self, tensor: Tensor, seed: int = 0) -> Layer:
        """With a random bias."""
        bias = np.random.default_rng(seed).standard_normal(tensor.shape[0]).astype(f32)
        return Layer(self.matrix(tensor), self.put(bias), tensor, bias)

    def norm(self, weight: Floats, bias: Floats) -> NormOnDevice:
        return NormOnDevice(self.put(weight), self.put(bias))

    def output(self, rows: int, columns: int, dtype: DTypeLike = f32) -> Output:
        return Output(self, rows, columns, dtype)


class Output:
    """An array on the device between two rows of canaries; it holds canaries too until something is written."""

    def __init__(self, bench: Bench, rows: int, columns: int, dtype: DTypeLike) -> None:
        self._bench = bench
        self._all = bench.put(np.full((rows + 2, columns), CANARY, dtype))
        self.array = self._all[1:-1]

    def host(self) -> NDArray[Any]:
        """What was written."""
        rows = self._bench.device.download(self._all)
        assert (rows[[0, -1]] == CANARY).all(), "written before or behind the output"
        return rows[1:-1]


def random_tensor(format_name: str, n_out: int, n_in: int, seed: int = 0) -> Tensor:
    """Weights as a trained layer's are, encoded."""
    rng = np.random.default_rng((n_out, n_in, seed))
    weights = rng.standard_normal((n_out, n_in)).astype(f32) / f32(np.sqrt(n_in))
    return Tensor("w", FORMAT_OF[format_name], (n_out, n_in), encode(weights, format_name))


def any_bytes(format_name: str, n_out: int, n_in: int, seed: int = 0) -> Tensor:
    """Blocks of random bytes: infinite, subnormal and NaN scales included."""
    block_format = FORMAT_OF[format_name]
    size = n_out * n_in // block_format.block_size * block_format.type_size
    raw = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    return Tensor("w", block_format, (n_out, n_in), raw)


def width(format_name: str, blocks_of_32: int) -> int:
    """About so many blocks of 32 in a row, as many as the format can have."""
    return -(-blocks_of_32 // 8) * 256 if format_name in K_QUANTS else blocks_of_32 * 32


def relative_l2(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """NaNs make it NaN, which is less than nothing."""
    difference = actual.astype(np.float64) - expected
    return float(np.linalg.norm(difference) / np.linalg.norm(expected))


def epilogue(sums: NDArray[Any], bias: Floats | None, use_gelu: bool) -> NDArray[np.float64]:
    y = sums if bias is None else sums + bias
    return gelu(y.astype(f32)).astype(np.float64) if use_gelu else y.astype(np.float64)


def layer_norm(x: Floats, weight: Floats, bias: Floats) -> NDArray[np.float64]:
    centred = x - x.mean(axis=-1, keepdims=True, dtype=np.float64)
    deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + LAYER_NORM_EPS)
    return centred / deviation * weight + bias


def scaled(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x in units of its q8_1 blocks' scales, not yet rounded, (n, blocks, 32); and the scales, (n, blocks, 1)."""
    blocks = x.reshape(len(x), -1, 32)
    most = np.abs(blocks).max(axis=-1, keepdims=True)
    return np.divide(127 * blocks, most, out=np.zeros_like(blocks), where=most > 0), most / 127


def q8_1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """x as the product of integers sees it."""
    integers, scales = scaled(x)
    return (np.rint(integers) * scales).reshape(x.shape)


def clear_rows(n: int, n_in: int, norm: tuple[Floats, Floats] | None = None, seed: int = 0) -> Floats:
    """Random rows of which, normalised or not, no value is so near a half that the order of a sum rounds it."""
    rng = np.random.default_rng((n, n_in, seed))
    rows: list[Floats] = []
    while len(rows) < n:
        row = rng.standard_normal((1, n_in)).astype(f32) * f32(rng.uniform(0.1, 10))
        integers, _ = scaled(row.astype(np.float64) if norm is None else layer_norm(row, *norm))
        if (np.abs(np.abs(integers) % 1 - 0.5) > 1e-4).all():
            rows.append(row[0])
    return np.array(rows)
