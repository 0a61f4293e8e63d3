"""Recordings of any kind as a stream of float32 mono 16 kHz blocks.

FFmpeg decodes, by content and never by name; libsndfile takes the few formats FFmpeg lacks (`audio_sources.py`).
Channels are averaged with equal weights: in a recording of several microphones the speaker may be on any of them; or
one is heard alone, where each has its own speaker. The rate is converted by soxr at its high quality.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
import soxr
from numpy.typing import NDArray

from gpu.clips import WHOLE, Clip
from gpu.errors import AudioGoneError, AudioNotFoundError, UndecodableAudioError, no_file, reason
from gpu.types import Words

if TYPE_CHECKING:
    from gpu.audio_sources import AudioSource

# gpu.audio_sources is imported where it is used: FFmpeg takes a tenth of a second; see `prepare_decoders`.

Floats = NDArray[np.float32]

SAMPLE_RATE = 16000  # Hz, what Whisper was trained on

# fmt: off
AUDIO_SUFFIXES = frozenset((
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp2",
    ".mp3", ".oga", ".ogg", ".opus", ".snd", ".spx", ".tta", ".w64", ".wav", ".weba", ".wma", ".wv",
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob",
    ".webm", ".wmv",
))
# fmt: on
"""What folders are searched for: lower-case endings of audio and video files."""

_MIN_RATE, _MAX_RATE = 1_000, 12_000_000  # Hz; outside them a header is nonsense


class AudioReader:
    """An open recording, to be read once. A context manager.

    Attributes:
        path: the file.
        whole_s: seconds of the file, as its header says; None where it does not.
        duration_s: of the clip that is to be heard of it.
        n_channels: of the file.
        warnings: filled while reading, one line each for the user (damaged packets, a file cut off).
    """

    def __init__(self, path: Path, source: AudioSource, clip: Clip = WHOLE) -> None:
        self.path = path
        self.whole_s = source.duration_s
        self.duration_s = clip.duration_s(source.duration_s)
        self._clip = clip
        self.n_channels = source.n_channels
        self.warnings = source.warnings
        self._source = source
        self._chunks = source.chunks()
        first = next(self._chunks, None)
        if first is None:
            raise UndecodableAudioError(
                Words("{name} holds no sound that can be decoded.", name=path.name),
                remedy=Words("Check that it plays in a media player."),
            )
        self._first = first
        self._resampler = _Resampler(first[0])
        self._all_numbers = True

    def blocks(self) -> Iterator[Floats]:
        """The clip as (n,) float32 blocks of about a second, mono 16 kHz, -1..1 but for a resampler's overshoot.

        What is before it is decoded too: players' seeking is not exact in every format, and times would be wrong.

        Raises:
            UndecodableAudioError: the sample rate becomes nonsense on the way.
            AudioGoneError: reading failed, and the file is not there any more.
        """
        return self._clip.cut(self._blocks(), SAMPLE_RATE)

    def _blocks(self) -> Iterator[Floats]:
        resampler = self._resampler
        for rate, chunk in _by_second(self._first, self._chunks):
            samples = self._in_range(chunk)
            if rate != resampler.rate:  # joined files may change their rate
                yield from _unless_empty(resampler.flush())
                resampler = _Resampler(rate)
            yield from _unless_empty(resampler(samples))
        yield from _unless_empty(resampler.flush())
        if (error := self._source.error) is not None and not os.path.exists(self.path):  # noqa: PTH110 - never raises
            raise AudioGoneError(
                Words("{name} was taken away while it was read: {reason}.", name=self.path.name, reason=reason(error)),
                remedy=Words("Connect the drive again, then resume: the text so far is kept."),
            )

    def _in_range(self, samples: Floats) -> Floats:
        """Floating-point files may hold anything: clip to -1..1 as players do, silence what is no number."""
        if not np.isfinite(samples).all():
            if self._all_numbers:
                self._all_numbers = False
                self.warnings.append(
                    Words("{name} holds values that are no numbers; they are taken as silence.", name=self.path.name)
                )
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(samples, -1, 1)

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def prepare_decoders() -> None:
    """Import what recordings are opened with, at a time when nobody waits for it."""
    import gpu.audio_sources  # noqa: F401


def open_audio(path: Path, channel: int | None = None, clip: Clip = WHOLE) -> AudioReader:
    """Open a recording and decode its beginning.

    Args:
        channel: the only one to be heard, from 0; None for the mean of all.
        clip: what is to be heard of it.

    Raises:
        AudioNotFoundError: no such file, a folder, or it may not be read.
        NoAudioStreamError: a media file without sound.
        UndecodableAudioError: empty, not audio, or damaged from its first packet on.
    """
    from gpu.audio_sources import FFmpegSource, SoundFileSource, is_soundfile_only

    file = _open_file(path)
    try:
        kind = SoundFileSource if is_soundfile_only(file) else FFmpegSource
        source = kind(file, path.name, channel)
        return AudioReader(path, source, clip)
    except OSError as e:
        file.close()
        raise _cannot_read(path, e) from e
    except BaseException:
        file.close()
        raise


def load_audio(path: Path) -> Floats:
    """A whole recording: (n,) float32, mono 16 kHz. Raises as `open_audio`."""
    with open_audio(path) as reader:
        return np.concatenate([np.empty(0, np.float32), *reader.blocks()])


def find_recordings(path: Path) -> list[Path]:
    """The recordings a path stands for: a file itself; all audio and video files in a folder and below it, sorted.

    Hidden files are left out (macOS puts a "._name.mp3" beside each "name.mp3" on foreign disks). Whether a file exists
    and may be read is for `open_audio` to say.

    Raises:
        AudioNotFoundError: a folder that may not be read, or without any recording.
    """
    try:
        if not path.is_dir():
            return [path]
        next(path.iterdir(), None)  # rglob passes over what it may not read
    except OSError as e:
        raise _cannot_read(path, e) from e
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in AUDIO_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )
    if not found:
        raise AudioNotFoundError(
            Words("There is no recording in the folder {path}.", path=path),
            remedy=Words("Choose a folder with audio or video files in it."),
        )
    return found


def _open_file(path: Path) -> BinaryIO:
    """An ordinary file that may be read and is not empty."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise AudioNotFoundError(no_file(path, info.st_mode), remedy=Words("Choose an audio or video file."))
        file = path.open("rb")
    except OSError as e:
        raise _cannot_read(path, e) from e
    if info.st_size == 0:
        file.close()
        raise UndecodableAudioError(
            Words("{name} is empty (0 bytes).", name=path.name), remedy=Words("Copy or download it again.")
        )
    return file


