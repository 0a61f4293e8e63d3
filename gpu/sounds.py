"""Where in a window there is sound, by its loudness."""

from __future__ import annotations

import numpy as np

from gpu.mel import Floats

PAUSE = 20  # frames (10 ms each): a shorter silence may be the closure of a consonant
CLICK = 3  # frames: a shorter sound is none
_DECADES = 4.0  # of power below the loud: 40 dB
_NOISE_SHARE = 0.2  # of the way from the quiet to the loud, in decades, that is still noise


def sounds(mel: Floats) -> list[tuple[int, int]]:
    """Stretches of sound with pauses between them: first frame, and the one behind the last; everything where there is
    no telling.

    Args:
        mel: (n_mels, n_frames) normalized log-mel spectrogram, n_frames >= 1.
    """
    level = np.log10((10.0 ** (4.0 * mel.astype(np.float64) - 4.0)).sum(axis=0))  # decades of power
    quiet, loud = np.percentile(level, (5, 95))
    heard = level > max(quiet + _NOISE_SHARE * (loud - quiet), loud - _DECADES)
    edges = np.flatnonzero(np.diff(heard, prepend=False, append=False))
    found: list[tuple[int, int]] = []
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first < CLICK:
            continue
        if found and first - found[-1][1] < PAUSE:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found or [(0, mel.shape[1])]
