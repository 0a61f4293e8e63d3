"""The engine: one model on one device, recordings in, segments and statistics out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from gpu.audio import open_audio
from gpu.backends.onnx import OnnxBackend
from gpu.cancel import CancelToken
from gpu.devices import physical_cores, select_device
from gpu.model_file import open_model
from gpu.tokenizer import Tokenizer
from gpu.transcribe import LoadedModel, Transcription
from gpu.types import DeviceInfo, MemoryUsage, ModelInfo, RunEvent, RunWarning, TranscribeOptions, Words
from gpu.vad import SileroVad


class Engine:
    """A loaded model. Belongs to the thread that made it; only a `CancelToken` is touched from others.

    Args:
        model_path: a model file in any format of `gpu.model_file`.
        device: "auto", "cpu" or "cuda".
        vad_path: Silero's voice activity model.
        threads: of the CPU; None for one on each physical core.

    Raises:
        ModelFileError: the file is no usable model.
        DeviceError: the device is not there, or has not enough memory.
    """

    def __init__(self, model_path: Path, vad_path: Path, device: str = "auto", threads: int | None = None) -> None:
        started = time.perf_counter()
        self.device: DeviceInfo = select_device(device)
        with open_model(model_path) as model:
            backend = OnnxBackend(model, self.device, threads or physical_cores())
            tokenizer = Tokenizer(model.vocabulary, model.dims)
            tokenizer.prepare()
            vad = SileroVad(vad_path)
            self._loaded = LoadedModel(backend, model.dims, model.mel_filters, tokenizer, vad)
            self.model = ModelInfo(
                name=model_path.stem,
                size=model.dims.size_name,
                quantization=model.quantization,
                n_bytes=model.n_bytes,
                is_multilingual=model.dims.is_multilingual,
                load_s=time.perf_counter() - started,
            )

    def transcribe(self, path: Path, options: TranscribeOptions, cancel: CancelToken) -> Iterator[RunEvent]:
        """Transcribe a recording; see `gpu.transcribe.Transcription.events`.

        Raises:
            AudioError: the recording cannot be read.
            OptionsError: the options do not fit the model.
            Cancelled: the token was set.
        """
        with ExitStack() as opened:
            audios = [opened.enter_context(open_audio(path))]
            if options.split_channels and audios[0].n_channels > 1:
                channels = range(audios.pop().n_channels)
                audios = [opened.enter_context(open_audio(path, channel)) for channel in channels]
            elif options.split_channels:
                yield RunWarning(Words("It has one channel only: speakers cannot be told apart."))
            yield from Transcription(self._loaded, audios, options, cancel).events()

    def memory(self) -> MemoryUsage:
        return self._loaded.backend.memory()

    def close(self) -> None:
        self._loaded.backend.close()
