import numpy as np
import pytest

from gpu.audio import SAMPLE_RATE
from tests.bench.word_times import (
    TimedWord,
    Utterance,
    edges,
    inner,
    matched,
    missed_bounds,
    our_words,
    trimmed,
)
from tests.support.speech import SPEECH

UTTERANCES = [Utterance(0.0, 1.0, ["ask", "not"]), Utterance(1.5, 3.0, ["what", "you", "can", "do"])]
HEARD = [
    TimedWord(" Ask", 0.02, 0.4),
    TimedWord(" knot,", 0.4, 1.3),
    TimedWord(" —", 1.3, 1.3),
    TimedWord(" what", 1.42, 1.9),
    TimedWord(" you", 2.0, 2.2),
    TimedWord(" do.", 2.5, 3.01),
]


def test_speech_is_cut_out_by_its_energy():
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    samples = np.concatenate([noise * 0.001, noise, noise * 0.001])
    assert len(trimmed(samples)) == SAMPLE_RATE


def test_words_are_matched_by_the_fewest_edits():
    assert matched(["ask", "not", "what"], [" Ask", " knot,", " —", " what"]) == {0: 0, 1: 1, 2: 3}


def test_edges_are_the_first_and_last_words():
    starts, ends = edges(UTTERANCES, HEARD)
    assert starts.seconds == pytest.approx([0.02, -0.08])
    assert ends.seconds == pytest.approx([0.3, 0.01])
    assert starts.median == pytest.approx(0.05)
    assert ends.within == 0.5
    assert [line.split(":")[0] for line in missed_bounds(starts, ends)] == ["last words' ends"] * 2


def test_inner_words_are_away_from_edges():
    later = [TimedWord(w.text, w.start + 0.01, w.end - 0.02) for w in HEARD]
    starts, ends = inner(UTTERANCES, HEARD, later)
    assert starts.seconds == pytest.approx([-0.01])
    assert ends.seconds == pytest.approx([0.02])


@pytest.mark.slow
def test_our_words_are_timed():
    words = our_words(SPEECH)
    assert "young" in [word.text.strip() for word in words]
    assert all(0 <= word.start <= word.end <= 3.5 for word in words)
