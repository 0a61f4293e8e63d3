"""Beam search over one window: openai/whisper's `BeamSearchDecoder`, with patience (arXiv:2204.05424), and without the
beams that have fallen too far behind to win."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gpu.backends.base import Decoder
from gpu.types import TranscribeOptions

# Log-probability by which a beam may be behind the best: see ARCHITECTURE.md for what that costs and saves.
FARTHEST_BEHIND = 1.0
# Tokens that two beams have in common at their end, after which what they said before makes little difference.
SAME_END = 4


@dataclass(frozen=True)
class Hypothesis:
    """A finished sequence: its tokens without eot, and the log-probabilities of all of them, eot's too if it came."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def sum_logprob(self) -> float:
        return sum(self.logprobs)

    @property
    def avg_logprob(self) -> float:
        return self.sum_logprob / (len(self.tokens) + 1)

    def score(self, length_penalty: float | None) -> float:
        """openai/whisper's `MaximumLikelihoodRanker`: by length, or by Google NMT's penalty."""
        length = max(len(self.tokens), 1)
        return self.sum_logprob / (length if length_penalty is None else ((5 + length) / 6) ** length_penalty)


def beam_search(decoder: Decoder, options: TranscribeOptions, eot: int, max_tokens: int) -> Hypothesis:
    """The best hypothesis about the window admitted to slot 0.

    Args:
        options: `beam_size` is not None.
    """
    assert options.beam_size is not None
    beams = [Hypothesis((), ())]  # all sequences are the prompt so far: one of them counts
    finished: dict[tuple[int, ...], Hypothesis] = {}
    n_wanted = round(options.beam_size * options.patience)
    for _ in range(max_tokens):
        candidates = _candidates(decoder, beams)
        near = [c for c in candidates if c.score >= candidates[0].score - FARTHEST_BEHIND]
        for ending in [c for c in near if c.token == eot]:
            if len(finished) < n_wanted:
                beam = beams[ending.parent]
                finished[beam.tokens] = Hypothesis(beam.tokens, (*beam.logprobs, ending.logprob))
        kept = _apart([c for c in near if c.token != eot], beams)[: options.beam_size]
        if len(finished) >= n_wanted or not kept:
            break
        kept = _in_place(kept)
        beams = [Hypothesis(_tokens(c, beams), (*beams[c.parent].logprobs, c.logprob)) for c in kept]
        decoder.choose([c.parent for c in kept], [c.token for c in kept])
    for beam in sorted(beams, key=lambda beam: -beam.sum_logprob):
        if len(finished) >= options.beam_size:
            break
        finished.setdefault(beam.tokens, beam)
    return max(finished.values(), key=lambda h: h.score(options.length_penalty))


class _Candidate(NamedTuple):
    """A beam and its next token; `score` is the log-probability of all of it."""

    score: float
    parent: int
    token: int
    logprob: float


def _tokens(candidate: _Candidate, beams: Sequence[Hypothesis]) -> tuple[int, ...]:
    return (*beams[candidate.parent].tokens, candidate.token)


def _apart(candidates: Sequence[_Candidate], beams: Sequence[Hypothesis]) -> list[_Candidate]:
    """Of those with the same end the best."""
    by_end: dict[tuple[int, ...], _Candidate] = {}
    for candidate in candidates:
        tokens = _tokens(candidate, beams)
        by_end.setdefault(tokens[-SAME_END:] if len(tokens) >= SAME_END else tokens, candidate)
    return list(by_end.values())


def _in_place(kept: Sequence[_Candidate]) -> list[_Candidate]:
    """The same in an order in which as many as possible are where their parents were: those are not copied."""
    staying = {candidate.parent: candidate for candidate in reversed(kept) if candidate.parent < len(kept)}
    moving = iter([candidate for candidate in kept if candidate not in staying.values()])
    return [staying.get(row) or next(moving) for row in range(len(kept))]


def _candidates(decoder: Decoder, beams: Sequence[Hypothesis]) -> list[_Candidate]:
    """Best first."""
    top = decoder.candidates()
    candidates = [
        _Candidate(beam.sum_logprob + float(logprob), parent, int(token), float(logprob))
        for parent, beam in enumerate(beams)
        for token, logprob in zip(top.ids[parent], top.logprobs[parent], strict=True)
        if logprob > -math.inf
    ]
    return sorted(candidates, reverse=True)
