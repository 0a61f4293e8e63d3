"""The mel filterbank that Whisper was trained with, for model files that do not bring it along."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpu.model_file.quants import Floats

SAMPLE_RATE = 16000
N_FFT = 400


def mel_filters(n_mels: int) -> Floats:
    """Triangular filters of equal area, (n_mels, 201) float32: power spectrum to mel bins.

    Slaney's mel scale (Auditory Toolbox, 1998) over 0 to 8000 Hz, as in librosa.filters.mel, where OpenAI took its
    filters from.
    """
    freqs = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)  # (201,) Hz
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(SAMPLE_RATE / 2), n_mels + 2))  # (n_mels + 2,) Hz
    left, center, right = edges[:-2, np.newaxis], edges[1:-1, np.newaxis], edges[2:, np.newaxis]  # (n_mels, 1)
    rising = (freqs - left) / (center - left)  # (n_mels, 201)
    falling = (right - freqs) / (right - center)
    triangles = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)  # rounded twice, as librosa does
    return (triangles * (2 / (right - left))).astype(np.float32)


# Linear below 1000 Hz, at 200 / 3 Hz a mel; 27 mels for a factor of 6.4 above.
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP) if hz > _BREAK_HZ else hz / _LINEAR_HZ


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    hz: NDArray[np.float64] = np.where(
        mel > _BREAK_MEL, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)), _LINEAR_HZ * mel
    )
    return hz
