"""The log-mel spectrogram Whisper listens to, of a whole recording or streamed window by window.

The method is openai/whisper's `audio.py`: a centred short-time Fourier transform with a periodic Hann window, power,
mel filters, log10 clamped at 1e-10 and at 8 below the maximum, then (x + 4) / 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.fft import rfft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gpu.audio import SAMPLE_RATE
from gpu.stage_clock import StageClock, stage

Floats = NDArray[np.float32]

N_FFT = 400  # samples: 25 ms
HOP_LENGTH = 160  # samples
CHUNK_LENGTH = 30  # seconds in a window
N_SAMPLES = CHUNK_LENGTH * SAMPLE_RATE  # 480000 samples in a window
N_FRAMES = N_SAMPLES // HOP_LENGTH  # 3000 frames in a window
FRAMES_PER_SECOND = SAMPLE_RATE // HOP_LENGTH  # 100: 10 ms a frame

_PAD = N_FFT // 2  # samples a frame reaches to each side of its centre
_BATCH = 500  # frames transformed at once: their complex spectrum (0.8 MB) stays in the cache
_FLOOR = np.float32(1e-10)  # of the mel power, before the logarithm
_LOG_FLOOR = np.log10(_FLOOR)
_LN_10 = np.float32(np.log(10))
_DYNAMIC_RANGE = np.float32(8.0)  # powers of ten kept below the maximum
HANN_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)  # periodic


def log_mel(audio: Floats, filters: Floats) -> Floats:
    """The spectrogram of a whole recording, as openai/whisper's `log_mel_spectrogram(audio, padding=0)`.

    Args:
        audio: (n,) float32, mono 16 kHz, more than 200 samples (the reflected ends need them).
        filters: (n_mels, 201) float32 mel filterbank.

    Returns:
        (n_mels, n // 160) float32.
    """
    return log_mel_by(NumpySpectrogram(filters), audio)


def log_mel_by(spectrogram: Spectrogram, audio: Floats) -> Floats:
    """The same, computed by a device's."""
    log10_mel = spectrogram.log10_mel(np.pad(audio, _PAD, mode="reflect"))[:, : len(audio) // HOP_LENGTH]
    return _normalize(log10_mel, log10_mel.max(initial=_LOG_FLOOR))


def _normalize(log10_mel: Floats, maximum: np.float32) -> Floats:
    """What the encoder is given: clamped to the dynamic range below `maximum`, scaled to about -1..1."""
    return (np.maximum(log10_mel, maximum - _DYNAMIC_RANGE) + np.float32(4.0)) / np.float32(4.0)


class Spectrogram(Protocol):
    """What computes a spectrogram's frames.

    Attributes:
        filters: (n_mels, 201) float32 mel filterbank.
    """

    @property
    def filters(self) -> Floats: ...

    def log10_mel(self, samples: Floats) -> Floats:
        """(n_mels, n_frames): log10 of the mel power of every whole frame in (n,) samples, not clamped to a range. From
        any thread, one at a time."""
        ...


class NumpySpectrogram:
    """See `Spectrogram`."""

    def __init__(self, filters: Floats) -> None:
        self.filters = filters

    def log10_mel(self, samples: Floats) -> Floats:
        frames = sliding_window_view(samples, N_FFT)[::HOP_LENGTH]  # (n_frames, 400)
        mel = np.empty((len(self.filters), len(frames)), np.float32)
        for begin in range(0, len(frames), _BATCH):
            spectrum = rfft(frames[begin : begin + _BATCH] * HANN_WINDOW)  # (n, 201) complex64
            power = spectrum.real**2 + spectrum.imag**2
            np.matmul(self.filters, power.T, out=mel[:, begin : begin + _BATCH])
        np.maximum(mel, _FLOOR, out=mel)
        return np.log10(mel, out=mel)


class MelStream:
    """Windows of a recording's spectrogram, computed as it is read; memory stays at about a window.

    Equal to OpenAI's spectrogram of the whole recording padded with 30 s of silence, but for one thing that cannot be
    known early: values are clamped below the loudest frame read so far, not of the whole recording. Up to 30 s the two
    are the same.

    Args:
        blocks: the recording, 1-D float32 16 kHz mono in blocks of any size.
        spectrogram: computes its frames.
        clock: counts making windows as "mel" and waiting for blocks as "read".
    """

    def __init__(self, blocks: Iterator[Floats], spectrogram: Spectrogram, clock: StageClock | None = None) -> None:
        self._blocks = blocks
        self._spectrogram, self._n_mels = spectrogram, len(spectrogram.filters)
        self._clock = clock
        self._mel = np.empty((self._n_mels, 0), np.float32)  # log10 frames [_first_frame, frames_read)
        self._first_frame = 0
        self._levels = [np.empty(0, np.float16)]  # of all frames read: 0.7 MB an hour
        self._samples = np.empty(0, np.float32)  # what the next frame needs, and after it
        self._n_samples = 0
        self._maximum = _LOG_FLOOR
        self.frames_read = 0
        self.ended = False

    @property
    def audio_s(self) -> float:
        """Seconds of audio read so far: the exact duration once `ended`."""
        return self._n_samples / SAMPLE_RATE

    def frames_left(self, first_frame: int) -> int:
        """Frames from this one on that begin in the recording, as far as it has been read."""
        return max(self._n_samples // HOP_LENGTH - first_frame, 0)

    def window(self, seek_frame: int) -> tuple[Floats, int]:
        """The 30 s that begin at a frame.

        Args:
            seek_frame: its first frame (10 ms each); never before one asked for earlier.

        Returns:
            (n_mels, 3000) float32, and how many of its frames begin in the recording (0 once past its end). The
            rest is the spectrogram of silence.
        """
        log10_mel = self.read(seek_frame)
        return self.normalized(log10_mel), min(self.frames_left(seek_frame), N_FRAMES)

    def read(self, first_frame: int) -> Floats:
        """30 s of frames before `normalized`: (n_mels, 3000) float32, fewer where the recording ends.

        Args:
            first_frame: never before one asked for earlier: those are forgotten.
        """
        if first_frame < self._first_frame:
            raise ValueError(f"windows go forward only: frame {first_frame} asked for after {self._first_frame}")
        with stage(self._clock, "mel"):
            self._read_to(first_frame + N_FRAMES, keep_from=first_frame)
        return self._mel[:, :N_FRAMES]

    def level(self, first_frame: int, last_frame: int) -> Floats:
        """How loud it is in the frames between two, as far as they have been read: (n,) float32, decades of power."""
        if len(self._levels) > 1:
            self._levels = [np.concatenate(self._levels)]
        last_frame = min(last_frame, self._n_samples // HOP_LENGTH)
        return self._levels[0][first_frame:last_frame].astype(np.float32)

    def normalized(self, *log10_mels: Floats) -> Floats:
        """Stretches of frames side by side, and silence after them, as the encoder is given them.

        Returns:
            (n_mels, 3000) float32.
        """
        window = np.full((self._n_mels, N_FRAMES), _LOG_FLOOR, np.float32)
        np.concatenate(log10_mels, axis=1, out=window[:, : sum(mel.shape[1] for mel in log10_mels)])
        return _normalize(window, self._maximum)

    def _read_to(self, n_frames: int, keep_from: int) -> None:
        """Compute frames until `n_frames` are known or the recording has ended; forget those before `keep_from`."""
        while not self.ended and self.frames_read < n_frames:
            n_wanted = min((n_frames - self.frames_read) * HOP_LENGTH + N_FFT, N_SAMPLES)
            pending = [self._samples]
            n_pending = len(self._samples)
            with stage(self._clock, "read"):
                while n_pending < n_wanted and (block := next(self._blocks, None)) is not None:
                    pending.append(block)
                    n_pending += len(block)
            self._append(pending, ended=n_pending < n_wanted)
            self._drop_before(keep_from)
        self._drop_before(keep_from)

    def _drop_before(self, frame: int) -> None:
        n_dropped = min(frame, self.frames_read) - self._first_frame
        if n_dropped > 0:
            self._mel = self._mel[:, n_dropped:].copy()
            self._first_frame += n_dropped

    def _append(self, pending: list[Floats], *, ended: bool) -> None:
        n_new = sum(map(len, pending[1:]))
        if self._n_samples == 0 and n_new:
            pending = [*_reflected_start(pending)]
        self._n_samples += n_new
        self.ended = ended
        if ended:  # the silence after the recording, as far as frames reach back from it
            pending.append(np.zeros(N_FFT, np.float32))
        samples = np.concatenate(pending)
        mel = self._spectrogram.log10_mel(samples)
        self._samples = samples[mel.shape[1] * HOP_LENGTH :].copy()
        self.frames_read += mel.shape[1]
        self._mel = np.concatenate([self._mel, mel], axis=1)
        self._levels.append(np.log10(np.exp(mel * _LN_10).sum(axis=0)).astype(np.float16))
        self._maximum = max(self._maximum, mel.max(initial=_LOG_FLOOR))


def _reflected_start(blocks: list[Floats]) -> list[Floats]:
    """The first blocks with the first 200 samples mirrored before them (centred frames)."""
    samples = np.concatenate(blocks)
    head = np.zeros(_PAD + 1, np.float32)
    head[: min(len(samples), _PAD + 1)] = samples[: _PAD + 1]
    return [head[:0:-1], samples]
