"""How loud a sound is, as a meter shows it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SILENCE_DB = -120.0  # what digital silence counts as
_FALL_DB = 20.0  # of the level shown, a second


def level_after(block: NDArray[np.float32], before_db: float, rate: float) -> float:
    """RMS relative to full scale of a block, or what is left of the level before it, which falls slowly.

    Args:
        block: of any shape, frames first.
        rate: frames a second.
    """
    power = float(np.square(block, dtype=np.float32).mean())
    level = 10 * math.log10(power) if power > 0 else SILENCE_DB
    return max(level, before_db - _FALL_DB * len(block) / rate, SILENCE_DB)
