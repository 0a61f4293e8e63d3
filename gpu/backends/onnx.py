"""The CPU backend: ONNX Runtime graphs built from the model file's own blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gpu.backends.base import Cross, DecodePlan, Floats, Limits
from gpu.backends.host_decoder import HostDecoder
from gpu.backends.onnx_decoder import OnnxCross, OnnxLogits
from gpu.backends.onnx_graphs import build_decoder, build_encoder
from gpu.backends.token_embedding import TokenEmbedding
from gpu.cancel import CancelToken
from gpu.errors import Cancelled
from gpu.host_memory import host_memory, return_freed_memory, trim_memory
from gpu.mel import NumpySpectrogram
from gpu.model_file import ModelFile
from gpu.types import DeviceInfo, MemoryUsage

MAX_ROWS, MAX_SEQUENCES = 8, 16


class OnnxBackend:
    """Whisper on ONNX Runtime's CPU kernels; see `gpu.backends.base.Backend`."""

    limits = Limits(rows=MAX_ROWS, sequences=MAX_SEQUENCES, short_windows=True)
    encodes_ahead = False  # all cores are at work already

    def __init__(
        self,
        model: ModelFile,
        device: DeviceInfo,
        threads: int,
        traces: Path | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Build both networks. The model file may be closed afterwards, its memory is not used any more.

        Args:
            traces: a folder into which ONNX Runtime writes what each node takes, until `end_tracing`.
            meanwhile: called while the decoder is compiled, which leaves all cores but one idle.
        """
        self._dims = model.dims
        self._device = device
        self._traces = traces
        return_freed_memory()
        with ThreadPoolExecutor(threads, "repack") as workers, ThreadPoolExecutor(1, "compile") as compiler:
            encoder = build_encoder(model.dims, model.tensors, workers)
            encoder_session = compiler.submit(encoder.session, _session_options(threads, traces and traces / "encoder"))
            decoder = build_decoder(model.dims, model.tensors, workers).finish()  # while the encoder is compiled
            del encoder
            self._encoder = encoder_session.result()
            decoder_session = compiler.submit(decoder.session, _session_options(threads, traces and traces / "decoder"))
            del decoder
            meanwhile()
            self._decoder = decoder_session.result()
        self._embedding = TokenEmbedding(model)
        self.spectrogram = NumpySpectrogram(np.array(model.mel_filters))
        trim_memory()

    @property
    def device(self) -> DeviceInfo:
        return self._device

    def encode(self, mel: Floats, cancel: CancelToken) -> list[Cross]:
        layers = range(self._dims.n_text_layer)
        names = [f"{name}_{i}" for name in ("cross", "cross_scale") for i in layers]
        windows: list[Cross] = []
        for window in mel:  # one at a time: a larger batch is no faster on a CPU, and takes memory
            feed = {"mel": np.ascontiguousarray(window[np.newaxis])}
            arrays = [a[0] for a in _run_interruptible(self._encoder, names, feed, cancel)]
            parts = [part for array in arrays for part in np.split(array, 2)]  # keys, values
            windows.append(OnnxCross(parts[: 2 * len(layers)], parts[2 * len(layers) :]))
        return windows

    def open(self, plan: DecodePlan, cancel: CancelToken) -> HostDecoder:
        return HostDecoder(plan, OnnxLogits(self._decoder, self._dims, self._embedding, plan), cancel)

    def memory(self) -> MemoryUsage:
        return host_memory()

    def end_tracing(self) -> dict[str, Path]:
        """The traces by graph, complete; none where no folder was given."""
        if self._traces is None:
            return {}
        return {"encoder": Path(self._encoder.end_profiling()), "decoder": Path(self._decoder.end_profiling())}

    def close(self) -> None:
        del self._encoder, self._decoder


def _session_options(threads: int, trace: Path | None = None) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False  # the plan is kept beside the arena it was made from: 40 MB twice
    options.log_severity_level = 3  # errors come back as exceptions
    if trace is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(trace)
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
