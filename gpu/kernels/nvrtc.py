"""NVIDIA's runtime compiler by way of ctypes: machine code for any GPU, made on a machine that need not have one."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from gpu.cuda_probe import cuda_headers, nvrtc_libraries
from gpu.errors import KernelError
from gpu.types import Words


class Nvrtc:
    """The compiler of the wheel nvidia-cuda-nvrtc, with the headers of nvidia-cuda-runtime.

    Raises:
        KernelError: one of the wheels is not installed.
    """

    def __init__(self) -> None:
        path, include = next(nvrtc_libraries(), None), next(cuda_headers(), None)
        if path is None or include is None:
            raise KernelError(
                Words("The CUDA compiler (NVRTC) is not installed."),
                remedy=Words('Install it with "pip install nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-runtime==13.0.96".'),
            )
        for builtins in path.parent.glob("*nvrtc-builtins*"):  # which it looks for by name only
            ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(str(path))
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
        self._include = include

    @property
    def version(self) -> str:
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check(self._library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        return f"{major.value}.{minor.value}"

    def compile(self, name: str, source: str, options: Sequence[str], architecture: str) -> tuple[bytes, str]:
        """Compile a source text.

        Args:
            architecture: "sm_86" for machine code, "compute_120" for PTX.

        Returns:
            What was made, and what the compiler had to say (with "--ptxas-options=-v" the resources of each kernel).

        Raises:
            KernelError: the source is wrong.
        """
        library = self._library
        program = ctypes.c_void_p()
        text = source.encode()
        self._check(library.nvrtcCreateProgram(ctypes.byref(program), text, name.encode(), 0, None, None))
        try:
            flags = [*options, f"--gpu-architecture={architecture}", f"-I{self._include}"]
            encoded = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
            failed = library.nvrtcCompileProgram(program, len(flags), encoded)
            log = self._get("ProgramLog", program).decode(errors="replace").strip("\0\n")
            if failed:
                raise KernelError(
                    Words(
                        "{name} does not compile for {architecture}: {log}.",
                        name=name,
                        architecture=architecture,
                        log=log,
                    ),
                    remedy=Words("Please report it."),
                )
            return self._get("PTX" if architecture.startswith("compute") else "CUBIN", program), log
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))

    def _get(self, what: str, program: ctypes.c_void_p) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        content = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._library, f"nvrtcGet{what}")(program, content))
        return content.raw

    def _check(self, error: int) -> None:
        if error:
            reason = self._library.nvrtcGetErrorString(error).decode()
            raise KernelError(
                Words("The CUDA compiler failed: {reason}.", reason=reason), remedy=Words("Please report it.")
            )
