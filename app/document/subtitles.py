"""A transcript as subtitles: which words are shown together, in which lines, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.document.transcript import Transcript
from gpu.types import Segment, Word

PAUSE_S = 1.5  # between two words: a subtitle does not stand that long after its words
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Layout:
    """How words become subtitles, as openai/whisper's options say; all of it needs words with times.

    Attributes:
        max_line_width: characters of a line; a word that is longer stands alone.
        max_line_count: lines of a subtitle. With both, subtitles run on from one segment to the next.
        max_words_per_line: words of a subtitle.
        highlight_words: mark each word while it is spoken.
    """

    max_line_width: int | None = None
    max_line_count: int | None = None
    max_words_per_line: int | None = None
    highlight_words: bool = False

    @property
    def keeps_segments(self) -> bool:
        return self.max_line_width is None or self.max_line_count is None


PLAIN = Layout()


@dataclass(frozen=True)
class Part:
    """A word of a subtitle, or the whole of one without timed words. `lead` goes before it: nothing, " " or "\\n"."""

    lead: str
    text: str
    start: int  # milliseconds
    end: int


@dataclass(frozen=True)
class Cue:
    """One subtitle, a millisecond long or more."""

    start: int
    end: int
    parts: tuple[Part, ...]
    has_words: bool

    @property
    def text(self) -> str:
        return "".join(part.lead + part.text for part in self.parts)


def lines(text: str) -> list[str]:
    """The lines of a segment that have something in them, without control characters."""
    stripped = (_CONTROL_CHARACTERS.sub(" ", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def one_line(text: str) -> str:
    return " ".join(lines(text))


def spoken_by(segment: Segment) -> str:
    """What goes before its text: who speaks, where that is known."""
    return "" if segment.speaker is None else f"Speaker {segment.speaker}: "


def cues(transcript: Transcript, layout: Layout = PLAIN) -> Iterator[Cue]:
    """The subtitles of a transcript, in order. Segments without timed words become one each."""
    line = _Lines(layout)
    speaker = None
    for segment in transcript.segments:
        if layout.keeps_segments or segment.words is None or segment.speaker != speaker:
            yield from line.cue()
        speaker = segment.speaker
        if segment.words is None:
            yield from _plain(segment)
            continue
        for word in segment.words:
            if one_line(word.word):
                if line.must_end_before(word):
                    yield from line.cue()
                line.append(word, spoken_by(segment))
    yield from line.cue()


def _plain(segment: Segment) -> Iterator[Cue]:
    if text := "\n".join(lines(segment.text)):
        text = spoken_by(segment) + text
        start, end = _milliseconds(segment.start, segment.end)
        yield Cue(start, end, (Part("", text, start, end),), has_words=False)


class _Lines:
    """The subtitle that is being filled."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._parts: list[Part] = []
        self._width = self._n_lines = 0
        self._end_s = 0.0

    def cue(self) -> Iterator[Cue]:
        """What has been filled, if anything; the next one begins."""
        if self._parts:
            start, end = self._parts[0].start, max(part.end for part in self._parts)
            yield Cue(start, end, tuple(self._parts), has_words=True)
            self._parts = []

    def must_end_before(self, word: Word) -> bool:
        o = self._layout
        full = o.max_words_per_line is not None and len(self._parts) >= o.max_words_per_line
        last_line = o.max_line_count is not None and self._n_lines >= o.max_line_count
        return full or word.start - self._end_s > PAUSE_S or (last_line and not self._has_room(word))

    def append(self, word: Word, label: str) -> None:
        """`label`: goes before the first."""
        text = one_line(word.word)
        lead = " " if word.word[:1].isspace() else ""
        if not self._parts:
            text = label + text
            lead, self._width, self._n_lines = "", len(text), 1
        elif self._has_room(word):
            self._width += len(lead + text)
        else:
            lead, self._width, self._n_lines = "\n", len(text), self._n_lines + 1
        self._parts.append(Part(lead, text, *_milliseconds(word.start, word.end)))
        self._end_s = word.end

    def _has_room(self, word: Word) -> bool:
        width = self._layout.max_line_width
        return width is None or self._width + len(one_line(word.word)) + word.word[:1].isspace() <= width


def _milliseconds(start_s: float, end_s: float) -> tuple[int, int]:
    """A millisecond apart or more."""
    start = max(0, round(start_s * 1000))
    return start, max(start + 1, round(end_s * 1000))
