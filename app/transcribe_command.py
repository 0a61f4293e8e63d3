"""The command `transcribe`: recordings in, text and files out, and what is said about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.console import Console, unwritable
from app.document.output_files import OutputFiles
from app.document.subtitles import Layout, one_line, spoken_by
from app.document.transcript import Transcript, clock
from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    Message,
    ModelFailed,
    ModelLoaded,
    TranscribeFile,
)
from app.engine.service import EngineService, expand, languages
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, EXIT_USAGE, SIGPIPE, cancelling_on_signals, on_a_thread
from app.log import start_logging
from app.models.benchmark import save_benchmark
from gpu.cancel import CancelToken
from gpu.errors import OutputFileError
from gpu.types import DeviceInfo, ModelInfo, RunStats, TranscribeOptions

_DOUBTS_TOLD = 5  # places of doubtful text


@dataclass(frozen=True)
class TranscribeCommand:
    """What was typed, checked. `formats` are written into `output_dir`, subtitles in `layout`; none: text on standard
    output only."""

    paths: Sequence[Path]
    options: TranscribeOptions
    model: Path
    device: str
    threads: int | None
    formats: Sequence[str]
    layout: Layout
    output_dir: Path
    stats_json: Path | None
    quiet: bool

    def run(self) -> int:
        """Do it; the exit code."""
        start_logging()
        cancel = CancelToken()
        with cancelling_on_signals(cancel) as received:
            exit_code = self._run(cancel, Console(quiet=self.quiet))
        return EXIT_SIGNAL + received[0] if received else exit_code

    def _run(self, cancel: CancelToken, console: Console) -> int:
        recordings, failures = expand(self.paths)
        for failure in failures:
            console.error(str(failure.path), failure.message, failure.remedy)
        if not recordings:
            return EXIT_FAILED
        outputs = self._outputs(recordings, console)
        if outputs is None:
            return EXIT_FAILED
        for path in outputs.renamed:
            names = ", ".join(written.name for written in outputs.paths(path))
            console.warning(str(path), f"{path} shares its name with another recording and is written to {names}")
        report = _Report(self, console, outputs, len(recordings))
        service = EngineService(self.model, self.device, self.threads)
        jobs = [TranscribeFile(i, path, self.options) for i, path in enumerate(recordings)]
        with closing(on_a_thread(_work(service, jobs, cancel))) as messages:
            try:
                for message in messages:
                    report.handle(message)
                    if report.exit_code == EXIT_USAGE:  # it would be for every file
                        cancel.cancel()
            except OSError as e:
                console.end_progress()
                if isinstance(e, BrokenPipeError):
                    return EXIT_SIGNAL + SIGPIPE
                console.error("standard output", *unwritable(e))
                return EXIT_FAILED
            finally:
                cancel.cancel()  # the thread must not go on alone
        report.conclude()
        return report.exit_code or (EXIT_FAILED if failures else 0)

    def _outputs(self, recordings: Sequence[Path], console: Console) -> OutputFiles | None:
        """Found out before the work whether it can be written; None, and said, if not."""
        try:
            if "pdf" in self.formats:
                from app import pdf

                pdf.check()  # on the main thread
            outputs = OutputFiles(self.output_dir, self.formats, recordings, self.layout)
            if self.stats_json is not None:
                self.stats_json.write_bytes(b"")
        except OSError as e:
            console.error(str(e.filename), *unwritable(e))
            return None
        except OutputFileError as e:
            console.error("pdf", e.message, e.remedy)
            return None
        return outputs


class _Report:
    """Shows and writes what the engine's messages say, and keeps the score."""

    _model: ModelInfo  # these two from `ModelLoaded` on
    _device: DeviceInfo

    def __init__(self, command: TranscribeCommand, console: Console, outputs: OutputFiles, n_recordings: int) -> None:
        self.exit_code = 0
        self._command = command
        self._console = console
        self._outputs = outputs
        self._n_recordings = n_recordings
        self._n_begun = 0
        self._n_headings = 0
        self._finished: list[RunStats] = []
        self._transcript = Transcript(Path())
        self._language_probability: float | None = None
        self._is_mixed = False  # begun on a device that failed: says nothing about the other's speed

    def handle(self, message: Message) -> None:
        """Raises `OSError` when standard output cannot be written."""
        match message:
            case ModelLoaded(model, device):
                self._is_mixed = self._n_begun > 0
                self._introduce(model, device)
            case ModelFailed():
                self._give_up(message)
            case JobStarted(_, path):
                self._begin(path)
            case JobLanguage(_, language, probability):
                self._transcript.language = language
                self._language_probability = probability
            case JobSegment(_, segment):
                self._print_heading()
                self._transcript.append(segment)
                self._print(spoken_by(segment) + one_line(segment.text))
            case JobStats(_, stats):
                self._console.progress(stats.audio_s, stats.duration_s)
            case JobWarning(_, text):
                self._console.warning(self._name, text)
            case JobFinished(_, stats):
                self._finish(stats)
            case JobCancelled() | JobFailed():
                self._end_early(message)

    def conclude(self) -> None:
        """The last line, if there were several recordings."""
        self._console.end_progress()
        if self._n_recordings > 1 and self._finished:
            self._console.note(f"{len(self._finished)} of {self._n_recordings} files: {_figures(self._finished)}")

    @property
    def _name(self) -> str:
        return str(self._transcript.path)

    @property
    def _language(self) -> str:
        code, probability = self._transcript.language, self._language_probability
        return (languages()[code].title() if code else "unknown") + (f" ({probability:.0%})" if probability else "")

    def _introduce(self, model: ModelInfo, device: DeviceInfo) -> None:
        self._model, self._device = model, device
        kind = f"{model.size}, {model.quantization}, {_megabytes(model.n_bytes)}"
        self._console.note(f"model: {model.name} ({kind}), loaded in {model.load_s:.2f} s")
        self._console.note(f"device: {device.kind.upper()}, {device.name} ({device.note})")

    def _give_up(self, failure: ModelFailed) -> None:
        is_device = failure.kind == "DeviceUnavailableError"
        name = f"--device {self._command.device}" if is_device else str(failure.path)
        self._console.error(name, failure.message, failure.remedy)
        self.exit_code = EXIT_FAILED

    def _begin(self, path: Path) -> None:
        self._transcript = Transcript(path)
        self._language_probability = None
        self._is_mixed = False
        self._n_begun += 1
        count = f"{self._n_begun}/{self._n_recordings} " if self._n_recordings > 1 else ""
        self._console.begin_progress(count + path.name)

    def _print_heading(self) -> None:
        """Above the first text of a recording, if there are several."""
        if self._n_recordings > 1 and not self._transcript.segments:
            self._n_headings += 1
            self._print(("\n" if self._n_headings > 1 else "") + f"== {self._name} ==")

    def _print(self, line: str) -> None:
        try:
            self._console.text(line)
        except BrokenPipeError:
            if not self._outputs.formats:  # nobody is left to work for
                raise

    def _finish(self, stats: RunStats) -> None:
        self._console.end_progress()
        if not self._transcript.text:
            self._print_heading()
            self._console.warning(self._name, "No speech was found")
        self._tell_doubts()
        self._console.note(
            f"{self._name}: {_figures([stats])}, language {self._language}, peak memory {_megabytes(stats.memory.peak)}"
        )
        self._finished.append(stats)
        self._save()
        self._append_stats(stats)
        if not self._is_mixed:
            save_benchmark(self._model, self._device, stats)

    def _tell_doubts(self) -> None:
        """Where to look before the text is relied on."""
        doubtful = [segment for segment in self._transcript.segments if segment.doubts]
        if doubtful:
            places = ", ".join(f"{clock(s.start)} ({', '.join(s.doubts)})" for s in doubtful[:_DOUBTS_TOLD])
            more = f" and {len(doubtful) - _DOUBTS_TOLD} more" if len(doubtful) > _DOUBTS_TOLD else ""
            self._console.warning(self._name, f"Doubtful text at {places}{more}")

    def _end_early(self, end: JobCancelled | JobFailed) -> None:
        """What was decoded until then is kept."""
        self._console.end_progress()
        if isinstance(end, JobFailed):
            self._console.error(self._name, end.message, end.remedy)
            self.exit_code = EXIT_USAGE if end.kind == "OptionsError" else EXIT_FAILED
        else:
            self._console.warning(self._name, "Stopped before its end")
        if self._transcript.segments:
            self._save()

    def _save(self) -> None:
        try:
            if paths := self._outputs.save(self._transcript):
                self._console.note(f"{self._name}: wrote {', '.join(map(str, paths))}")
        except OSError as e:
            self._cannot_write(e)
        except OutputFileError as e:
            self._console.error(self._name, e.message, e.remedy)
            self.exit_code = EXIT_FAILED

    def _append_stats(self, stats: RunStats) -> None:
        if self._command.stats_json is None:
            return
        fields = {
            "path": self._name,
            "model": self._model.name,
            "device": self._device.kind,
            "device_name": self._device.name,
            "load_s": self._model.load_s,
            "audio_s": stats.audio_s,
            "processing_s": stats.processing_s,
            "real_time_factor": stats.real_time_factor,
            "peak_memory_bytes": stats.memory.peak,
            "n_windows": stats.n_windows,
            "n_tokens": stats.n_tokens,
            "n_fallbacks": stats.n_fallbacks,
            "language": self._transcript.language,
            "text": self._transcript.text,
        }
        try:
            with self._command.stats_json.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(json.dumps(fields, ensure_ascii=False) + "\n")
        except OSError as e:
            self._cannot_write(e)

    def _cannot_write(self, error: OSError) -> None:
        self._console.error(str(error.filename), *unwritable(error))
        self.exit_code = EXIT_FAILED


def _work(service: EngineService, jobs: Sequence[TranscribeFile], cancel: CancelToken) -> Iterator[Message]:
    """All that the engine's thread does."""
    with closing(service):
        for message in service.load():
            yield message
            if isinstance(message, ModelFailed):
                return
        for job in jobs:
            if not cancel.cancelled:
                yield from service.run(job, cancel)


def _figures(finished: Sequence[RunStats]) -> str:
    audio_s = sum(stats.audio_s - stats.skipped_s for stats in finished)
    processing_s = sum(stats.processing_s for stats in finished)
    factor = f"{processing_s / audio_s:.3f}" if audio_s else "-"
    return f"audio {audio_s:.1f} s, processing {processing_s:.2f} s, real-time factor {factor}"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f} MB"
