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

# Frames of `gpu.mel.NumpySpectrogram` begin at every 160th sample.
_SKIPPED = 2
_SHIFT = _SKIPPED * HOP_LENGTH - N_FFT // 2
_FRAMES_OF_CALL = N_FRAMES - _SKIPPED
_N_SAMPLES_AT_ONCE = _SHIFT + (_FRAMES_OF_CALL - 1) * HOP_LENGTH + N_FFT

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
        """The spectrogram as `gpu.mel.log_mel`; see `log10`."""
        n_blocks = self.log10(audio, out)
        grid = (-(-out.size // _THREADS),)
        self._device.launch(
            "normalize_mel", grid, (_THREADS,), out, self._maxima, np.int32(out.size), np.int32(n_blocks)
        )

    def log10(self, audio: DeviceArray, out: DeviceArray) -> int:
        """Before it is clamped and scaled; nothing is waited for.

        Args:
            audio: (n,) float32, mono 16 kHz, more than 200 samples, at most 30 s.
            out: (n_mels, n // 160) float32.

        Returns:
            How many of `_maxima` there are: each of 16 frames.
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
        return n_blocks


class CudaSpectrogram:
    """See `gpu.mel.Spectrogram`: samples go to the device, frames come back, for where to cut is decided with them.

    On a stream of its own: what reads the recording is another thread than what decodes.
    """

    def __init__(self, device: CudaDevice, arena: Arena, filters: Floats) -> None:
        self.filters = filters
        self._device, self._mel = device, CudaMel(device, arena, filters)
        self._audio, self._out = (arena.take(*array) for array in self._buffers(len(filters)))
        self._stream = device.new_stream()
        self._stream.wait(device.event())

    @classmethod
    def arrays(cls, n_mels: int) -> Arrays:
        """Shapes and types of what it takes of the arena."""
        return (*CudaMel.arrays(n_mels), *cls._buffers(n_mels))

    @staticmethod
    def _buffers(n_mels: int) -> Arrays:
        return (((_N_SAMPLES_AT_ONCE,), np.float32), ((n_mels * N_FRAMES,), np.float32))

    def log10_mel(self, samples: Floats) -> Floats:
        n_frames = max((len(samples) - N_FFT) // HOP_LENGTH + 1, 0)
        mel = np.empty((len(self.filters), n_frames), np.float32)
        for first in range(0, n_frames, _FRAMES_OF_CALL):
            n = min(_FRAMES_OF_CALL, n_frames - first)
            begin = first * HOP_LENGTH
            mel[:, first : first + n] = self._frames(samples[begin : begin + (n - 1) * HOP_LENGTH + N_FFT], n)
        return mel

    def _frames(self, samples: Floats, n: int) -> Floats:
        """The kernel's frames lie around every 160th sample: with silence before, the first of ours is its third."""
        padded = np.concatenate([np.zeros(_SHIFT, np.float32), samples])
        shape = len(self.filters), n + _SKIPPED
        audio, out = self._audio[: len(padded)], self._out[: shape[0] * shape[1]].reshape(*shape)
        with self._device.on(self._stream):
            self._device.upload(audio, padded)
            self._mel.log10(audio, out)
            return self._device.download(out)[:, _SKIPPED:]

    def close(self) -> None:
        """Wait until nothing is being computed."""
        self._stream.synchronize()


def _spans(filters: Floats) -> np.ndarray:
    """(n_mels, 2) int32: the first bin of each filter that is not zero, and the one behind the last."""
    used = filters != 0
    first = used.argmax(axis=1)
    behind = np.where(used.any(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1), first)
    return np.stack([first, behind], axis=1).astype(np.int32)
