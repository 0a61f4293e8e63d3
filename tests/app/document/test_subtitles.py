"""Words as subtitles: openai/whisper's options, read back by other libraries."""

import re
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from app.document.export import to_ass, to_json, to_lrc, to_srt, to_tsv, to_vtt
from app.document.subtitles import PAUSE_S, Layout, cues, one_line
from app.document.transcript import Transcript
from gpu.types import Segment, Word


def segment(segment_id: int, words: list[Word]) -> Segment:
    text = "".join(word.word for word in words)
    return Segment(segment_id, words[0].start, words[-1].end, text, (), 0.0, -0.3, 1.4, 0.02, words=tuple(words))


def spoken(text: str, start: float = 0.0, each: float = 0.3) -> list[Word]:
    """A word every `each` seconds, spoken for two thirds of it."""
    return [
        Word(word, round(start + i * each, 2), round(start + (i + 2 / 3) * each, 2), 0.9)
        for i, word in enumerate(re.findall(r" ?\S+", text))
    ]


SPEECH = Transcript(
    Path("talk.mp3"),
    "en",
    [
        segment(0, spoken(" And so, my fellow Americans:")),
        segment(1, spoken(" ask not", 1.5) + spoken(" what your country can do for you.", 5.0)),
    ],
)


def milliseconds(time: webvtt.models.Timestamp) -> int:
    return ((time.hours * 60 + time.minutes) * 60 + time.seconds) * 1000 + time.milliseconds


def texts(layout: Layout, transcript: Transcript = SPEECH) -> list[str]:
    return [cue.text for cue in cues(transcript, layout)]


def test_segments_are_kept_but_not_across_pauses() -> None:
    assert texts(Layout()) == ["And so, my fellow Americans:", "ask not", "what your country can do for you."]
    first, second, third = cues(SPEECH)
    assert (first.start, first.end) == (0, 1400)
    assert second.end == 2000, "gone while nobody speaks"
    assert third.start == 5000, "not there before its first word"


def test_lines_and_their_count() -> None:
    assert texts(Layout(max_line_width=12)) == [
        "And so, my\nfellow\nAmericans:",
        "ask not",
        "what your\ncountry can\ndo for you.",
    ]
    assert texts(Layout(max_line_width=12, max_line_count=2)) == [
        "And so, my\nfellow",
        "Americans:\nask not",
        "what your\ncountry can",
        "do for you.",
    ]
    assert texts(Layout(max_words_per_line=2))[:3] == ["And so,", "my fellow", "Americans:"]


def test_languages_without_spaces() -> None:
    words = [Word(character, i / 10, i / 10 + 0.1, 1.0) for i, character in enumerate("我们今天去公园,好吗")]
    assert texts(Layout(max_line_width=4), Transcript(Path("x"), "zh", [segment(0, words)])) == [
        "我们今天\n去公园,\n好吗"
    ]


def test_segments_without_words_stand_alone() -> None:
    plain = Segment(2, 8.0, 9.0, " bye", (), 0.0, -0.3, 1.4, 0.02)
    mixed = Transcript(Path("x"), "en", [*SPEECH.segments, plain])
    assert texts(Layout(max_line_width=80, max_line_count=2), mixed)[-1] == "bye"
    assert "\\k" not in to_ass(mixed, Layout(highlight_words=True)).splitlines()[-1]


def test_highlighted_words_take_turns() -> None:
    layout = Layout(highlight_words=True)
    for shown in (
        [(c.start, c.end, c.text) for c in pysubs2.SSAFile.from_string(to_srt(SPEECH, layout), format_="srt")],
        [
            (milliseconds(c.start_time), milliseconds(c.end_time), c.raw_text)
            for c in webvtt.from_string(to_vtt(SPEECH, layout))
        ],
    ):
        assert all(a[1] <= b[0] for a, b in pairwise(shown))
        marked = [re.search(r"(?:<u>|{\\u1})(.*?)(?:</u>|{\\u0})", text) for *_, text in shown]
        assert [m.group(1) for m in marked if m] == [w.word.strip() for s in SPEECH.segments for w in s.words or ()]
        assert [(a, b) for (a, b, _), m in zip(shown, marked, strict=True) if m][:2] == [(0, 200), (300, 500)]


