"""Word and character error rates, errors pooled over a corpus.

English through OpenAI's EnglishTextNormalizer, other languages through its BasicTextNormalizer, Chinese by
characters after conversion to simplified ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import jiwer
from opencc import OpenCC
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

# Written without spaces between words: errors are counted by characters.
BY_CHARACTERS = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


@dataclass(frozen=True)
class Errors:
    """Edits from reference to hypothesis, and the reference's length, in words or characters."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0

    @property
    def count(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def percent(self) -> float:
        return 100 * self.count / self.length if self.length else 0.0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )


def pool(errors: Iterable[Errors]) -> Errors:
    """The errors of a corpus: sums, so that long clips weigh more."""
    return sum(errors, Errors())


@cache
def _normalizer(language: str) -> EnglishTextNormalizer | BasicTextNormalizer:
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def normalize(text: str, language: str) -> str:
    """The words that are compared, separated by single spaces (characters where words are not separated)."""
    if language in ("zh", "yue"):
        text = _simplifier().convert(text)
    text = _normalizer(language)(text)
    return " ".join("".join(text.split()) if language in BY_CHARACTERS else text.split())


def count_errors(reference: str, hypothesis: str, language: str) -> Errors:
    """Compare one transcript with its reference, both as written.

    Raises:
        ValueError: the reference has no words.
    """
    expected = normalize(reference, language)
    if not expected:
        raise ValueError(f"nothing to compare with: the reference {reference!r} has no words")
    result = jiwer.process_words(expected, normalize(hypothesis, language))
    length = result.hits + result.substitutions + result.deletions
    return Errors(result.substitutions, result.deletions, result.insertions, length)


def unit(language: str) -> str:
    """What the rate is called for this language."""
    return "CER" if language in BY_CHARACTERS else "WER"
