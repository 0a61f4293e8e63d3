"""A GPU for the tests: `CudaDevice` on the stand-in for CuPy, with the emulator running the kernels."""

from __future__ import annotations

from collections.abc import Iterator

from gpu.backends.cuda_device import CudaDevice
from gpu.kernels import OPTIONS, Compiler, ComputeCapability, source
from tests.support.cuda.emulator import compile_kernels
from tests.support.cuda.fake_cupy import fake_cupy


class SomeKernels:
    """Of the engine's kernels only some files, "sampling.cu": the others need not be built."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def images(self, capability: ComputeCapability, compile: Compiler) -> Iterator[bytes]:
        for name in self._names:
            yield compile(name, source(name), OPTIONS)


def emulated_device(*names: str, total: int = 1 << 32) -> CudaDevice:
    """A device of `total` bytes with the kernels of some files."""
    cupy, _ = fake_cupy(compile_kernels, total=total)
    return CudaDevice(cupy, SomeKernels(*names))
