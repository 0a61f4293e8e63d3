"""What the panel says of memory, against what this process does."""

import numpy as np

from gpu.host_memory import host_memory


def test_use_and_peak_follow_an_allocation():
    before = host_memory()
    block = np.ones(64 << 20, np.uint8)
    during = host_memory()
    del block
    assert during.used - before.used > 60 << 20
    assert during.peak >= during.used - (1 << 20)
    assert host_memory().peak >= during.peak - (1 << 20)  # Linux counts pages per core, in batches
    assert 0 < during.free <= during.total
