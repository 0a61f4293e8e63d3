"""Words as subtitles: what their layout promises, read back by other libraries."""

import html
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from app.document.export import to_ass, to_json, to_lrc, to_srt, to_tsv, to_vtt, to_words_vtt
from app.document.line_breaks import pieces
from app.document.subtitles import PAUSE_S, PRESETS, SHORTEST_MS, Layout, cues, one_line
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
        "And so,\nmy fellow\nAmericans:",
        "ask not",
        "what your\ncountry can\ndo for you.",
    ]
    assert texts(Layout(max_line_width=12, max_line_count=2)) == [
        "And so,\nmy fellow",
        "Americans:\nask not",
        "what your\ncountry",
        "can do\nfor you.",
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
        if layout.max_line_width and layout.max_line_count:
            assert cue.text.count("\n") < layout.max_line_count
    for text, format_ in ((to_srt(document, layout), "srt"), (to_ass(document, layout), "ass")):
        events = pysubs2.SSAFile.from_string(text, format_=format_)
        assert len(events) >= len(found)
        assert all(event.start < event.end for event in events)
    assert len(list(webvtt.from_string(to_vtt(document, layout)))) >= len(found)
    assert all(re.fullmatch(r"\[\d{2,}:\d\d\.\d\d\].*", row) for row in to_lrc(document, layout).splitlines())


HOSTILE = st.text(
    st.sampled_from(" \n\t\x00\u2028-><&;{}\\N中文，。「（）”“ーっ가ابกำ😀\u200d\u0301ab.,1"), max_size=30
) | st.sampled_from(["", "w" * 90, "字" * 90, "😀" * 40, "-->", "WEBVTT", "ภาษาไทยไม่มีช่องว่าง", "一二，三。" * 9])
at = st.floats(0, 60)


@st.composite
def hostile_transcripts(draw: st.DrawFn) -> Transcript:
    """Segments without words, in any order of time, some of no length."""
    rows = draw(st.lists(st.tuples(at, at, HOSTILE, st.none() | st.integers(1, 2)), max_size=6))
    segments = [Segment(i, a, b, t, (), 0.0, -0.3, 1.4, 0.0, speaker=s) for i, (a, b, t, s) in enumerate(rows)]
    return Transcript(Path("talk.mp3"), "zh", segments)


strict_layouts = st.builds(
    Layout,
    st.integers(2, 45),
    st.none() | st.integers(1, 3),
    st.none() | st.integers(1, 9),
    st.just(False),
    st.none() | st.integers(1, 20),
    st.none() | st.floats(5, 25),
    st.none() | st.floats(3, 12),
    st.integers(0, 500),
) | st.sampled_from(list(PRESETS.values()))


def without_spaces(text: str) -> str:
    return "".join(text.split())


def said(document: Transcript) -> str:
    """All there is to be shown, without who says it."""
    return without_spaces("".join(one_line(segment.text) for segment in document.segments))


def is_one_word(line: str) -> bool:
    return len(list(pieces(re.sub(r"^Speaker \d: ", "", line)))) <= 1


@given(hostile_transcripts(), strict_layouts)
def test_promises_of_a_layout(document: Transcript, layout: Layout) -> None:
    """Nothing is lost; lines are no longer and no more than asked; gaps are kept; nothing goes back in time; whatever
    has the time stands long enough to be read."""
    found = list(cues(document, layout))
    shown = re.sub(r"Speaker\d:", "", without_spaces("".join(cue.text for cue in found)))
    assert shown == re.sub(r"Speaker\d:", "", said(document))
    for cue in found:
        assert cue.start < cue.end
        assert all(cue.start <= part.start <= part.end <= cue.end for part in cue.parts) or not layout.moves_times
        rows = cue.text.split("\n")
        if layout.cuts and layout.max_line_count:
            assert len(rows) <= layout.max_line_count
        for row in rows if layout.cuts else ():
            assert layout.fullness(row) <= 1 + 1e-9 or is_one_word(row)
    if layout.moves_times:
        for cue, following in pairwise(found):
            assert following.start - cue.end >= layout.min_gap_ms
            room_ms = following.start - layout.min_gap_ms - cue.start
            assert cue.end - cue.start >= min(layout.reading_ms(cue.text), room_ms)
        if found:
            assert found[-1].end - found[-1].start >= layout.reading_ms(found[-1].text)


@given(hostile_transcripts(), strict_layouts)
def test_every_subtitle_format_reads_back(document: Transcript, layout: Layout) -> None:
    found = list(cues(document, layout))
    read = list(webvtt.from_string(to_vtt(document, layout)))
    assert [without_spaces(html.unescape(c.raw_text)) for c in read] == [without_spaces(c.text) for c in found]
    for format_, write, step in (("srt", to_srt, 1), ("ass", to_ass, 10)):
        events = pysubs2.SSAFile.from_string(write(document, layout), format_=format_)
        assert len(events) == len(found)
        for event, cue in zip(events, found, strict=True):
            assert abs(event.start - cue.start) <= step
            assert abs(event.end - cue.end) <= step
            if not set("<{}\\") & set(cue.text):
                expected = cue.text.replace("-->", "->") if format_ == "srt" else cue.text
                assert without_spaces(event.plaintext) == without_spaces(expected)


def test_presets_look_as_television_does() -> None:
    words = (
        "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want."
    )
    document = Transcript(Path("x"), "en", [segment(0, spoken(f" {words}", each=0.25))])
    assert texts(PRESETS["standard"], document) == [
        "It is a truth universally acknowledged,",
        "that a single man in possession of\na good fortune, must be in want.",
    ]
    chinese = "我们今天要谈的是“人工智能”的未来，它会怎样改变我们的生活（以及工作）？"
    document = Transcript(Path("x"), "zh", [Segment(0, 0.0, 8.0, chinese, (), 0.0, -0.3, 1.4, 0.0)])
    assert texts(PRESETS["standard"], document) == [
        "我们今天要谈的是\n“人工智能”的未来，",
        "它会怎样改变我们的\n生活（以及工作）？",
    ]


def test_who_speaks_is_said_once_until_somebody_else_does() -> None:
    first, second = (segment(i, spoken(" one two three four", 2.0 * i)) for i in range(2))
    document = Transcript(Path("x"), "en", [replace(first, speaker=1), replace(second, speaker=2)])
    assert texts(Layout(22, 1), document) == ["Speaker 1: one", "two three four", "Speaker 2: one", "two three four"]


def test_subtitles_stand_as_long_as_it_takes_to_read_them() -> None:
    quick = Segment(0, 0.0, 0.5, "Seventeen letters in a second", (), 0.0, -0.3, 1.4, 0.0)
    [cue] = cues(Transcript(Path("x"), "en", [quick]), Layout(max_speed=10))
    assert (cue.start, cue.end) == (0, 2901), "nobody speaks: there is time"
    follower = Segment(1, 1.0, 2.0, "No.", (), 0.0, -0.3, 1.4, 0.0)
    first, second = cues(Transcript(Path("x"), "en", [quick, follower]), Layout(max_speed=10, min_gap_ms=100))
    assert (first.end, second.start, second.end) == (900, 1000, 2000)
    assert Layout(max_speed=10).reading_ms("a") == SHORTEST_MS
    assert Layout(max_speed=20, max_cjk_speed=5).reading_ms("中文中文中文中文中文") == 2001


def test_words_of_vtt_light_up_one_after_the_other() -> None:
    """https://www.w3.org/TR/webvtt1/#webvtt-timestamp-tag: within the cue, and growing."""
    assert to_words_vtt(SPEECH).splitlines()[3] == (
        "And <00:00:00.300>so, <00:00:00.600>my <00:00:00.900>fellow <00:00:01.200>Americans:"
    )
    read = list(webvtt.from_string(to_words_vtt(SPEECH, Layout(max_line_width=12))))
    assert [cue.text for cue in read] == texts(Layout(max_line_width=12))


@given(transcripts(), layouts)
def test_timestamps_within_a_cue_grow(document: Transcript, layout: Layout) -> None:
    layout = replace(layout, highlight_words=False)
    read = list(webvtt.from_string(to_words_vtt(document, layout)))
    found = list(cues(document, layout))
    for cue, source in zip(read, found, strict=True):
        tags = re.findall(r"<(\d+):(\d\d):(\d\d)\.(\d{3})>", cue.raw_text)
        inside = [((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms) for h, m, s, ms in tags]
        assert all(a < b for a, b in pairwise([source.start, *inside, source.end]))
        assert without_spaces(html.unescape(re.sub(r"<[\d:.]+>", "", cue.raw_text))) == without_spaces(source.text)


@pytest.mark.parametrize("text", ["a\\Nb", "{\\b1}c", "x}y{", "\\h"])
def test_ass_shows_what_would_be_commands(text: str) -> None:
    document = Transcript(Path("x"), "en", [segment(0, [Word(f" {text}", 0.0, 1.0, 1.0)])])
    [event] = pysubs2.SSAFile.from_string(to_ass(document), format_="ass")
    assert event.plaintext.replace("\u2060", "").replace("｛", "{").replace("｝", "}") == text
