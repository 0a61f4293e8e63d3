"""What the panel says of memory, against what this process does."""

import platform
import sys

import numpy as np
import pytest

from gpu.host_memory import host_memory, return_freed_memory, trim_memory


def test_use_and_peak_follow_an_allocation():
    before = host_memory()
    block = np.ones(64 << 20, np.uint8)
    during = host_memory()
    del block
    assert during.used - before.used > 60 << 20
    assert during.peak >= during.used - (1 << 20)
    assert host_memory().peak >= during.peak - (1 << 20)  # Linux counts pages per core, in batches
    assert 0 < during.free <= during.total


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_trimming_gives_holes_back():
    """Blocks below the size of those that glibc maps one by one, freed below one that stays."""
    return_freed_memory()
    blocks = [np.ones(256 << 10, np.uint8) for _ in range(256)]
    last = blocks.pop()  # above all holes
    del blocks
    before = host_memory().used
    trim_memory()
    assert before - host_memory().used > 40 << 20
    assert last.all()
