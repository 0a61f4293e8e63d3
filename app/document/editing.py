"""Changes of segments by a person: each gives new segments, nothing is changed in place.

What a person has written is no longer the model's: its tokens go, and so do doubts about it. Timed words stay where
they are the same, and share the time between these where they are not, so that subtitles and karaoke still fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from gpu.types import Segment, Word

# One piece of text that is timed for itself: a character where words are not spaced, else what is between spaces.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_UNSPACED}][^\w\s]*|[^\s{_UNSPACED}]+")

SURE = 1.0  # probability of what a person wrote
SHORTEST_S = 0.05  # of a segment that is made by splitting or retiming


def with_text(segment: Segment, text: str) -> Segment:
    """A segment that says something else."""
    text = " ".join(text.split())
    if text == segment.text.strip():
        return segment
    words = None if segment.words is None else tuple(_timed_words(segment, text))
    return replace(segment, text=f" {text}", tokens=(), doubts=(), words=words)


def split(segment: Segment, position: int) -> tuple[Segment, Segment]:
    """Two segments: what is before, and what is behind a position in the stripped text, in characters.

    Raises:
        ValueError: there would be nothing before, or behind.
    """
    text = segment.text.strip()
    before, behind = text[:position].rstrip(), text[position:].lstrip()
    if not before or not behind:
        raise ValueError(f"nothing to split off at {position}")
    words = None if segment.words is None else list(_timed_words(segment, f"{before} {behind}"))
    time = segment.start + (segment.end - segment.start) * len(before) / (len(before) + len(behind))
    first = replace(segment, text=f" {before}", tokens=(), words=None)
    second = replace(segment, text=f" {behind}", tokens=(), words=None)
    if words is None:
        return replace(first, end=time), replace(second, start=time)
    n_before = len(_PIECE.findall(before))
    heads, tails = tuple(words[:n_before]), tuple(words[n_before:])
    return (
        replace(first, end=heads[-1].end, words=heads),
        replace(second, start=max(tails[0].start, heads[-1].end), words=tails),
    )


def merged(segments: Sequence[Segment]) -> Segment:
    """One segment that says what several say, one after the other; who speaks is kept where it is always the same."""
    text, words = "", list[Word]()
    for segment in segments:
        lead = "" if _is_unspaced(text, segment.text.strip()) else " "
        text += lead + segment.text.strip()
        if segment.words:
            first, *others = segment.words
            words += [replace(first, word=lead + first.word.lstrip()), *others]
    speakers = {segment.speaker for segment in segments}
    return replace(
        segments[0],
        end=max(segment.end for segment in segments),
        text=text,
        tokens=(),
        doubts=tuple(dict.fromkeys(doubt for segment in segments for doubt in segment.doubts)),
        speaker=segments[0].speaker if len(speakers) == 1 else None,
        words=None if any(segment.words is None for segment in segments) else tuple(words),
    )


def spoken_by(segment: Segment, speaker: int | str | None) -> Segment:
    """The same, said by somebody else (a name, the number of a channel), or by nobody who is named."""
    return segment if segment.speaker == speaker else replace(segment, speaker=speaker)


def retimed(segment: Segment, start: float, end: float) -> Segment:
    """The same text at another time; its words are spread over that as they were.

    Raises:
        ValueError: it would have no length, or begin before the recording.
    """
    if start < 0 or end - start < SHORTEST_S:
        raise ValueError(f"a segment from {start} to {end}")
    scale = (end - start) / (segment.end - segment.start)

    def moved(time: float) -> float:
        return min(max(start + (time - segment.start) * scale, start), end)

    words = segment.words
    if words is not None:
        words = tuple(replace(word, start=moved(word.start), end=moved(word.end)) for word in words)
    return replace(segment, start=start, end=end, words=words)


def finder(find: str, *, match_case: bool) -> re.Pattern[str]:
    """What finds a text, which is not empty."""
    return re.compile(re.escape(find), 0 if match_case else re.IGNORECASE)


def replaced(segment: Segment, find: str, instead: str, *, match_case: bool) -> Segment:
    """A segment whose text is the same with each `find` (not empty) replaced."""
    pattern = finder(find, match_case=match_case)
    return with_text(segment, pattern.sub(lambda _match: instead, segment.text.strip()))


def _is_unspaced(before: str, behind: str) -> bool:
    """Whether both sides are written without spaces between words."""
    sides = before[-1:], behind[:1]
    return all(re.match(f"[{_UNSPACED}]", side) for side in sides)


def _timed_words(segment: Segment, text: str) -> Iterator[Word]:
    """The words of a text that takes the place of a segment's."""
    old = [piece for word in segment.words or () for piece in _pieces(word)]
    found = list(_PIECE.finditer(text))
    new = [(" " if match.start() == 0 or text[match.start() - 1].isspace() else "", match[0]) for match in found]
    for is_same, (i, j), (k, n) in _matches([word.word.strip() for word in old], [piece for _, piece in new]):
        if is_same:
            yield from (_renamed(word, lead + piece) for word, (lead, piece) in zip(old[i:j], new[k:n], strict=True))
        elif k < n:
            start = old[i].start if i < j else old[i - 1].end if i else segment.start
            end = old[j - 1].end if i < j else old[j].start if j < len(old) else segment.end
            yield from _spread(new[k:n], start, max(start, end))


def _matches(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, tuple[int, int], tuple[int, int]]]:
    """What is the same in both, and what is in the place of what: ranges of both. Most changes are at one place."""
    n_shorter = min(len(old), len(new))
    head = next((i for i in range(n_shorter) if old[i] != new[i]), n_shorter)
    tail = next((i for i in range(n_shorter - head) if old[-1 - i] != new[-1 - i]), n_shorter - head)
    yield True, (0, head), (0, head)
    changed = old[head : len(old) - tail], new[head : len(new) - tail]
    for kind, i, j, k, n in SequenceMatcher(None, *changed, autojunk=False).get_opcodes():
        yield kind == "equal", (head + i, head + j), (head + k, head + n)
    yield True, (len(old) - tail, len(old)), (len(new) - tail, len(new))


def _pieces(word: Word) -> Iterator[Word]:
    """A timed word as pieces; most are one."""
    pieces = _PIECE.findall(word.word)
    if pieces == [word.word.strip()]:
        yield word
        return
    spread = _spread([("", piece) for piece in pieces], word.start, word.end)
    yield from (Word(piece.word, piece.start, piece.end, word.probability) for piece in spread)


def _renamed(word: Word, text: str) -> Word:
    return word if word.word == text else Word(text, word.start, word.end, word.probability)


def _spread(pieces: Sequence[tuple[str, str]], start: float, end: float) -> Iterator[Word]:
    """Pieces, with what is before each, over a time by their lengths."""
    total = sum(len(piece) for _, piece in pieces)
    before = 0
    for lead, piece in pieces:
        times = [start + (end - start) * place / total for place in (before, before + len(piece))]
        yield Word(lead + piece, times[0], times[1], SURE)
        before += len(piece)
