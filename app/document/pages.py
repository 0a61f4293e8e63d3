"""A transcript for reading and for tables: Markdown, HTML, CSV."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator

from app.document.subtitles import PLAIN, Layout, one_line, spoken_by
from app.document.transcript import Transcript, clock
from app.document.word_document import NOT_IN_XML
from gpu.types import Segment

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&~|])")  # what has a meaning inside a line

_STYLE = """body { font: 1rem/1.6 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }
time { color: #6b7280; font-variant-numeric: tabular-nums; margin-right: .75rem; }
b { margin-right: .25rem; }
mark { background: #fef3c7; }
@media (prefers-color-scheme: dark) { body { background: #111827; color: #e5e7eb; } mark { background: #713f12; \
color: inherit; } time { color: #9ca3af; } }"""


def to_md(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Markdown (CommonMark): a heading, and a paragraph for each segment with its time."""
    paragraphs = [
        f"**[{clock(segment.start)}]** {_markdown(spoken_by(segment))}{_markdown(text)}\n"
        for segment, text in _spoken(transcript)
    ]
    return "\n".join([f"# {_markdown(one_line(transcript.path.name))}\n", *paragraphs])


def to_html(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """A page that stands alone, well-formed as XML too. Doubtful text is marked, with the reasons as its title."""
    title = _html(one_line(transcript.path.name))
    language = f' lang="{_html(transcript.language)}"' if transcript.language else ""
    rows = "".join(f"<p>{_row(segment, text)}</p>\n" for segment, text in _spoken(transcript))
    return (
        f'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"{language}>\n<head>\n<meta charset="utf-8" />\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n{rows}</body>\n</html>\n"
    )


def to_csv(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Comma-separated as whisper.cpp writes it: start and end in whole milliseconds, text in quotation marks."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    file.write("start,end,text\n")
    for segment, text in _spoken(transcript):
        start = round(segment.start * 1000)
        writer.writerow((start, max(start + 1, round(segment.end * 1000)), spoken_by(segment) + text))
    return file.getvalue()


def _spoken(transcript: Transcript) -> Iterator[tuple[Segment, str]]:
    """Segments with text, in one line."""
    for segment in transcript.segments:
        if text := one_line(segment.text):
            yield segment, text


def _row(segment: Segment, text: str) -> str:
    speaker = spoken_by(segment).strip()
    shown = _html(text)
    if segment.doubts:
        shown = f'<mark title="{_html(", ".join(segment.doubts))}">{shown}</mark>'
    time = f'<time datetime="PT{segment.start:.3f}S">{clock(segment.start)}</time>'
    return time + (f"<b>{_html(speaker)}</b>" if speaker else "") + shown


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _html(text: str) -> str:
    return html.escape(NOT_IN_XML.sub("", text))
