"""Dynamic time warping against the plain cell-by-cell form, the median against NumPy's."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.alignment import _SILENCE_IN_A_WORD, _SOUND_IN_NO_WORD, alignment_matrix, median7, warp


def plain_warp(costs, sounds, pauses, begins_word):
    """Where each token begins: every cell asks all cells before it, at every pause and end."""
    n = len(costs)
    best = {}  # (position, token) -> (cost, the cell before)
    skipped = 0
    for i, (first, last) in enumerate(sounds):
        for position, token in itertools.product(range(first, last), range(n)):
            ways = [(best[position, token - 1][0], (position, token - 1))] if token else []
            if position > first:
                ways += [(best[position - 1, t][0], (position - 1, t)) for t in (token, token - 1) if t >= 0]
            else:
                ways += [(_SOUND_IN_NO_WORD * skipped, None)] if token == 0 else []
                if i:
                    before = sounds[i - 1][1] - 1
                    silence = pauses[i - 1] * _SILENCE_IN_A_WORD
                    ways.append((best[before, token][0] + silence, (before, token)))
                    if token:
                        free = 0 if begins_word[token] else silence
                        ways.append((best[before, token - 1][0] + free, (before, token - 1)))
            cost, cell = min(ways, key=lambda way: way[0], default=(np.inf, None))
            best[position, token] = cost + costs[token, position], cell
        skipped += last - first
    after = [sum(b - a for a, b in sounds[i + 1 :]) for i in range(len(sounds))]
    pairs = zip(sounds, after, strict=True)
    ends = [(best[last - 1, n - 1][0] + _SOUND_IN_NO_WORD * rest, last - 1) for (_, last), rest in pairs]
    cell = (min(ends)[1], n - 1)
    starts = [0] * n
    while cell is not None:
        starts[cell[1]] = cell[0]
        cell = best[cell][1]
    return starts


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=7))
def test_warping_is_the_plain_one(seed, n_tokens, lengths):
    """`lengths` of sounds and of the silences between them in turn."""
    edges = np.cumsum([0, *lengths]).tolist()
    sounds = list(itertools.pairwise(edges))[::2]
    rng = np.random.default_rng(seed)
    costs = rng.standard_normal((n_tokens, edges[-1])).astype(np.float32)
    begins_word = rng.random(n_tokens) < 0.6
    pauses = rng.integers(0, 12, len(sounds) - 1).tolist()
    spans = warp(costs, sounds, pauses, begins_word)
    assert [first for first, _ in spans] == plain_warp(costs.astype(float), sounds, pauses, begins_word)
    assert all(first <= end <= following for (first, end), (following, _) in itertools.pairwise(spans))
    assert spans[-1][1] in {last for _, last in sounds}
    for (_, end), (following, _) in itertools.pairwise(spans):
        assert end == following or (end in {b for _, b in sounds} and following in {a for a, _ in sounds})


def test_a_pause_lies_between_words():
    """Attention that is a little late: the second word's first token is looked at from its third position on."""
    matrix = np.full((3, 30), -0.2, np.float32)
    matrix[0, :12] = matrix[1, 22:26] = matrix[2, 26:] = 2.0
    spans = warp(-matrix, [(0, 10), (20, 30)], [10], np.array([True, True, False]))
    assert spans == [(0, 10), (20, 26), (26, 30)]


def test_silence_that_was_left_out_is_a_pause():
    """The second token's attention begins before the seam: it is one word with the third, and not cut in two by it."""
    matrix = np.full((3, 20), -0.2, np.float32)
    matrix[0, :8] = matrix[1, 8:14] = matrix[2, 14:] = 2.0
    begins_word = np.array([True, True, False])
    sounds = [(0, 10), (10, 20)]
    assert warp(-matrix, sounds, [0], begins_word) == [(0, 8), (8, 14), (14, 20)]
    assert warp(-matrix, sounds, [25], begins_word) == [(0, 10), (10, 14), (14, 20)]


def test_a_window_full_of_words():
    costs = np.random.default_rng(0).standard_normal((100, 1500)).astype(np.float32)
    spans = warp(costs, [(0, 700), (720, 1500)], [20], np.ones(100, bool))
    assert len(spans) == 100


def test_the_exchanges_find_every_median():
    for values in itertools.permutations(range(7)):
        assert median7(np.array([values], np.float32))[0, 3] == 3


@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_median_is_numpys(n):
    x = np.random.default_rng(n).standard_normal((3, n)).astype(np.float32)
    if n <= 3:
        expected = x  # openai/whisper leaves it as it is
    else:
        padded = np.pad(x, ((0, 0), (3, 3)), mode="reflect")
        expected = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7, axis=-1), axis=-1)
    np.testing.assert_array_equal(median7(x), expected)


def test_the_matrix_is_normalized_over_tokens():
    """A head that looks at one place whatever the token says nothing; one that follows the tokens says it all."""
    n, n_audio = 5, 60
    idle = np.tile(np.random.default_rng(1).random(n_audio, np.float32), (n, 1))
    following = np.repeat(np.eye(n, dtype=np.float32), n_audio // n, axis=1) + 0.01
    matrix = alignment_matrix(np.stack([idle, following]))
    assert matrix.shape == (n, n_audio)
    assert (matrix.argmax(axis=0) == np.repeat(np.arange(n), n_audio // n)).all()
    np.testing.assert_allclose(matrix.max(axis=0), 0.5 * 2.0, rtol=1e-3)  # of five, one is 2 deviations above
