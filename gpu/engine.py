"""The engine: one model on one device, recordings in, segments and statistics out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from gpu.audio import open_audio, prepare_decoders
from gpu.backends.onnx import OnnxBackend
from gpu.backends.onnx_profile import read_profiles
from gpu.backends.timed import TimedBackend
from gpu.cancel import CancelToken
from gpu.devices import physical_cores, select_device
from gpu.model_file import open_model
from gpu.stage_clock import StageClock
from gpu.tokenizer import Tokenizer
from gpu.transcribe import LoadedModel, Transcription
from gpu.types import DeviceInfo, GraphProfile, MemoryUsage, ModelInfo, RunEvent, RunWarning, TranscribeOptions, Words
from gpu.vad import SileroVad


class Engine:
    """A loaded model. Belongs to the thread that made it; only a `CancelToken` is touched from others.

    Args:
        model_path: a model file in any format of `gpu.model_file`.
        vad_path: Silero's voice activity model.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU; None for one on each physical core.
        traces: a folder for what `profiles` reads; writing it slows the engine down.

    Raises:
        ModelFileError: the file is no usable model.
        DeviceError: the device is not there, or has not enough memory.
    """

    def __init__(
        self,
        model_path: Path,
        vad_path: Path,
        device: str = "auto",
        threads: int | None = None,
        traces: Path | None = None,
    ) -> None:
        started = time.perf_counter()
        self.device: DeviceInfo = select_device(device)
        with open_model(model_path) as model:
            tokenizer = Tokenizer(model.vocabulary, model.dims)
            vad = SileroVad(vad_path)

            def prepare() -> None:
                tokenizer.prepare()
                prepare_decoders()

            self._backend = OnnxBackend(model, self.device, threads or physical_cores(), traces, prepare)
            self._loaded = LoadedModel(self._backend, model.dims, model.mel_filters, tokenizer, vad)
            self.model = ModelInfo(
                name=model_path.stem,
                size=model.dims.size_name,
                quantization=model.quantization,
                n_bytes=model.n_bytes,
                is_multilingual=model.dims.is_multilingual,
                load_s=time.perf_counter() - started,
            )

    def transcribe(
        self, path: Path, options: TranscribeOptions, cancel: CancelToken, clock: StageClock | None = None
    ) -> Iterator[RunEvent]:
        """Transcribe a recording; see `gpu.transcribe.Transcription.events`.

        Args:
            clock: is told what each stage takes: "read", "vad", "mel", and those of `TimedBackend`.

        Raises:
            AudioError: the recording cannot be read.
            OptionsError: the options do not fit the model.
            Cancelled: the token was set.
        """
        loaded = self._loaded
        if clock is not None:
            loaded = replace(loaded, backend=TimedBackend(self._backend, clock), clock=clock)
        with ExitStack() as opened:
            audios = [opened.enter_context(open_audio(path))]
            if options.split_channels and audios[0].n_channels > 1:
                channels = range(audios.pop().n_channels)
                audios = [opened.enter_context(open_audio(path, channel)) for channel in channels]
            elif options.split_channels:
                yield RunWarning(Words("It has one channel only: speakers cannot be told apart."))
            yield from Transcription(loaded, audios, options, cancel).events()

    def memory(self) -> MemoryUsage:
        return self._backend.memory()

    def profiles(self) -> list[GraphProfile]:
        """What the nodes of each graph took since loading, if there is a folder for traces. Ends tracing."""
        return read_profiles(self._backend.end_tracing())

    def close(self) -> None:
        self._backend.close()
