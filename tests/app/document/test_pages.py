"""Markdown, HTML and CSV are read back by parsers of others."""

import csv
import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.document.pages import to_csv, to_html, to_md
from app.document.subtitles import one_line
from app.document.transcript import Transcript
from tests.support.engine_messages import make_segment

AWKWARD = "\n\r\t\x00\x1b \\`*_{}[]()#+-.!|<>&~\"'=,;:/0123\u2028\x85é中\U0001f600"
texts = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters(exclude_categories=["Cs"])), max_size=40)
XHTML = "{http://www.w3.org/1999/xhtml}"


def transcript(*segment_texts: str) -> Transcript:
    return Transcript(
        Path("/recordings/a_b <1>.mp3"), "en", [make_segment(i, text) for i, text in enumerate(segment_texts)]
    )


def spoken(document: Transcript) -> list[str]:
    return [text for segment in document.segments if (text := one_line(segment.text))]


def page(document: Transcript) -> ET.Element:
    return ET.fromstring(to_html(document).removeprefix("<!DOCTYPE html>\n"))


def printable(text: str) -> list[str]:
    """Its words, without what XML cannot hold; Markdown's parser replaces some of that too."""
    return "".join(char for char in text if ord(char) >= 32 and char not in "\x7f\ufffd\ufffe\uffff").split()


@given(st.lists(texts, max_size=6))
def test_csv(segment_texts: list[str]) -> None:
    document = transcript(*segment_texts)
    rows = list(csv.reader(io.StringIO(to_csv(document), newline="")))
    assert rows[0] == ["start", "end", "text"]
    assert [row[2] for row in rows[1:]] == spoken(document)
    assert all(int(start) < int(end) for start, end, _ in rows[1:])


@given(st.lists(texts, max_size=6))
def test_html(segment_texts: list[str]) -> None:
    document = transcript(*segment_texts)
    root = page(document)
    assert root.findtext(f".//{XHTML}h1") == "a_b <1>.mp3"
    found = ["".join(p.itertext()) for p in root.iter(f"{XHTML}p")]
    times = [time.text or "" for time in root.iter(f"{XHTML}time")]
    shown = [printable(text.removeprefix(time)) for text, time in zip(found, times, strict=True)]
    assert shown == [printable(text) for text in spoken(document)]


@given(st.lists(texts, max_size=6))
def test_markdown(segment_texts: list[str]) -> None:
    """What it shows is the text: nothing in it is emphasis, a link, or HTML."""
    document = transcript(*segment_texts)
    tokens = MarkdownIt("commonmark").parse(to_md(document))
    inline = [token.children or [] for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in children) for children in inline]
    assert shown[0] == "a_b <1>.mp3"
    paragraphs = [text.split("] ", 1)[1] for text in shown[1:]]
    assert [printable(text) for text in paragraphs] == [printable(text) for text in spoken(document)]
    assert all({child.type for child in c} <= {"text", "strong_open", "strong_close", "text_special"} for c in inline)


def test_how_they_look() -> None:
    first = replace(make_segment(0, "Ask not, 中文."), speaker=1)
    doubtful = replace(make_segment(1300, "you & me"), doubts=("stock phrase",))
    document = Transcript(Path("talk.mp3"), "zh", [first, doubtful])
    assert to_md(document) == "# talk.mp3\n\n**[0:00]** Speaker 1: Ask not, 中文.\n\n**[1:05:00]** you \\& me\n"
    assert to_csv(document) == 'start,end,text\n0,3000,"Speaker 1: Ask not, 中文."\n3900000,3903000,"you & me"\n'
    html = to_html(document)
    assert '<html xmlns="http://www.w3.org/1999/xhtml" lang="zh">' in html
    assert '<p><time datetime="PT0.000S">0:00</time><b>Speaker 1:</b>Ask not, 中文.</p>' in html
    assert '<mark title="stock phrase">you &amp; me</mark>' in html
