"""A transcript in the formats of openai/whisper: txt, srt, vtt, tsv, json; and how such a file is written safely."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from app.document.transcript import Transcript
from gpu.types import Segment

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def lines(text: str) -> list[str]:
    """The lines of a segment that have something in them, without control characters."""
    stripped = (_CONTROL_CHARACTERS.sub(" ", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def one_line(text: str) -> str:
    return " ".join(lines(text))


def to_txt(transcript: Transcript) -> str:
    """Plain text, a line for each segment."""
    return "".join(f"{text}\n" for segment in transcript.segments if (text := one_line(segment.text)))


def to_srt(transcript: Transcript) -> str:
    """SubRip. It knows no escapes: an arrow in the text becomes "->", as in openai/whisper."""
    cues = [
        f"{number}\n{_timestamp(start, ',')} --> {_timestamp(end, ',')}\n{text.replace('-->', '->')}\n"
        for number, (start, end, text) in enumerate(_cues(transcript), 1)
    ]
    return "\n".join(cues)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1)."""
    cues = [
        f"\n{_timestamp(start, '.')} --> {_timestamp(end, '.')}\n{_escape_vtt(text)}\n"
        for start, end, text in _cues(transcript)
    ]
    return "WEBVTT\n" + "".join(cues)


def to_tsv(transcript: Transcript) -> str:
    """Tab-separated, unquoted: start and end in whole milliseconds, text."""
    rows = [f"{start}\t{end}\t{one_line(text)}\n" for start, end, text in _cues(transcript)]
    return "start\tend\ttext\n" + "".join(rows)


def to_json(transcript: Transcript) -> str:
    """openai/whisper's result: `text`, `language` and `segments` with all that is known of each."""
    result = {
        "text": "".join(segment.text for segment in transcript.segments),
        "segments": [_segment_fields(segment) for segment in transcript.segments],
        "language": transcript.language,
    }
    return json.dumps(result, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {
    "txt": to_txt,
    "srt": to_srt,
    "vtt": to_vtt,
    "tsv": to_tsv,
    "json": to_json,
}


def save(transcript: Transcript, path: Path, format_name: str) -> None:
    """Write `transcript` to `path` in one of `FORMATS`, whole or not at all: what was there before stays until then.

    Raises:
        OSError: the folder cannot be written, the disk is full; `filename` is `path`.
    """
    temporary = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(FORMATS[format_name](transcript))
        temporary.replace(path)
    except OSError as e:
        e.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _cues(transcript: Transcript) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and text of each segment that has text. Every cue lasts a millisecond or more."""
    cues = []
    for segment in transcript.segments:
        if text := "\n".join(lines(segment.text)):
            start = max(0, round(segment.start * 1000))
            cues.append((start, max(start + 1, round(segment.end * 1000)), text))
    return cues


def _timestamp(milliseconds: int, decimal_mark: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal_mark}{milliseconds:03d}"


def _escape_vtt(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _segment_fields(segment: Segment) -> dict[str, object]:
    return {
        "id": segment.id,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
        "doubts": list(segment.doubts),
    }
