"""What the decoder on top of three calls does by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpu.backends.host_decoder import largest


@given(st.integers(1, 1000), st.integers(1, 8), st.integers(0, 2**32 - 1), st.booleans())
def test_the_largest_are_those_of_a_sort(n, k, seed, with_ties):
    values = np.random.default_rng(seed).standard_normal(n + k).astype(np.float32)
    if with_ties:
        values = np.round(values)
    found = largest(values, k)
    assert len(set(found.tolist())) == k
    np.testing.assert_array_equal(values[found], np.sort(values)[::-1][:k])
