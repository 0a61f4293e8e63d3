"""Words of a dictation, as they are committed, as the segments of a transcript."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.document.subtitle_breaks import ends_sentence
from gpu.types import Segment, Word

ENOUGH_S = 8.0  # of an utterance, after which the end of a sentence ends a segment, too
MOST_S = 25.0


class LiveText:
    """An utterance is a segment that grows; a long one is several.

    Args:
        language: of the words, where it is known.
    """

    def __init__(self, language: str | None = None) -> None:
        self.language = language
        self.text = ""  # of all words
        self._n_done = 0  # segments that do not grow any more
        self._words: list[Word] = []  # of the one that does
        self._gaps: list[tuple[float, float, str]] = []  # that belong behind it
        self._n_utterance = 0  # characters before the utterance

    @property
    def utterance(self) -> str:
        """What has been said since the latest pause."""
        return self.text[self._n_utterance :]

    def add(self, words: Sequence[Word]) -> list[Segment]:
        """The segments that are new, or have more words than before: a number that was there is replaced."""
        changed = []
        for word in words:
            self.text += word.word
            self._words.append(word)
            length = word.end - self._words[0].start
            if (length > ENOUGH_S and ends_sentence(word.word.rstrip())) or length > MOST_S:
                changed.append(self._segment())
                self._close()
        if self._words:
            changed.append(self._segment())
        return changed

    def end_utterance(self) -> list[Segment]:
        """A pause; the gaps that were in the utterance, as segments."""
        self._close()
        gaps, self._gaps = self._gaps, []
        self._n_utterance = len(self.text)
        return [self._mark(*gap) for gap in gaps]

    def add_gap(self, start_s: float, end_s: float, text: str, *, speaking: bool) -> list[Segment]:
        """Sound that is lost, told by a text; while somebody speaks it is marked behind the utterance."""
        if speaking:
            self._gaps.append((start_s, end_s, text))
            return []
        self._close()
        return [self._mark(start_s, end_s, text)]

    def _close(self) -> None:
        if self._words:
            self._n_done += 1
            self._words = []

    def _segment(self) -> Segment:
        words = tuple(self._words)
        logprob = sum(math.log(max(word.probability, 1e-6)) for word in words) / len(words)
        text = "".join(word.word for word in words)
        return self._of(words[0].start, words[-1].end, text, logprob, words)

    def _mark(self, start_s: float, end_s: float, text: str) -> Segment:
        segment = self._of(start_s, end_s, text, 0.0, None)
        self._n_done += 1
        return segment

    def _of(self, start: float, end: float, text: str, logprob: float, words: tuple[Word, ...] | None) -> Segment:
        return Segment(
            self._n_done, start, end, text, (), 0.0, logprob, 1.0, 0.0, language=self.language, words=words
        )  # fmt: skip
