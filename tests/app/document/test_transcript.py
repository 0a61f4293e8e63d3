"""A transcript's running text, and the places in it."""

from pathlib import Path

import pytest

from app.document.transcript import Transcript, clock
from gpu.types import Segment


def test_text_is_the_segments_joined() -> None:
    transcript = Transcript(Path("talk.mp3"))
    assert transcript.text == ""
    for i, text in enumerate([" Ask not", " what your country", "。中文"]):
        transcript.append(Segment(i, i, i + 1, text, (), 0.0, -0.2, 1.0, 0.0))
    assert transcript.text == "Ask not what your country。中文"
    assert [segment.id for segment in transcript.segments] == [0, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-0.1, "0:00"), (0.0, "0:00"), (59.99, "0:59"), (60.0, "1:00"), (3599.9, "59:59"), (3723.0, "1:02:03")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
