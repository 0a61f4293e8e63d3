"""Exports are read back by parsers of others; whatever the text, nothing is lost and nothing is torn."""

import csv
import html
import io
import json
import re
from pathlib import Path

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from app.document.export import (
    FORMATS,
    contents,
    format_of,
    save,
    to_ass,
    to_json,
    to_srt,
    to_times_txt,
    to_tsv,
    to_txt,
    to_vtt,
)
from app.document.pages import to_html
from app.document.subtitles import lines
from app.document.transcript import Transcript
from gpu.types import Segment

AWKWARD = "\n\r\x0b\x0c\x1c\u2028\x85\t\x00 -><&;amp{}\\0123:,.WEBVTT\u00a0\u3000é中\U0001f600"
texts = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters(exclude_categories=["Cs"])), max_size=40)
seconds = st.floats(0, 3.5e5)  # pysubs2 knows two digits of hours


def segment(start: float, end: float, text: str, segment_id: int = 0) -> Segment:
    return Segment(segment_id, start, end, text, (50364, 1396, 50914), 0.2, -0.31, 1.4, 0.02)


def transcript(*segments: tuple[float, float, str]) -> Transcript:
    numbered = [segment(*times_and_text, i) for i, times_and_text in enumerate(segments)]
    return Transcript(Path("talk.mp3"), "en", numbered)


transcripts = st.lists(st.tuples(seconds, seconds, texts), max_size=8).map(lambda s: transcript(*s))

SPEECH = transcript((0.0, 3.2, " And so,"), (3.2, 3661.0456, " my fellow Americans:"), (3661.05, 3662.0, " ask not"))


def written(document: Transcript) -> list[Segment]:
    return [s for s in document.segments if lines(s.text)]


def check_times(cue_ms: tuple[int, int], source: Segment) -> None:
    start, end = cue_ms
    assert start == pytest.approx(source.start * 1000, abs=0.51)
    assert end > start
    assert end == max(start + 1, round(source.end * 1000))


def test_plain_examples() -> None:
    assert to_txt(SPEECH) == "And so,\nmy fellow Americans:\nask not\n"
    assert to_srt(SPEECH) == (
        "1\n00:00:00,000 --> 00:00:03,200\nAnd so,\n\n"
        "2\n00:00:03,200 --> 01:01:01,046\nmy fellow Americans:\n\n"
        "3\n01:01:01,050 --> 01:01:02,000\nask not\n"
    )
    assert to_vtt(SPEECH) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:03.200\nAnd so,\n\n"
        "00:00:03.200 --> 01:01:01.046\nmy fellow Americans:\n\n"
        "01:01:01.050 --> 01:01:02.000\nask not\n"
    )
    assert (
        to_tsv(SPEECH)
        == "start\tend\ttext\n0\t3200\tAnd so,\n3200\t3661046\tmy fellow Americans:\n3661050\t3662000\task not\n"
    )


@given(transcripts)
def test_srt_follows_its_grammar(document: Transcript) -> None:
    cue = r"(\d+)\n(\d\d+):([0-5]\d):([0-5]\d),(\d{3}) --> (\d\d+):([0-5]\d):([0-5]\d),(\d{3})\n((?:[^\n]+\n)+)"
    srt = to_srt(document)
    assert re.fullmatch(f"(?:{cue}(?:\n(?=.)|$))*", srt)
    found = re.findall(cue, srt)
    assert len(found) == len(written(document))
    for number, (groups, source) in enumerate(zip(found, written(document), strict=True), 1):
        index, *times, text = groups
        h0, m0, s0, ms0, h1, m1, s1, ms1 = map(int, times)
        assert int(index) == number
        check_times((((h0 * 60 + m0) * 60 + s0) * 1000 + ms0, ((h1 * 60 + m1) * 60 + s1) * 1000 + ms1), source)
        assert "-->" not in text
        assert text.splitlines() == [line.replace("-->", "->") for line in lines(source.text)]


@given(transcripts)
def test_srt_reads_back_with_pysubs2(document: Transcript) -> None:
    cues = pysubs2.SSAFile.from_string(to_srt(document), format_="srt")
    assert len(cues) == len(written(document))
    for cue, source in zip(cues, written(document), strict=True):
        check_times((cue.start, cue.end), source)
        if not set("<{\\") & set(source.text):  # these are markup to it
            assert cue.plaintext.splitlines() == [line.replace("-->", "->") for line in lines(source.text)]


