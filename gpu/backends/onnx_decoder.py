"""The decoder network on ONNX Runtime with its caches: several windows, or several sequences of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gpu.alignment_heads import alignment_heads, alignment_layers
from gpu.backends.base import Cross, DecodePlan, Floats
from gpu.backends.onnx_graphs import HEAD_SIZE
from gpu.backends.token_embedding import TokenEmbedding
from gpu.model_file import ModelDimensions


@dataclass(eq=False)
class OnnxCross:
    """One window's cross-attention keys and values.

    Attributes:
        values: keys and values of each layer in turn, (n_head, n_audio, 64) int8.
        scales: of their channels, (n_head, 1, 64) float32.
        lender: the buffers whose memory this is; None for its own.
    """

    values: Sequence[NDArray[np.int8]]
    scales: Sequence[Floats]
    lender: _Buffers | None = None

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for a in self.values) + sum(a.nbytes for a in self.scales)

    def free(self) -> None:
        self.values, self.scales, self.lender = (), (), None


class OnnxLogits:
    """See `host_decoder.LogitsModel`.

    The windows being decoded lie side by side at the beginning of the buffers, so that a step costs what they cost.
    Row i holds the window of slot `_slots[i]`.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, dims: ModelDimensions, embedding: TokenEmbedding, plan: DecodePlan
    ) -> None:
        if plan.rows > 1 and plan.sequences > 1:
            raise ValueError(f"one sequence for each of {plan.rows} windows, the plan asks for {plan.sequences}")
        if plan.align and plan.sequences > 1:
            raise ValueError(f"one sequence of a window can be aligned, the plan asks for {plan.sequences}")
        self._session, self._dims, self._embed, self._n = session, dims, embedding, plan.sequences
        self._query_layers = alignment_layers(dims) if plan.align else []
        self._buffers = _Buffers.allocate(dims, plan)
        self._slots: list[int] = []
        self._offsets: dict[int, int] = {}  # tokens in a slot's caches, also after it was retired
        self._queries: dict[int, Floats] = {}  # of each of them, (layers, n_ctx, d)
        self._hidden: dict[int, Floats] = {}  # behind a slot's latest logits, (sequences, d)
        self._steps: dict[tuple[int, int], _Call] = {}  # by number of rows, and of the sequences of each
        self._branches: dict[int, _Call] = {}  # by row
        self._branch_cache = self._branch_hidden = np.zeros(0, np.float32)  # what they append to, one at a time
        self._windows: dict[int, OnnxCross] = {}  # in the buffers, by row; finished ones too until the row is needed

    def prefill(self, slot: int, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        assert isinstance(cross, OnnxCross)
        row = len(self._slots)
        before = self._windows.get(row)
        if before is not None and before is not cross and before.lender is self._buffers:
            before.free()
        self._buffers.fill(row, cross)
        self._windows[row] = cross
        self._slots.append(slot)
        first = self._call(self._buffers.of_prompt(row, len(prompt)), take)
        logits, hidden = first.run([self._embed(token, i) for i, token in enumerate(prompt)], [len(prompt)])
        self._buffers.share_cache(row, len(prompt))
        self._offsets[slot] = 0
        self._advance(slot, first.queries)
        self._hidden[slot] = np.repeat(hidden[-1:], self._n, axis=0)
        return logits

    def step(self, tokens: Mapping[int, Sequence[int]]) -> dict[int, Floats]:
        n, each = len(self._slots), len(tokens[self._slots[0]])
        if (n, each) not in self._steps:
            self._steps[n, each] = self._call(self._buffers.of_step(n, each), range(n * each))
        step = self._steps[n, each]
        x = [self._embed(token, self._offsets[slot]) for slot in self._slots for token in tokens[slot]]
        totals = [self._offsets[slot] + 1 for slot in self._slots for _ in range(each)]
        logits, hidden = step.run(x, totals)
        for i, slot in enumerate(self._slots):
            self._advance(slot, step.queries[:, i : i + 1])
        rows = {slot: slice(i * each, (i + 1) * each) for i, slot in enumerate(self._slots)}
        self._hidden = {slot: hidden[part] for slot, part in rows.items()}
        return {slot: logits[part] for slot, part in rows.items()}

    def exact(self, slot: int, sequence: int, ids: Sequence[int]) -> Floats:
        exact: Floats = np.stack([self._embed.row(token) for token in ids]) @ self._hidden[slot][sequence]
        return exact

    def branch(self, slot: int, tokens: Sequence[int]) -> Floats:
        row, n_tokens = self._slots.index(slot), self._offsets[slot]
        if row not in self._branches:
            if not self._branches:
                self._branch_cache = self._buffers.two_caches()
            buffers = self._buffers.of_branch(row, self._branch_cache)
            self._branches[row] = self._call(buffers, range(len(tokens)))
        self._branch_cache[:, :, :, :n_tokens] = self._buffers.cache[:, row : row + 1, :, :n_tokens]
        x = [self._embed(token, n_tokens) for token in tokens]
        logits, self._branch_hidden = self._branches[row].run(x, [n_tokens + 1] * len(tokens))
        return logits

    def take_branch(self, slot: int, i: int) -> None:
        row, position = self._slots.index(slot), self._offsets[slot]
        self._buffers.cache[:, row, :, position] = self._branch_cache[:, i, :, position]
        self._advance(slot, self._branches[row].queries[:, i : i + 1])
        self._hidden[slot] = self._branch_hidden[i : i + 1].copy()

    def reorder(self, slot: int, parents: Sequence[int]) -> None:
        self._buffers.reorder(self._slots.index(slot), parents, self._offsets[slot])

    def retire(self, slot: int) -> None:
        if slot in self._slots:
            row, last = self._slots.index(slot), len(self._slots) - 1
            if row != last:
                self._buffers.swap(row, last, self._windows[row], self._windows[last])
                self._buffers.move_cache(last, row, self._offsets[self._slots[last]])
                self._windows[row], self._windows[last] = self._windows[last], self._windows[row]
                self._slots[row] = self._slots[last]
            del self._slots[last], self._hidden[slot]

    def attention(self, slot: int, cross: Cross, first: int) -> Floats:
        assert isinstance(cross, OnnxCross)
        queries = self._queries[slot][:, first : self._offsets[slot]]
        heads = alignment_heads(self._dims)
        n_audio = cross.values[0].shape[1]
        scores = np.empty((len(heads), queries.shape[1], n_audio), np.float32)
        for out, (layer, head) in zip(scores, heads, strict=True):
            q = queries[self._query_layers.index(layer), :, head * HEAD_SIZE : (head + 1) * HEAD_SIZE]
            keys = cross.values[2 * layer][head].astype(np.float32)  # (n_audio, 64)
            np.matmul(q * (cross.scales[2 * layer][head] * np.float32(HEAD_SIZE**-0.5)), keys.T, out=out)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return scores

    def _call(self, buffers: _Buffers, take: Sequence[int]) -> _Call:
        return _Call(self._session, self._dims, buffers, take, self._query_layers)

    def _advance(self, slot: int, queries: Floats) -> None:
        """Tokens were appended whose queries these are, (layers, n, d)."""
        first = self._offsets[slot]
        self._offsets[slot] += queries.shape[1]
        if self._query_layers:
            if slot not in self._queries:
                n_ctx = self._buffers.cache.shape[3]
                self._queries[slot] = np.empty((len(queries), n_ctx, queries.shape[2]), np.float32)
            self._queries[slot][:, first : self._offsets[slot]] = queries


@dataclass(frozen=True, eq=False)
class _Buffers:
    """What the decoder reads and writes in place. First axis: keys and values of each layer; second: rows.

    Attributes:
        cache: (2 * n_text_layer, rows * sequences, n_head, n_ctx, 64) float32.
        cross: (2 * n_text_layer, rows, n_head, n_audio_ctx, 64) int8, scales: (2 * n_text_layer, rows, 1, d) float32.
        lengths: (rows,) int32: positions in each row's window, minus one.
        tails: (2 * n_text_layer, rows, queries, d) float32: the cross-attention's last positions, unscaled.
        tails_of_two: the same for two queries.
    """

    cache: Floats
    cross: NDArray[np.int8]
    scales: Floats
    lengths: NDArray[np.int32]
    tails: Floats
    tails_of_two: Floats

    @classmethod
    def allocate(cls, dims: ModelDimensions, plan: DecodePlan) -> _Buffers:
        """Zeros, which take memory when they are first written to."""
        n, heads, d = 2 * dims.n_text_layer, dims.n_text_head, dims.n_text_state
        n_ctx = plan.max_prompt + plan.max_tokens
        return cls(
            cache=np.zeros((n, plan.rows * plan.sequences, heads, n_ctx, HEAD_SIZE), np.float32),
            cross=np.zeros((n, plan.rows, heads, dims.n_audio_ctx, HEAD_SIZE), np.int8),
            scales=np.zeros((n, plan.rows, 1, d), np.float32),
            lengths=np.zeros(plan.rows, np.int32),
            tails=np.zeros((n, plan.rows, plan.sequences, d), np.float32),
            tails_of_two=np.zeros((n, plan.rows, 2, d), np.float32),
        )

    @property
    def n_sequences(self) -> int:
        """Of each row."""
        return int(self.tails.shape[2])

    def fill(self, row: int, cross: OnnxCross) -> None:
        """Take a window over: from now on its memory is the row's."""
        assert len(cross.values) == len(self.cross), "the window was freed"
        n_audio = cross.values[0].shape[1]
        self.lengths[row] = n_audio - 1
        for k, (values, scales) in enumerate(zip(cross.values, cross.scales, strict=True)):
            self.cross[k, row, :, :n_audio] = values
            self.scales[k, row, 0] = scales.reshape(-1)
        self.tails[:, row] = self._tail(row, self.n_sequences)
        self.tails_of_two[:, row] = self._tail(row, 2)
        self._lend(row, cross)

    def _lend(self, row: int, cross: OnnxCross) -> None:
        heads = self.cross.shape[2]
        cross.lender = self
        n_audio = self.lengths[row] + 1
        cross.values = [self.cross[k, row, :, :n_audio] for k in range(len(self.cross))]
        cross.scales = [self.scales[k, row].reshape(heads, 1, HEAD_SIZE) for k in range(len(self.cross))]

    def of_prompt(self, row: int, n_tokens: int) -> _Buffers:
        """A row's first sequence, to be started with `n_tokens`."""
        first = row * self.n_sequences
        tail = self._tail(row, n_tokens)[:, np.newaxis]
        return self._part(slice(row, row + 1), self.cache[:, first : first + 1], tail)

    def of_step(self, rows: int, sequences: int) -> _Buffers:
        """The first sequences of the first rows: of one row any number, of several their only one."""
        cache = self.cache[:, : rows * sequences]
        return self._part(slice(0, rows), cache, self.tails[:, :rows, self.n_sequences - sequences :])

    def of_branch(self, row: int, cache: Floats) -> _Buffers:
        """Two sequences of a row, with their own cache."""
        return self._part(slice(row, row + 1), cache, self.tails_of_two[:, row : row + 1])

    def two_caches(self) -> Floats:
        return np.zeros((len(self.cache), 2, *self.cache.shape[2:]), np.float32)

    def _part(self, rows: slice, cache: Floats, tails: Floats) -> _Buffers:
        return _Buffers(cache, self.cross[:, rows], self.scales[:, rows], self.lengths[rows], tails, self.tails_of_two)

    def share_cache(self, row: int, n_tokens: int) -> None:
        """All sequences of a row begin as its first."""
        sequences = self._sequences(row)
        sequences[:, 1:, :, :n_tokens] = sequences[:, :1, :, :n_tokens]

    def reorder(self, row: int, parents: Sequence[int], n_tokens: int) -> None:
        moved = [(i, parent) for i, parent in enumerate(parents) if i != parent]
        if moved:
            sequences = self._sequences(row)
            to, source = (list(which) for which in zip(*moved, strict=True))
            sequences[:, to, :, :n_tokens] = sequences[:, source, :, :n_tokens]

    def swap(self, row: int, other: int, cross: OnnxCross, other_cross: OnnxCross) -> None:
        """Two windows change places."""
        for array in (*self.cross, *self.scales, self.lengths, *self.tails, *self.tails_of_two):
            array[[row, other]] = array[[other, row]]
        for place, window in ((other, cross), (row, other_cross)):
            if window.lender is self:
                self._lend(place, window)

    def move_cache(self, source: int, target: int, n_tokens: int) -> None:
        self._sequences(target)[:, :, :, :n_tokens] = self._sequences(source)[:, :, :, :n_tokens]

    def _sequences(self, row: int) -> Floats:
        """A view of a row's caches, (2 * n_text_layer, sequences, n_head, n_ctx, 64)."""
        return self.cache[:, row * self.n_sequences : (row + 1) * self.n_sequences]

    def _tail(self, row: int, n: int) -> Floats:
        """(2 * n_text_layer, n, d)"""
        n_audio = self.lengths[row] + 1
        last = self.cross[:, row, :, n_audio - n : n_audio].astype(np.float32)  # (2 * n_text_layer, n_head, n, 64)
        return np.ascontiguousarray(last.swapaxes(1, 2)).reshape(len(last), n, -1)


class _Call:
    """The decoder bound to its buffers once, so that a token costs no more than filling in its inputs.

    Args:
        take: the rows of x whose logits are wanted.
        query_layers: the layers whose queries are wanted.

    Attributes:
        queries: (len(query_layers), rows of x, d), valid until the next call.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        dims: ModelDimensions,
        buffers: _Buffers,
        take: Sequence[int],
        query_layers: Sequence[int],
    ) -> None:
        self._session, self._binding = session, session.io_binding()
        self._keep: list[Any] = []  # OrtValues share these arrays' memory
        windows, queries = buffers.tails.shape[1:3]
        sequences, d = buffers.cache.shape[1], dims.n_text_state
        self._x = np.zeros((windows * queries, d), np.float32)
        self._lengths = np.zeros(sequences, np.int32)
        self._total = np.zeros((), np.int32)
        self._logits = np.zeros((len(take), dims.n_vocab), np.float32)
        self._hidden = np.zeros((len(take), d), np.float32)
        self._input("x", self._x)
        self._input("rows", np.array([sequences, -1, 3 * d], np.int64))
        self._input("queries", np.array([windows, -1, d], np.int64))
        self._input("lengths", self._lengths)
        self._input("total", self._total)
        self._input("cross_lengths", buffers.lengths)
        self._input("take", np.array(take, np.int64))
        self._output("logits", self._share(self._logits))
        self._output("hidden", self._share(self._hidden))
        self.queries = np.zeros((len(query_layers), *self._x.shape), np.float32)
        for layer, queries in zip(query_layers, self.queries, strict=True):
            self._output(f"query_{layer}", self._share(queries))
        for i in range(dims.n_text_layer):
            for j, c in enumerate("kv"):
                k = 2 * i + j
                self._output(f"present_{c}_{i}", self._input(f"self_{c}_{i}", buffers.cache[k]))
                self._output(f"cross_present_{c}_{i}", self._input(f"cross_{c}_{i}", buffers.cross[k]))
                self._input(f"cross_scale_{c}_{i}", buffers.scales[k])
                self._input(f"cross_tail_{c}_{i}", buffers.tails[k])

    def run(self, x: Sequence[Floats], totals: Sequence[int]) -> tuple[Floats, Floats]:
        """Append (d,) embeddings, with which each cache holds so many tokens.

        Returns:
            The logits (len(take), n_vocab) and the state they are made of (len(take), d), valid until the next call.
        """
        np.stack(x, out=self._x)
        self._lengths[:] = totals
        self._lengths -= 1
        self._total.fill(max(totals))
        self._session.run_with_iobinding(self._binding)
        return self._logits, self._hidden

    def _share(self, array: NDArray[Any]) -> onnxruntime.OrtValue:
        assert array.flags.c_contiguous
        value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
        self._keep.append((array, value))
        return value

    def _input(self, name: str, array: NDArray[Any]) -> onnxruntime.OrtValue:
        value = self._share(array)
        self._binding.bind_ortvalue_input(name, value)
        return value

    def _output(self, name: str, value: onnxruntime.OrtValue) -> None:
        self._binding.bind_ortvalue_output(name, value)
