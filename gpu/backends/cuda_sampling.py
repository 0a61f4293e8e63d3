"""Choosing tokens on the GPU: embedding, rules and choice, candidates of beams (gpu/kernels/embed.cu, sampling.cu,
beams.cu), and what the host has to know about the sequences there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpu.backends.base import RowParams, Steps, TopK
from gpu.backends.cuda_arena import Arena
from gpu.backends.cuda_device import CudaDevice, DeviceArray
from gpu.backends.cuda_weights import DeviceMatrix
from gpu.errors import DeviceError
from gpu.token_rules import RuleState, TokenRules
from gpu.types import Words

# gpu/kernels/state.cuh: SequenceState, RING and the flag of a fresh sequence.
SEQUENCE_STATE = np.dtype(
    [(name, np.int32) for name in ("token", "pos", "n_sampled", "last_timestamp", "flags", "done", "budget")]
    + [("sound_end", np.int32), ("slot", np.int32), ("seed_lo", np.uint32), ("seed_hi", np.uint32)]
    + [("temperature", np.float32), ("sum_logprob", np.float32), ("n_out", np.int32), ("spare", np.int32, 2)]
)
RING = 8
FRESH = RuleState()
_LAST_WAS_TIMESTAMP, _PENULTIMATE_WAS_TIMESTAMP = 1, 2
_STATE_WORDS = SEQUENCE_STATE.itemsize // 4

# The kernels' constants: token_scan.cuh, sampling.cu, beams.cu, embed.cu.
_SCAN_THREADS, _TOKENS_PER_BLOCK = 256, 1024
_LOG_SOFTMAX_THREADS = 512
_REORDER_THREADS, MAX_BEAMS = 128, 64
_EMBED_THREADS, _EMBED_GROUP = 64, 16
_WARP = (32,)

Shapes = dict[str, tuple[tuple[int, ...], DTypeLike]]  # of arrays by name


def supports(rules: TokenRules) -> bool:
    """Whether the device can choose by these rules. What looks back on all the text is decided on the host."""
    return not rules.look_back


def token_masks(rules: TokenRules) -> NDArray[np.uint32]:
    """(2, ceil(n_vocab / 32)) uint32, one bit a token, lowest first: never chosen; not chosen first."""
    never = np.zeros(-(-rules.n_vocab // 32) * 32, bool)
    never[[*rules.suppressed, rules.no_timestamps]] = True
    first = never.copy()
    first[list(rules.blank)] = True
    first[: rules.timestamp_begin] = True
    first[rules.timestamp_begin + rules.max_initial_timestamp + 1 :] = True
    return np.packbits(np.stack([never, first]), axis=1, bitorder="little").view("<u4")


def fresh_states(
    params: RowParams, prompt: Sequence[int], slot: int, n: int, max_tokens: int, begun: RuleState = FRESH
) -> NDArray[Any]:
    """(n,) `SEQUENCE_STATE`: the sequences of a window whose first token is chosen next.

    Their `pos` is that of the prompt's last token: it counts as cached once its logits are there. `choose` goes on
    to the next.

    Args:
        slot: the window's.
        max_tokens: the plan's.
        begun: what the rules remember of the prompt's end.
    """
    states = np.zeros(n, SEQUENCE_STATE)
    states["token"], states["pos"] = prompt[-1], len(prompt) - 1
    states["n_sampled"], states["last_timestamp"] = begun.n_sampled, begun.last_timestamp
    states["flags"] = (
        _LAST_WAS_TIMESTAMP * begun.last_was_timestamp + _PENULTIMATE_WAS_TIMESTAMP * begun.penultimate_was_timestamp
    )
    states["budget"] = params.budget(max_tokens)
    states["sound_end"], states["slot"], states["temperature"] = params.sound_end, slot, params.temperature
    for i, state in enumerate(states):
        state["seed_lo"], state["seed_hi"] = np.random.SeedSequence((params.seed, i)).generate_state(2)
    return states


def fresh_table(first: int, n: int, n_prompt: int, n_text_ctx: int) -> NDArray[np.int32]:
    """(n, n_text_ctx) int32: in which row of the self-attention cache each position of a window's sequences lies.

    The prompt is stored once, in the row of the first; everything after it in each sequence's own.
    """
    table = np.repeat(np.arange(first, first + n, dtype=np.int32)[:, np.newaxis], n_text_ctx, axis=1)
    table[:, :n_prompt] = first
    return table


class Sequences:
    """The sequences of a decoder: their states, rings of outputs and rules, on the device.

    Args:
        n: sequences; of those that no window was admitted to, the kernels do nothing.

    Attributes:
        states: (n, 16) int32, `SEQUENCE_STATE` each. tokens: (n, RING) int32; logprobs: (n, RING) float32.
        records: all three, one after the other: to be downloaded at once.
    """

    def __init__(self, device: CudaDevice, arena: Arena, rules: TokenRules, n: int) -> None:
        if not supports(rules):
            raise ValueError("rules that look back on the text are decided on the host")
        self._device, self.rules, self.n = device, rules, n
        arrays = {name: arena.take(*spec) for name, spec in self.arrays(rules, n).items()}
        self.masks, self.partials, self.records = arrays["masks"], arrays["partials"], arrays["records"]
        ends = np.cumsum([_STATE_WORDS * n, RING * n, RING * n])
        self.states = self.records[: ends[0]].reshape(n, _STATE_WORDS)
        self.tokens = self.records[ends[0] : ends[1]].reshape(n, RING)
        self.logprobs = self.records[ends[1] : ends[2]].view(np.float32).reshape(n, RING)
        self._n_read = np.zeros(n, np.int64)
        device.upload(self.masks, token_masks(rules))
        self.retire(0, n)

    @staticmethod
    def arrays(rules: TokenRules, n: int) -> Shapes:
        """What it takes of an arena."""
        return {
            "masks": ((2, -(-rules.n_vocab // 32)), np.uint32),
            "partials": ((n, n_scan_blocks(rules), 4), np.float32),
            "records": ((n * (_STATE_WORDS + 2 * RING),), np.int32),
        }

    def admit(self, first: int, states: NDArray[Any]) -> None:
        """Begin a window's sequences, from number `first` on; `states` as `fresh_states` makes them."""
        words = np.ascontiguousarray(states).view(np.int32).reshape(len(states), _STATE_WORDS)
        self._device.upload(self.states[first : first + len(states)], words)
        self._n_read[first : first + len(states)] = states["n_out"]

    def retire(self, first: int, n: int) -> None:
        """Leave sequences alone from now on."""
        states = np.zeros(n, SEQUENCE_STATE)
        states["done"] = 1
        self.admit(first, states)

    def read(self) -> Steps:
        """Wait for the device; see `steps`."""
        return self.steps(self._device.download(self.records))

    def steps(self, records: NDArray[np.int32]) -> Steps:
        """What was chosen since the last look: no more than RING tokens a sequence.

        Args:
            records: downloaded.

        Raises:
            DeviceError: a log-probability is not a number, so the logits were not numbers either.
        """
        states = records[: _STATE_WORDS * self.n].view(SEQUENCE_STATE)
        tokens, logprobs = records[_STATE_WORDS * self.n :].reshape(2, self.n, RING)
        n_new = states["n_out"] - self._n_read
        if n_new.max() > RING:
            raise ValueError(f"{n_new.max()} tokens were chosen before anyone looked, the ring holds {RING}")
        steps = Steps([], [], [bool(done) for done in states["done"]])
        for i, (begin, end) in enumerate(zip(self._n_read, states["n_out"], strict=True)):
            at = np.arange(begin, end) % RING
            steps.tokens.append(tokens[i, at].tolist())
            steps.logprobs.append(logprobs[i, at].view(np.float32).tolist())
        if any(np.isnan(new).any() for new in steps.logprobs):
            raise not_numbers()
        self._n_read = states["n_out"].astype(np.int64)
        return steps


