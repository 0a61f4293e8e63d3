"""NVRTC as CuPy has it: kernels for the GPU that is here, where they do not come compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpu.cuda_probe import cuda_headers, preload_nvrtc
from gpu.errors import KernelError
from gpu.types import Words


class DeviceCompiler:
    """See `gpu.kernels.Compiler`.

    Args:
        nvrtc: CuPy's module.
        capability: the GPU's compute capability, (8, 6).
    """

    def __init__(self, nvrtc: Any, capability: tuple[int, int]) -> None:
        self._nvrtc, self._capability = nvrtc, capability

    @property
    def version(self) -> str:
        """The compiler's, "13.0". Raises `KernelError`: it is not installed."""
        preload_nvrtc()
        try:
            return "{}.{}".format(*self._nvrtc.getVersion())
        except RuntimeError as error:  # of cuda.pathfinder
            raise KernelError(
                Words("The kernels are not compiled, and the compiler NVRTC was not found."),
                remedy=Words("Install the GPU packages anew, or choose the device cpu."),
            ) from error

    def __call__(self, name: str, source: str, options: Sequence[str]) -> bytes:
        """A cubin.

        Raises:
            KernelError: there is no compiler, or it does not accept the source.
        """
        assert self.version
        nvrtc = self._nvrtc
        headers = (f"-I{folder}" for folder in cuda_headers())
        program = nvrtc.createProgram(source, name, (), ())
        try:
            nvrtc.compileProgram(program, ("-arch=sm_{}{}".format(*self._capability), *headers, *options))
            return bytes(nvrtc.getCUBIN(program))
        except nvrtc.NVRTCError as error:
            log = nvrtc.getProgramLog(program)
            raise KernelError(
                Words("{name} cannot be compiled: {log}.", name=name, log=log.strip().rstrip(".")),
                remedy=Words("Report this, or choose the device cpu."),
            ) from error
        finally:
            nvrtc.destroyProgram(program)
