"""A transcript's running text."""

from pathlib import Path

from app.document.transcript import Transcript
from gpu.types import Segment


def test_text_is_the_segments_joined() -> None:
    transcript = Transcript(Path("talk.mp3"))
    assert transcript.text == ""
    for i, text in enumerate([" Ask not", " what your country", "。中文"]):
        transcript.append(Segment(i, i, i + 1, text, (), 0.0, -0.2, 1.0, 0.0))
    assert transcript.text == "Ask not what your country。中文"
    assert [segment.id for segment in transcript.segments] == [0, 1, 2]