class Beams:
    """What beam search on one window needs besides `Sequences`, on the device.

    Args:
        n: sequences, MAX_BEAMS at most; k: candidates of each.
    """

    def __init__(self, arena: Arena, rules: TokenRules, n: int, k: int) -> None:
        if n > MAX_BEAMS:
            raise ValueError(f"{MAX_BEAMS} beams at most, not {n}")
        self.n, self.k = n, k
        arrays = {name: arena.take(*spec) for name, spec in self.arrays(rules, n, k).items()}
        self.entries, self.top, self.choices = arrays["entries"], arrays["top"], arrays["choices"]

    @staticmethod
    def arrays(rules: TokenRules, n: int, k: int) -> Shapes:
        """What it takes of an arena: (parents, tokens) in `choices`, (ids, log-probabilities) in `top`."""
        return {
            "entries": ((n, n_scan_blocks(rules), k, 2), np.int32),
            "top": ((2, n, k), np.int32),
            "choices": ((2, n), np.int32),
        }


def n_scan_blocks(rules: TokenRules) -> int:
    """Blocks that look through one sequence's logits: none holds both text and timestamps."""
    n_timestamps = rules.n_vocab - rules.timestamp_begin
    return -(-rules.timestamp_begin // _TOKENS_PER_BLOCK) + -(-n_timestamps // _TOKENS_PER_BLOCK)


class SamplingOps:
    """The launches. Shapes: R rows are the first R of the sequences; n_state is `matrix.n_in`."""

    def __init__(self, device: CudaDevice) -> None:
        self._device = device

    def embed(self, matrix: DeviceMatrix, positions: DeviceArray, sequences: Sequences, x: DeviceArray) -> None:
        """Each unfinished sequence's token and its position, in (R, n_state) float32.

        Args:
            matrix: the token embedding; positions: (n_text_ctx, n_state) float32.
        """
        self._embed(matrix, x, "embed", positions, sequences.states)

    def embed_prompt(
        self, matrix: DeviceMatrix, positions: DeviceArray, tokens: DeviceArray, first_pos: int, x: DeviceArray
    ) -> None:
        """The same of (M,) int32 tokens that lie at the positions from `first_pos` on, in (M, n_state) float32."""
        self._embed(matrix, x, "embed_prompt", positions, tokens, np.int32(first_pos))

    def _embed(self, matrix: DeviceMatrix, x: DeviceArray, kernel: str, *arguments: Any) -> None:
        positions, rows, *scalars = arguments
        n_rows, n_state = x.shape
        if n_state != matrix.n_in or n_state != positions.shape[1] or n_rows > rows.shape[0]:
            raise ValueError(
                f"{rows.shape[0]} rows of {matrix.n_in}, positions of {positions.shape[1]}, into {x.shape}"
            )
        grid = (-(-n_state // (_EMBED_THREADS * _EMBED_GROUP)), n_rows)
        sizes = (np.int32(matrix.n_out), np.int32(n_state))
        name = f"{kernel}_{matrix.format.lower()}"
        self._device.launch(name, grid, (_EMBED_THREADS,), matrix.data, positions, rows, x, *sizes, *scalars)

    def choose(self, logits: DeviceArray, sequences: Sequences) -> None:
        """Each unfinished sequence's next token: `gpu.token_rules.apply`, then the largest logit or, at a temperature,
        a draw; into its ring, with its log-probability, and its state goes on. Two launches, no host.

        Args:
            logits: (R, n_vocab) float32.
        """
        n_rows, rules = _n_rows(logits, sequences), sequences.rules
        grid = (n_scan_blocks(rules), n_rows)
        state, partials, scalars = sequences.states, sequences.partials, _scalars(rules)
        self._device.launch("choose_scan", grid, (_SCAN_THREADS,), logits, sequences.masks, state, partials, *scalars)
        outputs = (sequences.tokens, sequences.logprobs)
        self._device.launch("choose_token", (n_rows,), _WARP, logits, partials, state, *outputs, *scalars)

    def candidates(self, logits: DeviceArray, sequences: Sequences, beams: Beams) -> None:
        """The `beams.k` best next tokens of the first R sequences by the same rules, into `beams.top`. Two launches.

        Args:
            logits: (R, n_vocab) float32.
        """
        n_rows, rules = _n_rows(logits, sequences), sequences.rules
        grid = (n_scan_blocks(rules), n_rows)
        state, partials, scalars = sequences.states, sequences.partials, (*_scalars(rules), np.int32(beams.k))
        self._device.launch(
            "candidates_scan", grid, (_SCAN_THREADS,), logits, sequences.masks, state, partials, beams.entries, *scalars
        )
        outputs = (beams.top[0], beams.top[1])
        self._device.launch("candidates_merge", (n_rows,), _WARP, partials, beams.entries, state, *outputs, *scalars)

    def read_candidates(self, beams: Beams, n: int) -> TopK:
        """Wait for the device: the candidates of the first `n` sequences. Where fewer tokens are allowed, the last have
        a log-probability of -inf.

        Raises:
            DeviceError: a log-probability is not a number.
        """
        ids, logprobs = self._device.download(beams.top)[:, :n]
        top = TopK(ids.astype(np.int64), logprobs.view(np.float32))
        if np.isnan(top.logprobs).any():
            raise not_numbers()
        return top

    def continue_beams(
        self, sequences: Sequences, beams: Beams, table: DeviceArray, parents: Sequence[int], tokens: Sequence[int]
    ) -> None:
        """Sequence i goes on from sequence parents[i] with tokens[i]; those without a parent rest.

        Args:
            table: (n, n_text_ctx) int32, see `fresh_table`.
        """
        choices = np.zeros((2, beams.n), np.int32)
        choices[:, : len(parents)] = parents, tokens
        self._device.upload(beams.choices, choices)
        sizes = (np.int32(len(parents)), np.int32(beams.n), np.int32(table.shape[1]))
        self._device.launch(
            "continue_beams", (1,), (_REORDER_THREADS,), beams.choices[0], beams.choices[1], sequences.states, table,
            *sizes, np.int32(sequences.rules.timestamp_begin),
        )  # fmt: skip

    def log_softmax(self, logits: DeviceArray, logprobs: DeviceArray) -> None:
        """(R, n_vocab) float32 log-probabilities of raw logits; the rules have no say."""
        n_rows, n_vocab = logits.shape
        self._device.launch("log_softmax", (n_rows,), (_LOG_SOFTMAX_THREADS,), logits, logprobs, np.int32(n_vocab))


def _scalars(rules: TokenRules) -> tuple[np.int32, np.int32, np.int32]:
    return np.int32(rules.n_vocab), np.int32(rules.eot), np.int32(rules.timestamp_begin)


def _n_rows(logits: DeviceArray, sequences: Sequences) -> int:
    n_rows, n_vocab = logits.shape
    if n_vocab != sequences.rules.n_vocab or n_rows > sequences.n:
        raise ValueError(f"logits {logits.shape} of {sequences.n} sequences and {sequences.rules.n_vocab} tokens")
    return n_rows


def not_numbers() -> DeviceError:
    return DeviceError(
        Words("The GPU's results are not numbers."), remedy=Words("Report this, or choose the device cpu.")
    )
