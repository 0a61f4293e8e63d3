"""The engine as the program sees it: jobs in, messages out, and the one place where errors become messages.

Knows no Qt and no threads: its generators run wherever they are pumped, all on the same thread.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobMessage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
    TranscribeFile,
)
from app.paths import log_file, vad_model
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, EngineError, OptionsError
from gpu.types import (
    DeviceChanged,
    LanguageDetected,
    MemoryUsage,
    RunStats,
    RunWarning,
    Segment,
    TranscribeOptions,
    Words,
)

if TYPE_CHECKING:
    from gpu.engine import Engine
    from gpu.live import LiveDecoder

_log = logging.getLogger(__name__)

# Engine modules are imported where they are used: they take most of a second, and `--help` needs none of them.


class EngineService:
    """One model on one device, and the jobs it does. Belongs to the thread that loads it, tokens aside.

    Args:
        model_path: the model file.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU; None leaves it to the engine.
    """

    def __init__(self, model_path: Path, device: str = "auto", threads: int | None = None) -> None:
        self._model_path = model_path
        self._device = device
        self._threads = threads
        self._engine: Engine | None = None
        self._why_not = Failure(
            model_path, "ModelNotLoaded", Words("No model is loaded."), Words("Choose a model file.")
        )

    def load(self) -> Iterator[ModelLoading | ModelLoaded | ModelFailed]:
        """Load the model: `ModelLoading`, then `ModelLoaded` or `ModelFailed`."""
        yield ModelLoading(self._model_path)
        self.close()
        _log.info("loading %r", str(self._model_path))
        try:
            from app.engine.gpu import gpu_support
            from gpu.engine import Engine

            model, vad = self._model_path, vad_model()
            self._engine = engine = Engine(model, vad, self._device, self._threads, gpu=gpu_support())
        except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
            self._why_not = failure_of(self._model_path, e)
            _log.warning("no model: %s: %s", self._why_not.kind, self._why_not.message)
            yield ModelFailed(self._model_path, self._why_not.message, self._why_not.remedy, self._why_not.kind)
        else:
            device = engine.device
            _log.info("loaded in %.1f s on %s: %s. %s", engine.model.load_s, device.kind, device.name, device.note)
            yield ModelLoaded(engine.model, device)

    def live(self, options: TranscribeOptions, cancel: CancelToken) -> LiveDecoder:
        """A stream of speech on the model that is loaded.

        Raises:
            EngineError: there is none, or the options do not fit it.
        """
        if self._engine is None:
            raise EngineError(self._why_not.message, remedy=self._why_not.remedy)
        return self._engine.live(options, cancel)

    def run(self, job: TranscribeFile, cancel: CancelToken) -> Iterator[JobMessage | ModelLoaded]:
        """Do one job: `JobStarted`, what comes of it, and one of `JobFinished`, `JobCancelled`, `JobFailed`.

        Of one that goes on with an earlier run the segments are those that are new, numbered behind the others. Among
        what comes of it is `ModelLoaded` when the device failed and the model was loaded on another one.
        """
        yield JobStarted(job.job_id, job.path)
        _log.info("job %d begins: %r", job.job_id, str(job.path))
        if self._engine is None:
            yield _job_failed(job, self._why_not)
            return
        stats: RunStats | None = None
        try:
            for event in self._engine.transcribe(job.path, _remaining(job), cancel):
                if isinstance(event, DeviceChanged):
                    _log.warning("job %d goes on on %s: %s", job.job_id, event.device.name, event.device.note)
                    yield ModelLoaded(self._engine.model, event.device)
                    continue
                message = _message(job, event)
                if isinstance(message, JobStats):
                    stats = message.stats
                yield message
            if stats is None:
                raise RuntimeError("the engine ended a run without statistics")
        except Cancelled:
            _log.info("job %d was stopped%s", job.job_id, _figures(stats))
            yield JobCancelled(job.job_id, stats)
        except Exception as e:  # noqa: BLE001 - the boundary of the engine's thread
            failed = _job_failed(job, failure_of(job.path, e))
            _log.warning("job %d failed%s: %s: %s", job.job_id, _figures(stats), failed.kind, failed.message)
            yield failed
        else:
            _log.info("job %d is done%s", job.job_id, _figures(stats))
            yield JobFinished(job.job_id, stats)

    @property
    def has_model(self) -> bool:
        return self._engine is not None

    @property
    def on_gpu(self) -> bool:
        return self._engine is not None and self._engine.device.kind == "cuda"

    def memory(self) -> MemoryUsage | None:
        """Memory of the device, or None without a model."""
        return self._engine.memory() if self._engine else None

    def close(self) -> None:
        """Give the model's memory back. Jobs fail until it is loaded again."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


