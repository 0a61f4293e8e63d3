"""What an outline of a recording is, for those who only show it."""

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.int8]
"""(n, 2): the lowest and the highest of each stretch of samples, 127 being the loudest there can be."""

BINS_PER_SECOND = 100
