"""Beam search over one window: openai/whisper's `BeamSearchDecoder`, with patience (arXiv:2204.05424), and without the
beams that have fallen too far behind to win."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpu.backends.base import Decoder
from gpu.types import TranscribeOptions

# Log-probability by which a beam may be behind the best: see ARCHITECTURE.md for what that costs and saves.
FARTHEST_BEHIND = 1.0
# Tokens that two beams have in common at their end, after which what they said before makes little difference.
SAME_END = 4


@dataclass(frozen=True)
class Hypothesis:
    """A finished sequence: its tokens without eot, and the log-probability of all of them with eot."""

    tokens: tuple[int, ...]
    sum_logprob: float

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
    beams = [Hypothesis((), 0.0)]  # all sequences are the prompt so far: one of them counts
    finished: dict[tuple[int, ...], float] = {}
    n_wanted = round(options.beam_size * options.patience)
    for _ in range(max_tokens):
        candidates = _candidates(decoder, beams)
        near = [c for c in candidates if c[0] >= candidates[0][0] - FARTHEST_BEHIND]
        for score, parent, _ in [c for c in near if c[2] == eot]:
            if len(finished) < n_wanted:
                finished[beams[parent].tokens] = score
        kept = _apart([c for c in near if c[2] != eot], beams)[: options.beam_size]
        if len(finished) >= n_wanted or not kept:
            break
        kept = _in_place(kept)
        beams = [Hypothesis((*beams[parent].tokens, token), score) for score, parent, token in kept]
        decoder.choose([parent for _, parent, _ in kept], [token for _, _, token in kept])
    for beam in sorted(beams, key=lambda beam: -beam.sum_logprob):
        if len(finished) >= options.beam_size:
            break
        finished.setdefault(beam.tokens, beam.sum_logprob)
    hypotheses = [Hypothesis(tokens, score) for tokens, score in finished.items()]
    return max(hypotheses, key=lambda h: h.score(options.length_penalty))


def _apart(candidates: Sequence[tuple[float, int, int]], beams: Sequence[Hypothesis]) -> list[tuple[float, int, int]]:
    """Of those with the same end the best."""
    by_end: dict[tuple[int, ...], tuple[float, int, int]] = {}
    for score, parent, token in candidates:
        tokens = (*beams[parent].tokens, token)
        end = tokens[-SAME_END:] if len(tokens) >= SAME_END else tokens
        by_end.setdefault(end, (score, parent, token))
    return list(by_end.values())


def _in_place(kept: Sequence[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """The same in an order in which as many as possible are where their parents were: those are not copied."""
    staying = {parent: candidate for candidate in reversed(kept) if (parent := candidate[1]) < len(kept)}
    moving = iter([candidate for candidate in kept if candidate not in staying.values()])
    return [staying.get(row) or next(moving) for row in range(len(kept))]


def _candidates(decoder: Decoder, beams: Sequence[Hypothesis]) -> list[tuple[float, int, int]]:
    """(log-probability of all of it, beam, its next token), best first."""
    top = decoder.candidates()
    candidates = [
        (beam.sum_logprob + float(logprob), parent, int(token))
        for parent, beam in enumerate(beams)
        for token, logprob in zip(top.ids[parent], top.logprobs[parent], strict=True)
        if logprob > -math.inf
    ]
    return sorted(candidates, reverse=True)
