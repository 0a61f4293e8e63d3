"""A transcript as subtitles: which words are shown together, in which lines, and when."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from app.document.line_breaks import breaks, pieces, room
from app.document.subtitle_breaks import Unit, cost_behind, cue_ends, line_ends
from app.document.transcript import Transcript
from gpu.types import Segment, Word

PAUSE_S = 1.5  # between two words: a subtitle does not stand that long after its words
SHORTEST_MS = 833  # to be noticed: 5/6 of a second, as television has it; where a speed of reading is asked for
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Layout:
    """How words become subtitles. Segments without timed words are cut by the lengths of their parts.

    Attributes:
        max_line_width: characters of a line; a word that is longer stands alone.
        max_line_count: lines of a subtitle. With both, subtitles run on from one segment to the next.
        max_words_per_line: words of a subtitle.
        highlight_words: mark each word while it is spoken; needs words with times.
        max_cjk_width: wide characters of a line (Chinese, Japanese, Korean); None: they count as others do. In a line
            of both kinds each takes its share.
        max_speed: characters a second that somebody can read; a subtitle stands longer than it is spoken where the next
            one leaves the time.
        max_cjk_speed: the same of wide characters.
        min_gap_ms: from the end of a subtitle to the next one's start.
    """

    max_line_width: int | None = None
    max_line_count: int | None = None
    max_words_per_line: int | None = None
    highlight_words: bool = False
    max_cjk_width: int | None = None
    max_speed: float | None = None
    max_cjk_speed: float | None = None
    min_gap_ms: int = 0

    @property
    def keeps_segments(self) -> bool:
        return self.max_line_width is None or self.max_line_count is None

    @property
    def cuts(self) -> bool:
        """Segments are made into lines, or into several subtitles."""
        return self.max_line_width is not None or self.max_words_per_line is not None

    @property
    def moves_times(self) -> bool:
        return bool(self.max_speed or self.max_cjk_speed or self.min_gap_ms)

    def fullness(self, text: str) -> float:
        """Share of a line that a text takes."""
        if self.max_line_width is None:
            return 0.0
        n_narrow, n_wide = room(text)
        return n_narrow / self.max_line_width + n_wide / (self.max_cjk_width or self.max_line_width)

    def reading_ms(self, text: str) -> int:
        """How long it should stand, to be read; 0 where no speed is asked for."""
        n_narrow, n_wide = room(text.replace("\n", " "))
        speed = self.max_speed or self.max_cjk_speed
        if speed is None:
            return 0
        return max(SHORTEST_MS, -int(-1000 * (n_narrow / speed + n_wide / (self.max_cjk_speed or speed))) + 1)


PLAIN = Layout()
PRESETS = {
    "spoken": PLAIN,
    "standard": Layout(42, 2, max_cjk_width=16, max_speed=17, max_cjk_speed=9, min_gap_ms=84),  # 2 frames of film
    "children": Layout(42, 2, max_cjk_width=16, max_speed=13, max_cjk_speed=7, min_gap_ms=84),
    "upright": Layout(22, 1, max_cjk_width=10, max_speed=20, max_cjk_speed=11),
}


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
    if isinstance(segment.speaker, str):
        return f"{one_line(segment.speaker)}: "
    return "" if segment.speaker is None else f"Speaker {segment.speaker}: "


def cues(transcript: Transcript, layout: Layout = PLAIN) -> Iterator[Cue]:
    """The subtitles of a transcript, in order."""
    found = _cues(transcript, layout)
    return _in_time(found, layout) if layout.moves_times else found


def _cues(transcript: Transcript, layout: Layout) -> Iterator[Cue]:
    run = _Run(layout)
    for segment in transcript.segments:
        if layout.keeps_segments or not run.may_take(segment):
            yield from run.cues()
        run.begin(segment)
        if not segment.words and not layout.cuts:
            yield from _plain(segment)
            continue
        for word in segment.words or _estimated(segment):
            if run.ends_before(word):
                yield from run.cues()
            run.append(word)
    yield from run.cues()


def _plain(segment: Segment) -> Iterator[Cue]:
    if text := "\n".join(lines(segment.text)):
        text = spoken_by(segment) + text
        start, end = _milliseconds(segment.start, segment.end)
        yield Cue(start, end, (Part("", text, start, end),), has_words=False)


def _estimated(segment: Segment) -> Iterator[Word]:
    """Words of a segment that has none with times: by how much of its text is before them."""
    text = one_line(segment.text)
    length_s = max(segment.end - segment.start, 0.0)
    for position, piece in pieces(text):
        lead = " " if position and text[position - 1].isspace() else ""
        start, end = (segment.start + length_s * i / len(text) for i in (position, position + len(piece)))
        yield Word(lead + piece, start, end, 1.0)


class _Run:
    """Words of one speaker, without a pause between them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._label, self._has_words = "", True
        self._parts: list[Part] = []
        self._end_s = 0.0

    def may_take(self, segment: Segment) -> bool:
        return bool(segment.words) and self._has_words and spoken_by(segment) == self._label

    def begin(self, segment: Segment) -> None:
        """What is appended from now on is this one's."""
        self._label, self._has_words = spoken_by(segment), bool(segment.words)

    def ends_before(self, word: Word) -> bool:
        return bool(self._parts) and word.start - self._end_s > PAUSE_S and bool(one_line(word.word))

    def append(self, word: Word) -> None:
        if text := one_line(word.word):
            lead = " " if self._parts and word.word[:1].isspace() else ""
            self._parts.append(Part(lead, text, *_milliseconds(word.start, word.end)))
            self._end_s = word.end

    def cues(self) -> Iterator[Cue]:
        """What has been gathered, if anything; another run begins."""
        parts, self._parts = self._parts, []
        if not parts:
            return
        if not self._layout.cuts:
            yield self._cue(parts, self._label, ())
            return
        groups, units = self._units(parts)
        label, first = self._label, 0  # once is enough
        size = self._layout.fullness(label)
        for end in cue_ends(units, size, self._layout.max_line_count, self._layout.max_words_per_line):
            ends = line_ends(units[first:end], size)
            new_lines = {groups[first + i] - groups[first] for i in ends[:-1]}
            yield self._cue(parts[groups[first] : groups[end]], label, new_lines)
            label, size, first = "", 0.0, end

    def _units(self, parts: Sequence[Part]) -> tuple[list[int], list[Unit]]:
        """Where parts that may not be torn from those before them begin (and the end), and their measures."""
        starts = list(accumulate((len(part.lead + part.text) for part in parts), initial=0))
        text = "".join(part.lead + part.text for part in parts)
        may = breaks(text)
        groups = [i for i, part in enumerate(parts) if i == 0 or part.lead or starts[i] in may]
        units = []
        for first, end in zip(groups, [*groups[1:], len(parts)], strict=True):
            whole = text[starts[first] : starts[end]]
            cost = 0.0
            if end < len(parts):
                phrase = bool(parts[end].lead) or may[starts[end]]
                pause_s = (parts[end].start - parts[end - 1].end) / 1000
                cost = cost_behind(whole, phrase_follows=phrase, pause_s=pause_s)
            measure = self._layout.fullness
            lead = parts[first].lead
            units.append(Unit(measure(whole.removeprefix(lead)), measure(lead), cost))
        return [*groups, len(parts)], units

    def _cue(self, parts: Sequence[Part], label: str, new_lines: Container[int]) -> Cue:
        """Args:
        new_lines: which of the parts begin one.
        """
        made = [replace(part, lead="\n") if i in new_lines else part for i, part in enumerate(parts)]
        made[0] = replace(made[0], lead="", text=label + made[0].text)
        start, end = made[0].start, max(part.end for part in made)
        return Cue(start, end, tuple(made), has_words=self._has_words)


def _in_time(found: Iterator[Cue], layout: Layout) -> Iterator[Cue]:
    """Subtitles one after the other, each as long as it takes to be read where the next one leaves the time. None
    begins before it is spoken; only where several begin at once, all but the first one are late."""
    current = next(found, None)
    while current is not None:
        following = next(found, None)
        end = max(current.end, current.start + layout.reading_ms(current.text))
        if following is not None:
            start = max(following.start, current.start + 1 + layout.min_gap_ms)
            following = replace(following, start=start, end=max(following.end, start + 1))
            end = min(end, start - layout.min_gap_ms)
        yield _within(current, end)
        current = following


def _within(cue: Cue, end: int) -> Cue:
    """Ends then; no word is marked before or behind it."""

    def clamped(time: int) -> int:
        return min(max(time, cue.start), end)

    parts = tuple(replace(part, start=clamped(part.start), end=clamped(part.end)) for part in cue.parts)
    return replace(cue, end=end, parts=parts)


def _milliseconds(start_s: float, end_s: float) -> tuple[int, int]:
    """A millisecond apart or more."""
    start = max(0, round(start_s * 1000))
    return start, max(start + 1, round(end_s * 1000))
