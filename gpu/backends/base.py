"""The one interface below which arithmetic lives: a few calls a window, one call a few tokens.

Policy (mel, tokenizer, rules, windows, fallback) stands above and knows no device; a backend is free to fuse,
capture and batch behind these calls. Windows and sequences are separate axes: cross-attention keys and values
belong to a window and are never copied for each of its sequences (beams, or samples at a temperature).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gpu.cancel import CancelToken
from gpu.mel import Spectrogram
from gpu.token_rules import TokenRules
from gpu.types import DeviceInfo, MemoryUsage

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """What a decoder can hold at once: `rows` windows of one sequence each, or `sequences` of one window; and whether
    windows shorter than 30 s may be encoded, which then takes less time."""

    rows: int
    sequences: int
    short_windows: bool = False


class Cross(Protocol):
    """One encoded window: every decoder layer's cross-attention keys and values, on the device.

    A decoder that admits it may take the memory over: it is good until another window is admitted to its slot.
    """

    @property
    def nbytes(self) -> int: ...

    def free(self) -> None:
        """Give the memory back; the handle is dead afterwards."""
        ...


@dataclass(frozen=True)
class DecodePlan:
    """Everything a decoder preallocates for.

    Attributes:
        rows: windows decoded at once (slots).
        sequences: hypotheses of each window (beams, or samples); 1 is greedy.
        rules: which tokens may follow which; applied before any choice.
        max_tokens: tokens a sequence may grow to after its prompt.
        max_prompt: tokens of the longest prompt a window is admitted with.
        top_k: candidates a sequence reports in `candidates`.
        align: keep what `attention` needs; with one sequence for each window only.
    """

    rows: int
    sequences: int
    rules: TokenRules
    max_tokens: int
    max_prompt: int
    top_k: int = 0
    align: bool = False


@dataclass(frozen=True)
class RowParams:
    """How the sequences of one window choose their tokens: greedily at 0, else sampled with this seed.

    `sound_end`: see `gpu.token_rules.RuleState`. `max_tokens`: they end after so many, if the plan has more.
    `n_given`: so many tokens at the prompt's end are the sequences' first: rules and budget take them for chosen.
    """

    temperature: float = 0.0
    seed: int = 0
    sound_end: int = 0
    max_tokens: int | None = None
    n_given: int = 0

    def budget(self, most: int) -> int:
        """Tokens each may grow to where a plan has room for `most`."""
        return most if self.max_tokens is None else min(most, self.max_tokens)


@dataclass(frozen=True)
class Prefill:
    """What the prompt already tells.

    Attributes:
        sot_logprobs: (n_vocab,) float32 log-probabilities after `sot`, before any rule: no-speech, languages.
    """

    sot_logprobs: Floats


@dataclass(frozen=True)
class Steps:
    """What `advance` appended: for each sequence its new tokens and their log-probabilities, and whether it has ended.

    A sequence that ends appends eot as its last token; those of a free slot have ended and have no tokens.
    """

    tokens: list[list[int]]
    logprobs: list[list[float]]
    done: list[bool]


@dataclass(frozen=True)
class TopK:
    """The best next tokens of each sequence, best first: ids (n, k) int64, log-probabilities (n, k) float32."""

    ids: NDArray[np.int64]
    logprobs: Floats


class Decoder(Protocol):
    """Decodes the windows admitted to its slots. Sequence i belongs to slot i // plan.sequences."""

    def admit(self, slot: int, cross: Cross, prompt: Sequence[int], params: RowParams) -> Prefill:
        """Begin a window in a free slot. `prompt` holds sot and everything before the first sampled token."""
        ...

    def advance(self, n: int) -> Steps:
        """Choose `n` tokens or a few more for every unfinished sequence, each by its row's temperature."""
        ...

    def candidates(self) -> TopK:
        """Beam search, with one row: the next tokens after what `choose` left. Choose nothing. After `admit` all
        sequences are the same: one of them may be all there is."""
        ...

    def choose(self, parents: Sequence[int], tokens: Sequence[int]) -> None:
        """Beam search: sequence i continues sequence parents[i] with tokens[i]; caches are reordered. From call to call
        there may be fewer or more of them, up to the plan's."""
        ...

    def retire(self, slot: int) -> None:
        """Free a slot, finished or not. Its window's `Cross` stays the caller's."""
        ...

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        """Where the alignment heads (`gpu.alignment_heads`) looked in a slot's latest window, retired or not.

        Args:
            cross: that window's.
            first: the first position wanted; the prompt's begin at 0.

        Returns:
            (n_heads, n, n_audio_ctx) float32, softmax over the encoder's positions: for each of the sequence's from
            `first` on, what the token after it was chosen by.
        """
        ...

    def debug_logits(self) -> Floats:
        """(n_sequences, n_vocab) float32: the raw logits the next choice will be made from (tests)."""
        ...


class Backend(Protocol):
    """A loaded model on a device. Belongs to one thread, except that cancelling is thread-safe."""

    @property
    def limits(self) -> Limits: ...

    @property
    def device(self) -> DeviceInfo: ...

    @property
    def spectrogram(self) -> Spectrogram:
        """For this model's encoder. Another thread may use it than the rest."""
        ...

    @property
    def encodes_ahead(self) -> bool:
        """Whether a window may be encoded before it is needed: beside what is decoded, and there is room for it now."""
        ...

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        """Encode windows.

        Args:
            mel: (n_windows, n_mels, 3000) float32 log-mel spectrograms; with `Limits.short_windows` also of fewer
                frames, an even number.
            cancel: interrupts the call within 0.2 s, raising `Cancelled`.
        """
        ...

    def open(self, plan: DecodePlan, cancel: CancelToken) -> Decoder:
        """A decoder.

        Raises:
            DeviceMemoryError: there is no room for it now; with fewer rows there may be.
        """
        ...

    def memory(self) -> MemoryUsage: ...

    def close(self) -> None: ...
