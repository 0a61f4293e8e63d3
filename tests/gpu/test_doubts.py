"""What makes a segment's text doubtful."""

import pytest

from gpu.decoding import DecodedWindow
from gpu.doubts import DoubtKeeper
from gpu.types import TranscribeOptions

DEFAULTS = TranscribeOptions()


def window(avg_logprob=-0.2, compression_ratio=1.5, no_speech_prob=0.0, is_loop=False):
    return DecodedWindow((), (), avg_logprob, compression_ratio, no_speech_prob, 0.0, 0, is_loop)


def doubts(*texts, spoken=0.9, options=DEFAULTS, **of_window):
    keeper = DoubtKeeper(options)
    return [keeper.of(text, window(**of_window), spoken) for text in texts][-1]


def test_ordinary_text():
    assert doubts(" Thank you for coming.", " Now to the point.") == ()


@pytest.mark.parametrize(
    ("of_window", "expected"),
    [
        ({"avg_logprob": -1.2}, ("improbable",)),
        ({"compression_ratio": 3.0}, ("repetitive",)),
        ({"is_loop": True}, ("repetitive",)),
    ],
)
def test_what_the_fallback_could_not_mend(of_window, expected):
    assert doubts(" Anything.", **of_window) == expected


def test_the_same_three_times():
    assert doubts(" Yes.", " yes!", spoken=1) == ()
    assert doubts(" Yes.", " yes!", " Yes", spoken=1) == ("repeated",)
    assert doubts(" Yes.", " Yes.", " No.", " Yes.", spoken=1) == ()


@pytest.mark.parametrize(
    "text", [" Thank you.", " Thanks for watching!", "字幕由 Amara.org 社区提供", " Продолжение следует..."]
)
def test_stock_phrases_where_hardly_anybody_speaks(text):
    assert doubts(text, spoken=0.1) == ("stock phrase",)
    assert doubts(text, spoken=0.9) == ()
    assert doubts(text, spoken=None, no_speech_prob=0.8) == ("stock phrase",)
    assert doubts(text, spoken=None, no_speech_prob=0.1) == ()


def test_text_where_nobody_speaks():
    assert doubts(" A word.", spoken=0.0) == ("no speech",)


def test_switched_off_with_the_thresholds():
    off = TranscribeOptions(logprob_threshold=None, compression_ratio_threshold=None, no_speech_threshold=None)
    assert doubts(" Thank you.", spoken=None, options=off, avg_logprob=-3, compression_ratio=9, no_speech_prob=1) == ()
