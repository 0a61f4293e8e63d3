"""A transcript in the formats of openai/whisper (txt, srt, vtt, tsv, json), as song text (lrc) and as styled subtitles
(ass), and those of `pages`, `word_document` and `app.pdf`; and how such a file is written safely."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

from app.document.pages import to_csv, to_html, to_md
from app.document.subtitles import PAUSE_S, PLAIN, Cue, Layout, cues, one_line, spoken_by
from app.document.transcript import Transcript, clock
from app.document.word_document import to_docx
from gpu.types import Segment

_ASS_HEAD = """[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
PlayResX: 1920
PlayResY: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,64,&H00FFFFFF,&H00B0B0B0,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,60,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class Writer(Protocol):
    """A format: text, or bytes where it is none. What of the layout does not concern it, it ignores."""

    def __call__(self, transcript: Transcript, layout: Layout = PLAIN) -> str | bytes: ...


def to_txt(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Plain text, a line for each segment."""
    texts = ((spoken_by(segment), one_line(segment.text)) for segment in transcript.segments)
    return "".join(f"{speaker}{text}\n" for speaker, text in texts if text)


def to_times_txt(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Plain text with the time of each segment before it."""
    texts = ((clock(segment.start), spoken_by(segment), one_line(segment.text)) for segment in transcript.segments)
    return "".join(f"[{time}] {speaker}{text}\n" for time, speaker, text in texts if text)


def to_srt(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """SubRip. It knows no escapes: an arrow in the text becomes "->", as in openai/whisper."""
    return "\n".join(
        f"{number}\n{_timestamp(start, ',')} --> {_timestamp(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(_shown(transcript, layout, _without_arrows), 1)
    )


def to_vtt(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1)."""
    return "WEBVTT\n" + "".join(
        f"\n{_timestamp(start, '.')} --> {_timestamp(end, '.')}\n{text}\n"
        for start, end, text in _shown(transcript, layout, _escape_vtt)
    )


def to_words_vtt(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """WebVTT with a timestamp before each word but those that come with their subtitle: players show words one after
    the other, or colour them (`::cue(:past)`)."""
    return "WEBVTT\n" + "".join(
        f"\n{_timestamp(cue.start, '.')} --> {_timestamp(cue.end, '.')}\n{_words_vtt(cue)}\n"
        for cue in cues(transcript, layout)
    )


def to_lrc(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Song text: a line for each subtitle, an empty one where a pause follows. Words that are to be highlighted have
    their times before them (the "enhanced" or A2 form)."""
    rows: list[str] = []
    previous: Cue | None = None
    for cue in cues(transcript, layout):
        if previous and cue.start - previous.end > PAUSE_S * 1000:
            rows.append(f"[{_minutes(previous.end)}]")
        text = one_line(cue.text)
        if layout.highlight_words and cue.has_words:
            words = (f"{' ' if part.lead else ''}<{_minutes(part.start)}>{part.text}" for part in cue.parts)
            text = "".join(words) + f"<{_minutes(cue.end)}>"
        rows.append(f"[{_minutes(cue.start)}]{text}")
        previous = cue
    if previous:
        rows.append(f"[{_minutes(previous.end)}]")
    return "".join(f"{row}\n" for row in rows)


def to_ass(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Advanced SubStation Alpha; words that are to be highlighted as karaoke (\\k)."""
    events = []
    for cue in cues(transcript, layout):
        start = cue.start // 10
        end = max(start + 1, round(cue.end / 10))
        text = _karaoke(cue) if layout.highlight_words and cue.has_words else _escape_ass(cue.text)
        events.append(f"Dialogue: 0,{_hundredths(start)},{_hundredths(end)},Default,,0,0,0,,{text}\n")
    return _ASS_HEAD + "".join(events)


def to_tsv(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """Tab-separated, unquoted: start and end in whole milliseconds, text."""
    segments = Transcript(transcript.path, segments=[replace(s, words=None) for s in transcript.segments])
    rows = [f"{cue.start}\t{cue.end}\t{one_line(cue.text)}\n" for cue in cues(segments)]
    return "start\tend\ttext\n" + "".join(rows)


def to_json(transcript: Transcript, layout: Layout = PLAIN) -> str:
    """openai/whisper's result: `text`, `language` and `segments` with all that is known of each."""
    result = {
        "text": "".join(segment.text for segment in transcript.segments),
        "segments": [_segment_fields(number, segment) for number, segment in enumerate(transcript.segments)],
        "language": transcript.language,
    }
    return json.dumps(result, ensure_ascii=False) + "\n"


def to_pdf(transcript: Transcript, layout: Layout = PLAIN) -> bytes:
    from app import pdf  # the one format that needs Qt

    return pdf.to_pdf(transcript, layout)


# By the endings of their files.
FORMATS: dict[str, Writer] = {
    "txt": to_txt,
    "times.txt": to_times_txt,
    "srt": to_srt,
    "vtt": to_vtt,
    "words.vtt": to_words_vtt,
    "lrc": to_lrc,
    "ass": to_ass,
    "tsv": to_tsv,
    "csv": to_csv,
    "json": to_json,
    "md": to_md,
    "html": to_html,
    "docx": to_docx,
    "pdf": to_pdf,
}
SUBTITLES = ("srt", "vtt", "words.vtt", "lrc", "ass")  # what `Layout` is about


def format_of(path: Path, likely: str = "txt") -> str:
    """The format a file's name stands for. talk.txt may be with times or without: then `likely` is, if it is either."""
    name = path.name.lower()
    if name.endswith(f".{likely.rpartition('.')[2]}"):
        return likely
    return max((ending for ending in FORMATS if name.endswith(f".{ending}")), key=len, default=likely)


def contents(transcript: Transcript, format_name: str, layout: Layout = PLAIN) -> bytes:
    """What a file in one of `FORMATS` holds; text in UTF-8.

    Raises:
        OutputFileError: it cannot be made here (PDF).
    """
    made = FORMATS[format_name](transcript, layout)
    return made.encode(errors="replace") if isinstance(made, str) else made


def save(transcript: Transcript, path: Path, format_name: str, layout: Layout = PLAIN) -> None:
    """Write `transcript` to `path` in one of `FORMATS`, whole or not at all: what was there before stays until then.

    Raises:
        OSError: the folder cannot be written, the disk is full; `filename` is `path`.
        OutputFileError: it cannot be made here (PDF).
    """
    made = contents(transcript, format_name, layout)
    temporary = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with temporary.open("xb") as file:
            file.write(made)
        temporary.replace(path)
    except OSError as e:
        e.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _shown(transcript: Transcript, layout: Layout, escape: Callable[[str], str]) -> Iterator[tuple[int, int, str]]:
    """Subtitles as start, end and text; where words are highlighted, each as often as it has words."""
    for cue in cues(transcript, layout):
        if not (layout.highlight_words and cue.has_words):
            yield cue.start, cue.end, escape(cue.text)
            continue
        shown_until = cue.start
        for spoken in cue.parts:
            if spoken.start > shown_until:
                yield shown_until, spoken.start, escape(cue.text)
            parts = ((p.lead, f"<u>{escape(p.text)}</u>" if p is spoken else escape(p.text)) for p in cue.parts)
            shown_until = max(shown_until, spoken.start)
            if spoken.end > shown_until:
                yield shown_until, spoken.end, "".join(lead + text for lead, text in parts)
                shown_until = spoken.end
        if cue.end > shown_until:
            yield shown_until, cue.end, escape(cue.text)


def _words_vtt(cue: Cue) -> str:
    """Its timestamps grow, and lie within it."""
    text, reached = "", cue.start
    for part in cue.parts:
        text += part.lead
        if cue.has_words and reached < part.start < cue.end:
            text += f"<{_timestamp(part.start, '.')}>"
            reached = part.start
        text += _escape_vtt(part.text)
    return text


def _timestamp(milliseconds: int, decimal_mark: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal_mark}{milliseconds:03d}"


def _minutes(milliseconds: int) -> str:
    minutes, hundredths = divmod(round(milliseconds / 10), 6000)
    return f"{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}"


def _hundredths(hundredths: int) -> str:
    minutes, hundredths = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}"


def _karaoke(cue: Cue) -> str:
    """Its words, each with how long it is spoken in hundredths of a second; pauses have an empty one."""
    text, reached = "", cue.start // 10
    for part in cue.parts:
        start, end = max(round(part.start / 10), reached), max(round(part.end / 10), reached)
        if start > reached:
            text += f"{{\\k{start - reached}}}"
        text += f"{{\\k{end - start}}}{_escape_ass(part.lead + part.text)}"
        reached = end
    return text


def _without_arrows(text: str) -> str:
    return text.replace("-->", "->")


def _escape_ass(text: str) -> str:
    """It knows no escapes: braces would begin commands, and a backslash one unless something unseen follows it."""
    return text.replace("\\", "\\\u2060").replace("{", "\uff5b").replace("}", "\uff5d").replace("\n", "\\N")


def _escape_vtt(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _segment_fields(number: int, segment: Segment) -> dict[str, object]:
    words = {} if segment.words is None else {"words": [asdict(word) for word in segment.words]}
    known = {name: value for name in ("language", "speaker") if (value := getattr(segment, name)) is not None}
    return {
        "id": number,  # its place: people split and merge
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
        "doubts": list(segment.doubts),
        **known,
        **words,
    }