def _cannot_read(path: Path, error: OSError) -> AudioNotFoundError:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return AudioNotFoundError(
                Words("There is no file {path}.", path=path), remedy=Words("Check the name and the folder.")
            )
        case PermissionError():
            return AudioNotFoundError(
                Words("{path} may not be read: permission denied.", path=path),
                remedy=Words("Ask for the right to read it, or for a copy."),
            )
    return AudioNotFoundError(
        Words("{path} cannot be read: {reason}.", path=path, reason=reason(error)),
        remedy=Words("Check the disk or the network it is on."),
    )


class _Resampler:
    """Mono samples from `rate` to 16 kHz, as they come."""

    def __init__(self, rate: int) -> None:
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise UndecodableAudioError(
                Words(
                    "The recording claims a sample rate of {rate} Hz, expected {least} to {most}.",
                    rate=rate,
                    least=_MIN_RATE,
                    most=_MAX_RATE,
                ),
                remedy=Words("The file is damaged: copy or download it again."),
            )
        self.rate = rate
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32") if rate != SAMPLE_RATE else None

    def __call__(self, samples: Floats, *, last: bool = False) -> Floats:
        return samples if self._stream is None else self._stream.resample_chunk(samples, last=last)

    def flush(self) -> Floats:
        """What the filter still holds."""
        return self(np.empty(0, np.float32), last=True)


def _by_second(first: tuple[int, Floats], rest: Iterable[tuple[int, Floats]]) -> Iterator[tuple[int, Floats]]:
    """Join a decoder's short frames to about a second each; a change of rate begins a new one."""
    rate, pending = first[0], [first[1]]
    n_pending = len(first[1])
    for new_rate, samples in rest:
        if new_rate != rate or n_pending >= rate:
            yield rate, np.concatenate(pending)
            rate, pending, n_pending = new_rate, [], 0
        pending.append(samples)
        n_pending += len(samples)
    yield rate, np.concatenate(pending)


def _unless_empty(block: Floats) -> Iterator[Floats]:
    if len(block):
        yield block
