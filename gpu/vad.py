"""Where in a recording somebody speaks: Silero VAD's probability of speech for every 32 ms.

The network (github.com/snakers4/silero-vad, 16 kHz) hears chunks of 512 samples with the 64 before them: the magnitudes
of four short-time spectra, four convolutions over them, an LSTM that carries on from chunk to chunk, one number.
Run as published, chunk by chunk, most of its time goes into a hundred tiny operations. Here the same weights make
another graph: all but the LSTM is worked out for many chunks at once, each layer one matrix product, since a
convolution over four frames is one; the LSTM then goes over the sequence in one call. A tenth of the time, the same
numbers.

The network hears quiet speech badly where there is noise too, though the noise is quieter still, so quiet recordings
are made louder for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gpu.audio import SAMPLE_RATE
from gpu.backends.onnx_builder import GraphBuilder
from gpu.backends.onnx_proto import read_graph
from gpu.errors import DamagedModelError, ModelNotFoundError, reason
from gpu.types import Words

Floats = NDArray[np.float32]

CHUNK = 512  # samples a probability: 32 ms at 16 kHz
_CONTEXT = 64  # samples before a chunk that it is heard with
_N_FFT, _HOP = 256, 128  # samples
_N_FRAMES = 4  # spectra in a chunk
_N_STATE = 128
_AT_ONCE = 256  # chunks, 8 s: their spectra (1 MB) stay in the cache
_SETTLED = 64  # chunks of digital silence, 2 s, after which the network says what it said before
_STRIDES = (1, 2, 2, 1)  # of the convolutions

_SILENCE_DB = -200.0
_WANTED_DB = -12.0  # RMS of the loudest chunk, relative to full scale: speech then has about -20
_MOST_DB = 40.0  # of amplification
_FALL_DB = 1.0 * CHUNK / SAMPLE_RATE  # a chunk: what was loudest is forgotten at 1 dB a second

_REMEDY = Words("Install the program again.")


class SileroVad:
    """The network, ready to run. Streams share it.

    Args:
        path: the ONNX file as Silero publishes it (`silero_vad_16k_sequence.onnx`).

    Raises:
        ModelNotFoundError: the file cannot be read.
        DamagedModelError: it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._session = _build(_read_weights(path))

    def stream(self, *, amplify: bool = True) -> VadStream:
        """A recording to be heard from its start; `amplify`: where it is quiet."""
        return VadStream(self._session, amplify=amplify)

    def probabilities(self, audio: Floats, *, amplify: bool = True) -> Floats:
        """Of a whole recording, (n,) float32 at 16 kHz: (ceil(n / 512),) float32, its end filled up with silence."""
        stream = self.stream(amplify=amplify)
        return np.concatenate([stream.feed(audio), stream.finish()])


class VadStream:
    """One recording, heard as it comes; memory stays at a block of it."""

    def __init__(self, session: onnxruntime.InferenceSession, *, amplify: bool) -> None:
        self._session = session
        self._amplify = amplify
        self._samples = np.zeros(_CONTEXT, np.float32)  # the next chunk's context, and what there is of the chunk
        self._state = {name: np.zeros((1, 1, _N_STATE), np.float32) for name in ("h", "c")}
        self._n_silent = 0  # chunks of digital silence up to now
        self._last = np.float32(0)
        self._loudest_db = _SILENCE_DB

    def feed(self, block: Floats) -> Floats:
        """The probabilities of the chunks that a block completes.

        Args:
            block: (n,) float32, mono 16 kHz, -1..1, the recording's next. Blocks of 8 s cost the least, single chunks
                three times as much.

        Returns:
            (n_chunks,) float32, 0..1.
        """
        samples = np.concatenate([self._samples, block])
        n_chunks = (len(samples) - _CONTEXT) // CHUNK
        self._samples = samples[n_chunks * CHUNK :].copy()
        if n_chunks == 0:
            return np.empty(0, np.float32)
        chunks = sliding_window_view(samples, _CONTEXT + CHUNK)[::CHUNK]
        return np.concatenate([self._hear(chunks[i : i + _AT_ONCE]) for i in range(0, n_chunks, _AT_ONCE)])

    def finish(self) -> Floats:
        """The probability of the last chunk, filled up with silence: (1,) float32, or (0,) if none was begun."""
        n_begun = len(self._samples) - _CONTEXT
        return self.feed(np.zeros(-n_begun % CHUNK, np.float32))

    def _hear(self, chunks: Floats) -> Floats:
        """chunks: (n, 576)."""
        if chunks.any():
            self._n_silent = 0
        elif self._n_silent >= _SETTLED:
            return np.full(len(chunks), self._last)
        else:
            self._n_silent += len(chunks)
        if self._amplify:
            chunks = self._amplified(chunks)
        mirrored = np.concatenate([chunks, chunks[:, -2 : -2 - _CONTEXT : -1]], axis=1)
        frames = sliding_window_view(mirrored, _N_FFT, axis=1)[:, ::_HOP]
        feed = {"frames": np.ascontiguousarray(frames), **self._state}
        probabilities, self._state["h"], self._state["c"] = self._session.run(None, feed)
        self._last = probabilities[-1, 0]
        return np.asarray(probabilities, np.float32)[:, 0]

    def _amplified(self, chunks: Floats) -> Floats:
        """Each chunk as loud as the loudest one lately should be. Never quieter: the network bears loud ones."""
        power = np.square(chunks[:, _CONTEXT:]).mean(axis=1, dtype=np.float64)
        level = 10 * np.log10(np.maximum(power, 10 ** (_SILENCE_DB / 10)))
        fall = _FALL_DB * np.arange(len(chunks) + 1)
        loudest = (np.maximum.accumulate(np.append(self._loudest_db, level) + fall) - fall)[1:]
        self._loudest_db = float(loudest[-1])
        gain = 10 ** (np.clip(_WANTED_DB - loudest, 0, _MOST_DB) / 20)
        amplified: Floats = chunks * gain.astype(np.float32)[:, None]
        return amplified


