"""The engine: one model on one device, recordings in, segments and statistics out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gpu.audio import open_audio, prepare_decoders
from gpu.backends.base import Backend
from gpu.backends.failover import FailoverBackend
from gpu.backends.onnx import OnnxBackend
from gpu.backends.onnx_profile import read_profiles
from gpu.backends.timed import TimedBackend
from gpu.cancel import CancelToken
from gpu.clips import Placed, clips_of
from gpu.devices import NOTHING_KNOWN, GpuSupport, cpu_name, physical_cores, select_device
from gpu.errors import DeviceError
from gpu.live import LiveDecoder
from gpu.model_file import ModelFile, open_model
from gpu.stage_clock import StageClock
from gpu.tokenizer import Tokenizer
from gpu.transcribe import LoadedModel, Transcription
from gpu.types import (
    DeviceInfo,
    GraphProfile,
    KernelTime,
    LanguageDetected,
    MemoryUsage,
    ModelInfo,
    RunEvent,
    RunWarning,
    TranscribeOptions,
    Words,
)
from gpu.vad import SileroVad

if TYPE_CHECKING:
    from gpu.backends.cuda_clock import KernelClock

_log = logging.getLogger(__name__)


class Engine:
    """A loaded model. Belongs to the thread that made it; only a `CancelToken` is touched from others.

    Args:
        model_path: a model file in any format of `gpu.model_file`.
        vad_path: Silero's voice activity model.
        device: "auto", "cpu", "cuda" (the best GPU) or "cuda:1" (that one).
        threads: of the CPU; None for one on each physical core.
        traces: a folder for what `profiles` reads, and to time a GPU's kernels; it slows the engine down.
        gpu: by default no GPU counts as tested, and kernels are compiled here.

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
        gpu: GpuSupport = NOTHING_KNOWN,
    ) -> None:
        started = time.perf_counter()
        self._path, self._threads, self._traces, self._gpu = model_path, threads or physical_cores(), traces, gpu
        self._kernel_clock: KernelClock | None = None
        chosen = select_device(device, gpu)
        with open_model(model_path) as model:
            tokenizer = Tokenizer(model.vocabulary, model.dims)
            vad = SileroVad(vad_path)

            def prepare() -> None:
                tokenizer.prepare()
                prepare_decoders()

            self._backend = self._backend_on(chosen, model, prepare, asked_for=device != "auto")
            self._loaded = LoadedModel(self._backend, model.dims, tokenizer, vad)
            self.model = ModelInfo(
                name=model_path.stem,
                size=model.dims.size_name,
                quantization=model.quantization,
                n_bytes=model.n_bytes,
                is_multilingual=model.dims.is_multilingual,
                load_s=time.perf_counter() - started,
            )

    @property
    def device(self) -> DeviceInfo:
        """What does the work; another one than at first where that failed."""
        return self._backend.device

    def _backend_on(
        self, device: DeviceInfo, model: ModelFile, meanwhile: Callable[[], None], *, asked_for: bool
    ) -> Backend:
        """The backend of a device. A GPU that does not start is replaced, and it is said, unless it was `asked_for`."""
        if device.kind == "cpu":
            return self._on_cpu(device, model, meanwhile)
        try:
            return FailoverBackend(self._on_gpu(device, model), self._take_over)
        except DeviceError as error:
            if asked_for:
                raise
            _log.exception("%s does not start, the CPU does the work", device.name)
            note = Words("{device} does not start: {cause}", device=device.name, cause=error.message)
            return self._on_cpu(DeviceInfo("cpu", cpu_name(), note), model, meanwhile)

    def _on_cpu(self, device: DeviceInfo, model: ModelFile, meanwhile: Callable[[], None] = lambda: None) -> Backend:
        return OnnxBackend(model, device, self._threads, self._traces, meanwhile)

    def _on_gpu(self, device: DeviceInfo, model: ModelFile) -> Backend:
        from gpu.backends.cuda import CudaBackend  # where there is a GPU: nobody else waits for these
        from gpu.backends.cuda_device import CudaDevice, import_cupy

        cuda = CudaDevice(import_cupy(), self._gpu.kernels(), device.ordinal)
        backend = CudaBackend(model, cuda, device)
        if self._traces is not None:
            self._kernel_clock = cuda.time_kernels()
        return backend

    def _take_over(self, note: Words) -> Backend:
        with open_model(self._path) as model:
            return self._on_cpu(DeviceInfo("cpu", cpu_name(), note), model)

    def transcribe(
        self, path: Path, options: TranscribeOptions, cancel: CancelToken, clock: StageClock | None = None
    ) -> Iterator[RunEvent]:
        """Transcribe a recording, or clips of it; see `gpu.transcribe.Transcription.events`.

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
        placed = Placed()
        for number, clip in enumerate(clips_of(options.clip_timestamps)):
            with ExitStack() as opened:
                audios = [opened.enter_context(open_audio(path, clip=clip))]
                if options.split_channels and audios[0].n_channels > 1:
                    channels = range(audios.pop().n_channels)
                    audios = [opened.enter_context(open_audio(path, channel, clip)) for channel in channels]
                elif options.split_channels and number == 0:
                    yield RunWarning(Words("It has one channel only: speakers cannot be told apart."))
                events = Transcription(loaded, audios, options, cancel).events()
                for event in placed.events(events, clip, audios[0].whole_s):
                    if isinstance(event, LanguageDetected):
                        if options.language is not None and number > 0:
                            continue  # known from the clip before
                        if not options.multilingual:
                            options = replace(options, language=event.language)
                    yield event

    def live(self, options: TranscribeOptions, cancel: CancelToken) -> LiveDecoder:
        """A stream of speech to be recognised as it is spoken; see `gpu.live`. Of the options those count that concern
        what is heard: language, task, context and hotwords.

        Raises:
            OptionsError: the options do not fit the model.
        """
        return LiveDecoder(self._loaded, options, cancel)

    def memory(self) -> MemoryUsage:
        return self._backend.memory()

    def profiles(self) -> list[GraphProfile]:
        """What the nodes of each graph took since loading, if there is a folder for traces. Ends tracing."""
        return read_profiles(self._backend.end_tracing()) if isinstance(self._backend, OnnxBackend) else []

    def kernel_times(self) -> tuple[KernelTime, ...]:
        """What each kernel of a GPU has taken since loading, the longest first, if there is a folder for traces."""
        return () if self._kernel_clock is None else self._kernel_clock.times()

    def close(self) -> None:
        self._backend.close()