@dataclass(frozen=True)
class Failure:
    """Why something cannot be used. `kind` is the exception's class name; message and remedy are one line each."""

    path: Path
    kind: str
    message: Words
    remedy: Words


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[Failure]]:
    """The recordings that files and folders stand for, each once, and what is wrong with the other paths."""
    from gpu.audio import find_recordings, open_audio

    recordings: dict[str, Path] = {}  # by absolute path, in order
    failures = []
    for path in paths:
        try:
            if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder may not be read
                open_audio(path).close()  # knows the words for it
            for recording in find_recordings(path):
                recordings.setdefault(os.path.abspath(recording), recording)  # noqa: PTH100 - links stay apart
        except EngineError as e:
            failures.append(failure_of(path, e))
    return list(recordings.values()), failures


def recording_suffixes() -> frozenset[str]:
    """Endings of audio and video files' names (".mp3"), for pickers."""
    from gpu.audio import AUDIO_SUFFIXES

    return AUDIO_SUFFIXES


def machine_memory() -> MemoryUsage:
    """Of this process and the machine, now; takes no time to speak of."""
    from gpu.host_memory import host_memory

    return host_memory()


def slept_s() -> float:
    """See `gpu.awake_clock`."""
    from gpu import awake_clock

    return awake_clock.slept_s()


def duration_s(path: Path) -> float | None:
    """Length of a recording as its header has it, or None. It is opened for that."""
    from gpu.audio import open_audio

    try:
        with open_audio(path) as audio:
            return audio.duration_s
    except EngineError:
        return None


def languages() -> dict[str, str]:
    """Languages Whisper knows: English name by code, `{"en": "english", ...}`."""
    from gpu.tokenizer import LANGUAGES

    return LANGUAGES


def language_code(language: str) -> str | None:
    """Code of a language given by code or English name; None for "auto".

    Raises:
        OptionsError: Whisper does not know it.
    """
    from gpu.tokenizer import LANGUAGES, TO_LANGUAGE_CODE

    name = language.strip().lower()
    if name == "auto":
        return None
    code = TO_LANGUAGE_CODE.get(name, name)
    if code not in LANGUAGES:
        similar = difflib.get_close_matches(name, [*TO_LANGUAGE_CODE, *LANGUAGES], n=1)
        raise OptionsError(
            Words("Whisper knows no language {name}.", name=repr(language)),
            remedy=Words("Did you mean {name}?", name=repr(similar[0]))
            if similar
            else Words("Give an English name, a code (en, de, zh, ...) or auto."),
        )
    return code


def _remaining(job: TranscribeFile) -> TranscribeOptions:
    """The options that leave out what an earlier run has settled."""
    options, settled = job.options, job.settled
    if settled is None:
        return options
    from gpu.clips import remaining

    prompt = options.initial_prompt
    if options.condition_on_previous_text:
        prompt = f"{prompt or ''} {settled.text}".strip() or None
    language = options.language if options.multilingual else options.language or settled.language
    clips = remaining(options.clip_timestamps, settled.until_s)
    return replace(options, clip_timestamps=clips, language=language, initial_prompt=prompt)


def _figures(stats: RunStats | None) -> str:
    """For the log."""
    if stats is None:
        return ""
    return (
        f", {stats.audio_s:.1f} s of sound in {stats.processing_s:.1f} s, {stats.n_segments} segments, "
        f"{stats.n_windows} windows, {stats.n_fallbacks} fallbacks, {stats.memory.used / 1e6:.0f} MB"
    )


def _message(job: TranscribeFile, event: LanguageDetected | Segment | RunWarning | RunStats) -> JobMessage:
    n_before = job.settled.n_segments if job.settled else 0
    match event:
        case LanguageDetected(language, probability):
            return JobLanguage(job.job_id, language, probability)
        case Segment():
            return JobSegment(job.job_id, replace(event, id=n_before + event.id))
        case RunWarning(message):
            return JobWarning(job.job_id, message)
        case RunStats():
            return JobStats(job.job_id, replace(event, n_segments=n_before + event.n_segments))


def _job_failed(job: TranscribeFile, failure: Failure) -> JobFailed:
    return JobFailed(job.job_id, job.path, failure.kind, failure.message, failure.remedy)


def failure_of(path: Path, error: Exception) -> Failure:
    """An error in words. One that nobody foresaw goes to the log with its traceback."""
    match error:
        case EngineError():
            return Failure(path, type(error).__name__, error.message, error.remedy)
        case MemoryError():
            message = Words("There is not enough memory.")
            return Failure(path, "MemoryError", message, Words("Close other programs, or choose a smaller model."))
    _log.error("unexpected error with %s", path, exc_info=error)
    message = Words("The program made a mistake ({error}).", error=f"{type(error).__name__}: {error}"[:200])
    return Failure(path, "InternalError", message, Words("Please report it with the log file {path}.", path=log_file()))
