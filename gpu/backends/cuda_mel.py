"""The log-mel spectrogram of a window on the GPU: what `gpu.mel.log_mel` computes, within float32's rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from gpu.backends.base import Floats
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.mel import HANN_WINDOW, HOP_LENGTH, N_FFT, N_FRAMES

# As in mel.cu.
_THREADS = 256
_FRAMES_AT_ONCE = 16

Arrays = Sequence[tuple[tuple[int, ...], DTypeLike]]


class CudaMel:
    """Spectrograms of up to 30 s, one after the other.

    Args:
        filters: (n_mels, 201) float32 mel filterbank.
    """

    def __init__(self, device: CudaDevice, arena: Arena, filters: Floats) -> None:
        self._device = device
        self._n_mels = len(filters)
        arrays = [arena.take(*array) for array in self.arrays(len(filters))]
        self._window, self._turns, self._filters, self._spans, self._maxima = arrays
        angles = 2 * np.pi * np.arange(N_FFT) / N_FFT
        device.upload(self._window, HANN_WINDOW)
        device.upload(self._turns, np.stack([np.cos(angles), -np.sin(angles)], axis=1).astype(np.float32))
        device.upload(self._filters, filters)
        device.upload(self._spans, _spans(filters))

    @staticmethod
    def arrays(n_mels: int) -> Arrays:
        """Shapes and types of what it takes of the arena."""
        return (
            ((N_FFT,), np.float32),
            ((N_FFT, 2), np.float32),
            ((n_mels, N_FFT // 2 + 1), np.float32),
            ((n_mels, 2), np.int32),
            ((-(-N_FRAMES // _FRAMES_AT_ONCE),), np.float32),
        )

    def log_mel(self, audio: DeviceArray, out: DeviceArray) -> None:
        """The spectrogram as `gpu.mel.log_mel`; nothing is waited for.

        Args:
            audio: (n,) float32, mono 16 kHz, more than 200 samples, at most 30 s.
            out: (n_mels, n // 160) float32.
        """
        (n_samples,) = audio.shape
        n_frames = n_samples // HOP_LENGTH
        if n_samples <= N_FFT // 2 or n_frames > N_FRAMES:
            raise ValueError(f"{n_samples} samples, expected {N_FFT // 2 + 1} to {N_FRAMES * HOP_LENGTH}")
        if out.shape != (self._n_mels, n_frames) or {audio.dtype, out.dtype} != {np.dtype(np.float32)}:
            raise ValueError(f"{out.dtype} {out.shape} of {audio.dtype}, expected float32 ({self._n_mels}, {n_frames})")
        n_blocks = -(-n_frames // _FRAMES_AT_ONCE)
        self._device.launch(
            "log10_mel", (n_blocks,), (_THREADS,),
            audio, self._window, self._turns, self._filters, self._spans, out, self._maxima,
            np.int32(n_samples), np.int32(self._n_mels), np.int32(n_frames),
        )  # fmt: skip
        grid = (-(-out.size // _THREADS),)
        self._device.launch(
            "normalize_mel", grid, (_THREADS,), out, self._maxima, np.int32(out.size), np.int32(n_blocks)
        )


def _spans(filters: Floats) -> np.ndarray:
    """(n_mels, 2) int32: the first bin of each filter that is not zero, and the one behind the last."""
    used = filters != 0
    first = used.argmax(axis=1)
    behind = np.where(used.any(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1), first)
    return np.stack([first, behind], axis=1).astype(np.int32)