def test_karaoke_adds_up() -> None:
    """The \\k of a line, in hundredths of a second, lead from its start to its end."""
    for event in pysubs2.SSAFile.from_string(to_ass(SPEECH, Layout(highlight_words=True)), format_="ass"):
        parts = re.findall(r"{\\k(\d+)}([^{]*)", event.text)
        assert sum(int(n) for n, _ in parts) * 10 == event.end - event.start
        assert next(text for _, text in parts if text) == event.plaintext.split()[0]


def test_lyrics() -> None:
    assert to_lrc(SPEECH) == (
        "[00:00.00]And so, my fellow Americans:\n[00:01.50]ask not\n[00:02.00]\n"
        "[00:05.00]what your country can do for you.\n[00:07.00]\n"
    )
    assert to_lrc(SPEECH, Layout(highlight_words=True)).splitlines()[1] == (
        "[00:01.50]<00:01.50>ask <00:01.80>not<00:02.00>"
    )


def test_other_formats_know_no_lines() -> None:
    layout = Layout(max_words_per_line=1, highlight_words=True)
    assert to_tsv(SPEECH, layout) == to_tsv(SPEECH)
    assert to_json(SPEECH, layout) == to_json(SPEECH)
    assert '"words": [{"word": " And", "start": 0.0, "end": 0.2, "probability": 0.9}, ' in to_json(SPEECH)


AWKWARD = st.text(st.sampled_from(" \n\t\x00\u2028-><&;{}\\N中é😀ab."), max_size=6)
times = st.lists(st.floats(0, 30000), min_size=2, max_size=12).map(sorted)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    found = []
    for i in range(draw(st.integers(0, 4))):
        edges = [round(100_000 * i + t, 2) for t in draw(times)]
        found.append(segment(i, [Word(draw(AWKWARD), a, b, 0.5) for a, b in pairwise(edges)]))
    return Transcript(Path("talk.mp3"), "en", found)


layouts = st.builds(
    Layout,
    st.none() | st.integers(1, 20),
    st.none() | st.integers(1, 3),
    st.none() | st.integers(1, 5),
    st.booleans(),
)


@given(transcripts(), layouts)
def test_nothing_is_lost_whatever_the_words(document: Transcript, layout: Layout) -> None:
    expected = [one_line(w.word) for s in document.segments for w in s.words or () if one_line(w.word)]
    found = list(cues(document, layout))
    assert [part.text for cue in found for part in cue.parts] == expected
    for cue in found:
        assert cue.start < cue.end
        assert not re.search(r"\n\n|\n$|^\n", cue.text)
        assert all(b.start - a.end <= PAUSE_S * 1000 + 1 for a, b in pairwise(cue.parts))
        if layout.max_words_per_line:
            assert len(cue.parts) <= layout.max_words_per_line
        if layout.max_line_width and layout.max_line_count:
            assert cue.text.count("\n") < layout.max_line_count
    for text, format_ in ((to_srt(document, layout), "srt"), (to_ass(document, layout), "ass")):
        events = pysubs2.SSAFile.from_string(text, format_=format_)
        assert len(events) >= len(found)
        assert all(event.start < event.end for event in events)
    assert len(list(webvtt.from_string(to_vtt(document, layout)))) >= len(found)
    assert all(re.fullmatch(r"\[\d{2,}:\d\d\.\d\d\].*", row) for row in to_lrc(document, layout).splitlines())


@pytest.mark.parametrize("text", ["a\\Nb", "{\\b1}c", "x}y{", "\\h"])
def test_ass_shows_what_would_be_commands(text: str) -> None:
    document = Transcript(Path("x"), "en", [segment(0, [Word(f" {text}", 0.0, 1.0, 1.0)])])
    [event] = pysubs2.SSAFile.from_string(to_ass(document), format_="ass")
    assert event.plaintext.replace("\u2060", "").replace("｛", "{").replace("｝", "}") == text