def _read_weights(path: Path) -> dict[str, Floats]:
    try:
        nodes, weights = read_graph(path.read_bytes())
    except OSError as error:
        cause = Words("{path} cannot be read: {reason}.", path=path, reason=reason(error))
        raise ModelNotFoundError(cause, remedy=_REMEDY) from error
    except ValueError as error:
        raise _damaged(path) from error
    for node in nodes:
        if node.op == "LSTM":  # the exporter numbered its weights
            weights |= {f"lstm.{part}": weights[name] for part, name in zip("WRB", node.inputs[1:4], strict=True)}
    if not weights.keys() >= {"stft.forward_basis_buffer", "encoder.3.weight", "lstm.B", "output.weight"}:
        raise _damaged(path)
    return weights


def _damaged(path: Path) -> DamagedModelError:
    return DamagedModelError(Words("{path} is not the voice activity model, or is damaged.", path=path), remedy=_REMEDY)


def _build(weights: Mapping[str, Floats]) -> onnxruntime.InferenceSession:
    """The graph: (n, 4, 256) samples and the state to (n, 1) probabilities and the state after them."""
    with ThreadPoolExecutor(1, "voice activity") as pool:
        g = GraphBuilder("voice activity", pool)
        frames = g.input("frames", np.float32, ["n", _N_FRAMES, _N_FFT])
        state = [g.input(name, np.float32, [1, 1, _N_STATE]) for name in ("h", "c")]
        x = _magnitudes(g, frames, weights["stft.forward_basis_buffer"])
        n_frames = _N_FRAMES
        for layer, stride in enumerate(_STRIDES):
            kernel, bias = (weights[f"encoder.{layer}.{part}"] for part in ("weight", "bias"))
            matrix = _as_matrix(kernel, n_frames, stride)
            n_frames = matrix.shape[1] // len(bias)
            w, b = g.constant(f"w{layer}", matrix), g.constant(f"b{layer}", np.tile(bias, n_frames))
            x = g.node("Relu", [g.node("Gemm", [x, w, b])])
        sequence = g.node("Unsqueeze", [x, g.constant("batch axis", np.array([1]))])
        lstm = [g.constant(part, weights[f"lstm.{part}"]) for part in "WRB"]
        heard, h, c = g.nodes("LSTM", [sequence, *lstm, "", *state], 3, hidden_size=_N_STATE)
        heard = g.node("Reshape", [g.node("Relu", [heard]), g.constant("rows", np.array([-1, _N_STATE]))])
        output = [g.constant("wo", weights["output.weight"][0]), g.constant("bo", weights["output.bias"])]
        probability = g.node("Sigmoid", [g.node("Gemm", [heard, *output])])
        g.output("probability", probability, np.float32, ["n", 1])
        g.output("h after", h, np.float32, [1, 1, _N_STATE])
        g.output("c after", c, np.float32, [1, 1, _N_STATE])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # it is little work
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return g.session(options)


def _magnitudes(g: GraphBuilder, frames: str, basis: Floats) -> str:
    """(n, 4, 256) samples to (n, 4 * 129) magnitudes; basis: (258, 1, 256), the window times cosines, then sines."""
    n_bins = len(basis) // 2
    parts = {"cosines": basis[:n_bins, 0], "sines": basis[n_bins:, 0]}
    waves = [g.node("MatMul", [frames, g.constant(name, part.T.copy())]) for name, part in parts.items()]
    power = g.node("Add", [g.node("Mul", [wave, wave]) for wave in waves])
    return g.node("Reshape", [g.node("Sqrt", [power]), g.constant("flat", np.array([-1, _N_FRAMES * n_bins]))])


def _as_matrix(kernel: Floats, n_frames: int, stride: int) -> Floats:
    """A convolution over so many frames, with one of zeros on each side, as a matrix to multiply them with.

    Args:
        kernel: (n_out, n_in, 3).

    Returns:
        (n_frames * n_in, n_frames_out * n_out).
    """
    n_out, n_in, _ = kernel.shape
    matrix = np.zeros((1 + n_frames + 1, n_in, (n_frames + stride - 1) // stride, n_out), np.float32)
    for frame in range(matrix.shape[2]):
        matrix[frame * stride : frame * stride + 3, :, frame] = kernel.transpose(2, 1, 0)
    return matrix[1:-1].reshape(n_frames * n_in, -1)