@given(transcripts)
def test_vtt_reads_back_with_webvtt(document: Transcript) -> None:
    cues = list(webvtt.from_string(to_vtt(document)))
    assert len(cues) == len(written(document))
    for cue, source in zip(cues, written(document), strict=True):
        check_times(
            tuple(
                t.hours * 3600000 + t.minutes * 60000 + t.seconds * 1000 + t.milliseconds
                for t in (cue.start_time, cue.end_time)
            ),
            source,
        )
        assert not re.search("[<>]|&(?!amp;|lt;|gt;)", cue.raw_text)
        assert html.unescape(cue.raw_text).splitlines() == lines(source.text)


@given(transcripts)
def test_tsv_reads_back_with_csv(document: Transcript) -> None:
    rows = list(csv.reader(io.StringIO(to_tsv(document), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == ["start", "end", "text"]
    assert len(rows) == 1 + len(written(document))
    for (start, end, text), source in zip(rows[1:], written(document), strict=True):
        check_times((int(start), int(end)), source)
        assert text == " ".join(lines(source.text))


@given(transcripts)
def test_txt_has_a_line_for_each_segment(document: Transcript) -> None:
    assert to_txt(document).splitlines() == [" ".join(lines(s.text)) for s in written(document)]


@given(transcripts)
def test_json_is_openai_whispers_result(document: Transcript) -> None:
    result = json.loads(to_json(document))
    assert list(result) == ["text", "segments", "language"]
    assert result["text"] == "".join(s.text for s in document.segments)
    for fields, source in zip(result["segments"], document.segments, strict=True):
        assert fields == {
            "id": source.id,
            "start": source.start,
            "end": source.end,
            "text": source.text,
            "tokens": list(source.tokens),
            "temperature": source.temperature,
            "avg_logprob": source.avg_logprob,
            "compression_ratio": source.compression_ratio,
            "no_speech_prob": source.no_speech_prob,
            "doubts": list(source.doubts),  # ours
        }


@given(texts)
def test_lines_lose_only_space_and_control_characters(text: str) -> None:
    def visible(s: str) -> str:
        return re.sub(r"[\s\x00-\x1f\x7f-\x9f]", "", s)

    assert visible("".join(lines(text))) == visible(text)
    assert all(line.strip() == line != "" and len(line.splitlines()) == 1 for line in lines(text))


def test_an_empty_transcript_is_valid_in_every_format() -> None:
    empty = Transcript(Path("silence.wav"))
    made = {name: write(empty) for name, write in FORMATS.items() if name not in ("docx", "pdf")}
    assert made == {
        "txt": "",
        "times.txt": "",
        "srt": "",
        "vtt": "WEBVTT\n",
        "words.vtt": "WEBVTT\n",
        "tsv": "start\tend\ttext\n",
        "json": '{"text": "", "segments": [], "language": null}\n',
        "lrc": "",
        "ass": to_ass(empty),
        "csv": "start,end,text\n",
        "md": "# silence.wav\n",
        "html": to_html(empty),
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.usefixtures("qapp")
def test_save_replaces_what_was_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"talk.{name}"
    path.write_text("old " * 1000)
    document = transcript((0.0, 1.0, " naïve 中文 😀"))
    save(document, path, name)
    assert path.read_bytes().startswith(contents(document, name)[: 500 if name != "docx" else 4])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "likely", "found"),
    [
        ("talk.srt", "txt", "srt"),
        ("talk.SRT", "txt", "srt"),
        ("talk.txt", "srt", "txt"),
        ("talk.txt", "times.txt", "times.txt"),
        ("talk.times.txt", "srt", "times.txt"),
        ("talk.vtt", "words.vtt", "words.vtt"),
        ("talk", "docx", "docx"),
        ("talk.mp3", "html", "html"),
    ],
)
def test_format_of_a_name(name: str, likely: str, found: str) -> None:
    assert format_of(Path(name), likely) == found


@given(transcripts)
def test_txt_with_times(document: Transcript) -> None:
    rows = [re.fullmatch(r"\[(?:(\d+):)?(\d+):(\d\d)\] (.*)", row) for row in to_times_txt(document).splitlines()]
    assert len(rows) == len(written(document))
    for row, source in zip(rows, written(document), strict=True):
        assert row is not None
        hours, minutes, whole_seconds, text = row.groups()
        assert int(hours or 0) * 3600 + int(minutes) * 60 + int(whole_seconds) == int(source.start)
        assert text == " ".join(lines(source.text))


def test_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="no limit to a file's size on this system")
    path = tmp_path / "talk.txt"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # like a full disk
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            save(transcript((0.0, 1.0, "word " * 1000)), path, "txt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
