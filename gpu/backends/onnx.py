"""The CPU backend: ONNX Runtime graphs built from the model file's own blocks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gpu.backends.base import Cross, DecodePlan, Floats, Limits
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.onnx_graphs import HEAD_SIZE, build_decoder, build_encoder
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from gpu.host_memory import host_memory, return_freed_memory
from gpu.model_file import ModelDimensions, ModelFile
from gpu.types import DeviceInfo, MemoryUsage

MAX_SEQUENCES = 16


@dataclass(eq=False)
class OnnxCross:
    """One window's cross-attention keys and values.

    Attributes:
        layers: for each decoder layer the int8 keys and values, (2 * n_head, n_audio_ctx, 64), and their float32
            scales, (2 * n_head, 1, 64).
    """

    layers: list[tuple[NDArray[np.int8], Floats]]

    @property
    def nbytes(self) -> int:
        return sum(values.nbytes + scales.nbytes for values, scales in self.layers)

    def free(self) -> None:
        self.layers = []


class OnnxBackend:
    """Whisper on ONNX Runtime's CPU kernels; see `gpu.backends.base.Backend`."""

    limits = Limits(rows=1, sequences=MAX_SEQUENCES)

    def __init__(self, model: ModelFile, device: DeviceInfo, threads: int) -> None:
        """Build both networks. The model file may be closed afterwards, its memory is not used any more."""
        self._dims = model.dims
        self._device = device
        return_freed_memory()
        with ThreadPoolExecutor(threads, "repack") as workers, ThreadPoolExecutor(1, "compile") as compiler:
            encoder = build_encoder(model.dims, model.tensors, workers)
            encoder_session = compiler.submit(encoder.session, _session_options(threads))
            decoder = build_decoder(model.dims, model.tensors, workers)  # repacked while the encoder is compiled
            del encoder
            self._encoder = encoder_session.result()
            self._decoder = decoder.session(_session_options(threads))
        self._embedding = TokenEmbedding(model)

    @property
    def device(self) -> DeviceInfo:
        return self._device

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        names = [name for i in range(self._dims.n_text_layer) for name in (f"cross_{i}", f"cross_scale_{i}")]
        windows: list[Cross] = []
        for window in mel:  # one at a time: a larger batch is no faster on a CPU, and takes memory
            feed = {"mel": np.ascontiguousarray(window[np.newaxis])}
            arrays = [a[0] for a in _run_interruptible(self._encoder, names, feed, cancel)]
            windows.append(OnnxCross(list(zip(arrays[0::2], arrays[1::2], strict=True))))
        return windows

    def open(self, plan: DecodePlan, cancel: CancelToken) -> HostDecoder:
        return HostDecoder(plan, OnnxLogits(self._decoder, self._dims, self._embedding, plan.sequences), cancel)

    def memory(self) -> MemoryUsage:
        return host_memory()

    def close(self) -> None:
        del self._encoder, self._decoder


class TokenEmbedding:
    """Token plus position embeddings, rows dequantized when they are needed (the whole table is 106 MB for base)."""

    def __init__(self, model: ModelFile) -> None:
        table = model.tensors["decoder.token_embedding.weight"]
        self._format = table.type
        self._blocks = table.blocks.copy()  # (n_vocab, n_blocks, type_size): outlives the mapped file
        self._positions = model.tensors["decoder.positional_embedding"].dequantize()  # (n_text_ctx, d)
        self._rows: dict[int, Floats] = {}

    def __call__(self, token: int, position: int) -> Floats:
        """Token plus position, (d,) float32."""
        embedded: Floats = self.row(token) + self._positions[position]
        return embedded

    def row(self, token: int) -> Floats:
        """The token alone, (d,) float32."""
        row = self._rows.get(token)
        if row is None:
            row = self._rows[token] = self._format.dequantize(self._blocks[token]).reshape(-1)
        return row


