"""What CUDA's numbers mean: the engine's errors, each with its cause and what to do about it."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from gpu.errors import DeviceError, DeviceFailedError, DeviceMemoryError, DeviceUnavailableError, KernelError
from gpu.types import Words

# Of cuda.h and driver_types.h, which have the same numbers from 100 on.
MEMORY_ALLOCATION = 2
NOT_FOUND = 500  # no such kernel in a module
_INSUFFICIENT_DRIVER = 35
_CALL_REQUIRES_NEWER_DRIVER = 36
_NO_DEVICE = 100
_SYSTEM_DRIVER_MISMATCH = 803

# Not initialised (3), in exclusive use by another process (46), no such device (101), a system that is not ready (802),
# a driver that is not for this GPU (804).
_UNAVAILABLE = {3, 46, 101, 802, 804}

# Of the image that holds the kernels: none for this architecture (209), PTX that the driver cannot translate (218 on).
_IMAGE = {200, 209, 218, 221, 222, 223, NOT_FOUND}

# After these every call in the process fails: the context holds on to a fault of a kernel (700 to 719) or of the memory
# or link (214, 220, 226), or it is gone (4, 201, 709). 999 is what drivers say when they cannot tell.
_FATAL = {4, 201, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999}

_OTHER_DEVICE = Words("Choose the device cpu.")
_UPDATE_DRIVER = Words("Install a current NVIDIA driver, version 580 or newer, or choose the device cpu.")
SMALLER_MODEL = Words(
    "Choose a smaller model or one in fewer bits, close other programs that use the GPU, or choose the device cpu."
)


def device_error(status: int, text: str) -> DeviceError:
    """The error for a status of CUDA's runtime or driver.

    Args:
        text: what CUDA calls it, "cudaErrorIllegalAddress: an illegal memory access was encountered".
    """
    if status == MEMORY_ALLOCATION:
        return DeviceMemoryError(Words("The GPU's memory is full ({error}).", error=text), remedy=SMALLER_MODEL)
    if status in _FATAL:
        return DeviceFailedError(
            Words("The GPU stopped working ({error}).", error=text),
            remedy=Words("Start the program again to use the GPU; if it happens again, choose the device cpu."),
        )
    if status in _IMAGE:
        return KernelError(
            Words("The GPU's driver does not accept the program's kernels ({error}).", error=text),
            remedy=_UPDATE_DRIVER,
        )
    return _unavailable(status, text) or DeviceError(
        Words("The GPU refused to work ({error}).", error=text), remedy=_OTHER_DEVICE
    )


def not_enough_memory(needed: int, free: int) -> DeviceMemoryError:
    """Bytes."""
    return DeviceMemoryError(
        Words(
            "The GPU has {free} MB of free memory, {needed} MB are needed.",
            free=free // 10**6,
            needed=-(-needed // 10**6),
        ),
        remedy=SMALLER_MODEL,
    )


def _unavailable(status: int, text: str) -> DeviceUnavailableError | None:
    if status in (_INSUFFICIENT_DRIVER, _CALL_REQUIRES_NEWER_DRIVER):
        cause = Words("There is no NVIDIA driver, or one that is too old ({error}).", error=text)
        return DeviceUnavailableError(cause, remedy=_UPDATE_DRIVER)
    if status == _NO_DEVICE:
        return DeviceUnavailableError(Words("There is no NVIDIA GPU ({error}).", error=text), remedy=_OTHER_DEVICE)
    if status == _SYSTEM_DRIVER_MISMATCH:
        return DeviceUnavailableError(
            Words("The NVIDIA driver was updated and waits for a restart ({error}).", error=text),
            remedy=Words("Restart the computer."),
        )
    if status in _UNAVAILABLE:
        return DeviceUnavailableError(Words("The GPU cannot be used ({error}).", error=text), remedy=_OTHER_DEVICE)
    return None


class Guard:
    """Around calls of CuPy: its errors leave as the engine's."""

    def __init__(self, cupy: Any) -> None:
        self._numbered = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)
        self._failed: DeviceFailedError | None = None

    def __enter__(self) -> None:
        if self._failed is not None:
            raise self._failed

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, self._numbered):
            ours = device_error(error.status, str(error))
            if isinstance(ours, DeviceFailedError):
                self._failed = ours
            raise ours from error
        if isinstance(error, MemoryError):  # CuPy's pools
            raise device_error(MEMORY_ALLOCATION, str(error)) from error