class OnnxLogits:
    """The decoder network with the caches of one window's sequences; see `host_decoder.LogitsModel`."""

    def __init__(
        self, session: onnxruntime.InferenceSession, dims: ModelDimensions, embedding: TokenEmbedding, n: int
    ) -> None:
        self._session, self._dims, self._embed, self._n = session, dims, embedding, n
        self._offset = 0  # tokens in every cache
        self._cache = np.zeros((2 * dims.n_text_layer, n, dims.n_text_head, dims.n_text_ctx, HEAD_SIZE), np.float32)
        self._hidden = np.zeros((n, dims.n_text_state), np.float32)  # behind the latest logits
        self._step: _Call | None = None

    def prefill(self, cross: Cross, prompt: Sequence[int], take: Sequence[int]) -> Floats:
        assert isinstance(cross, OnnxCross)
        first = _Call(self._session, self._dims, self._cache[:, :1], cross, len(prompt), take)
        logits, hidden = first.run([self._embed(token, i) for i, token in enumerate(prompt)], len(prompt))
        self._hidden = np.repeat(hidden[-1:], self._n, axis=0)
        self._cache[:, 1:, :, : len(prompt)] = self._cache[:, :1, :, : len(prompt)]
        self._offset = len(prompt)
        self._step = _Call(self._session, self._dims, self._cache, cross, self._n, range(self._n))
        return logits

    def step(self, tokens: Sequence[int]) -> Floats:
        assert self._step is not None
        self._offset += 1
        rows = [self._embed(token, self._offset - 1) for token in tokens]
        logits, self._hidden = self._step.run(rows, self._offset)
        return logits

    def exact(self, sequence: int, ids: Sequence[int]) -> Floats:
        exact: Floats = np.stack([self._embed.row(token) for token in ids]) @ self._hidden[sequence]
        return exact

    def reorder(self, parents: Sequence[int]) -> None:
        if any(i != p for i, p in enumerate(parents)):
            self._cache[:, :, :, : self._offset] = self._cache[:, list(parents), :, : self._offset]


class _Call:
    """The decoder bound to its buffers once, so that a token costs no more than filling in its inputs.

    Args:
        cache: (2 * n_text_layer, sequences, n_head, n_text_ctx, 64) float32, updated in place.
        n_rows: tokens of all sequences of one call.
        take: the rows whose logits are wanted.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        dims: ModelDimensions,
        cache: Floats,
        cross: OnnxCross,
        n_rows: int,
        take: Sequence[int],
    ) -> None:
        assert len(cross.layers) == dims.n_text_layer, "the window was freed"
        self._session, self._binding = session, session.io_binding()
        sequences = cache.shape[1]
        self._x = np.zeros((n_rows, dims.n_text_state), np.float32)
        self._lengths = np.zeros(sequences, np.int32)
        self._total = np.zeros((), np.int32)
        self._logits = np.zeros((len(take), dims.n_vocab), np.float32)
        self._hidden = np.zeros((len(take), dims.n_text_state), np.float32)
        self._keep: list[Any] = []  # OrtValues share these arrays' memory
        rows = np.array([sequences, -1, 3 * dims.n_text_state], np.int64)
        self._input("x", self._x)
        self._input("rows", rows)
        self._input("lengths", self._lengths)
        self._input("total", self._total)
        self._input("take", np.array(take, np.int64))
        self._output("logits", self._share(self._logits))
        self._output("hidden", self._share(self._hidden))
        for i, (values, scales) in enumerate(cross.layers):
            for j, c in enumerate("kv"):
                part = slice(j * dims.n_text_head, (j + 1) * dims.n_text_head)
                self._output(f"present_{c}_{i}", self._input(f"self_{c}_{i}", cache[2 * i + j]))
                self._cross(f"{c}_{i}", values[part], scales[part], n_rows)

    def run(self, rows: Sequence[Floats], total: int) -> tuple[Floats, Floats]:
        """Append (n_rows, d) embeddings, with which each cache holds `total` tokens.

        Returns:
            The logits (len(take), n_vocab) and the state they are made of (len(take), d), valid until the next call.
        """
        np.stack(rows, out=self._x)
        self._lengths.fill(total - 1)
        self._total.fill(total)
        self._session.run_with_iobinding(self._binding)
        return self._logits, self._hidden

    def _cross(self, name: str, values: NDArray[np.int8], scales: Floats, n_rows: int) -> None:
        tail = (values[:, -n_rows:] * scales).transpose(1, 0, 2)  # (n_rows, n_head, 64)
        self._output(f"cross_present_{name}", self._input(f"cross_{name}", values[np.newaxis]))
        self._input(f"cross_scale_{name}", scales[np.newaxis])
        self._input(f"cross_tail_{name}", np.ascontiguousarray(tail, np.float32).reshape(1, n_rows, -1))

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


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors come back as exceptions
    return options


def _run_interruptible(
    session: onnxruntime.InferenceSession, outputs: Sequence[str], feed: dict[str, NDArray[Any]], cancel: CancelToken
) -> list[Any]:
    """`session.run` that `cancel` stops between two operators."""
    options = onnxruntime.RunOptions()

    def interrupt() -> None:
        options.terminate = True

    with cancel.interrupting(interrupt):
        try:
            return list(session.run(outputs, feed, options))
        except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
            if cancel.cancelled:
                raise Cancelled from error
            raise
