"""Recordings of any kind as a stream of float32 mono 16 kHz blocks.

FFmpeg (PyAV) decodes, by content and never by name; libsndfile takes the few formats FFmpeg lacks. Channels are
averaged, each with the same weight: in a recording of several microphones the speaker may be on any of them. The rate
is converted by soxr.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av
import av.error
import numpy as np
import soundfile
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from gpu.errors import AudioNotFoundError, NoAudioStreamError, UndecodableAudioError

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
"""What folders are searched for: names of audio and video files."""

_BLOCK_SAMPLES = SAMPLE_RATE  # about a second a block
_MIN_RATE, _MAX_RATE = 1_000, 12_000_000  # Hz; outside them a header is nonsense
_MAX_FAILURES = 1_000  # packets in a row that cannot be decoded before a file is given up
_MISSING_S = 1.0  # how far a file may fall short of its header before it counts as cut off
# Files libsndfile is asked about, once FFmpeg has refused them. It takes raw MP3 in anything else and returns noise.
# fmt: off
_SOUNDFILE_MAGICS = (
    b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"dns.", b"fLaC", b"OggS", b"caff", b"Creative", b"NIST_1A",
    b" paf", b"fap ", b"PVF1", b"2BIT", b"MATLAB", b"\x64\xa3",
)
# fmt: on
_SAMPLE_SCALES = {
    name: np.float32(2.0**-bits) for name, bits in (("uint8", 7), ("int16", 15), ("int32", 31), ("int64", 63))
}


class _Source(Protocol):
    """A decoder: mono float32 at the rate of the file."""

    duration_s: float | None
    warnings: list[str]

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        """(rate in Hz, (n,) samples) until the end; adds to `warnings` on the way."""
        ...

    def close(self) -> None: ...


class AudioReader:
    """An open recording. A context manager; `blocks` reads it once.

    Attributes:
        path: the file.
        duration_s: seconds, as the file's header says; None where it does not.
        warnings: filled while reading, one line each for the user (damaged packets, a file cut off).
    """

    def __init__(self, path: Path, source: _Source) -> None:
        self.path = path
        self.duration_s = source.duration_s
        self.warnings = source.warnings
        self._source = source
        self._chunks = source.chunks()
        try:
            first = next(self._chunks, None)
        except BaseException:
            source.close()
            raise
        if first is None:
            source.close()
            raise UndecodableAudioError(
                f"{path.name} holds no sound that can be decoded.", remedy="Check that it plays in a media player."
            )
        self._first = first

    def blocks(self) -> Iterator[Floats]:
        """The recording as 1-D float32 blocks of about a second, mono 16 kHz, -1..1."""
        rate, first = self._first
        resampler = _Resampler(rate)
        yield from _nonempty(resampler(first))
        for rate, samples in self._chunks:
            if rate != resampler.rate:  # joined files may change their rate on the way
                yield from _nonempty(resampler.flush())
                resampler = _Resampler(rate)
            yield from _nonempty(resampler(samples))
        yield from _nonempty(resampler.flush())

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_audio(path: Path) -> AudioReader:
    """Open a recording and decode its beginning.

    Raises:
        AudioNotFoundError: no such file, a folder, or it may not be read.
        NoAudioStreamError: a media file without sound.
        UndecodableAudioError: empty, not audio, or damaged from its first packet on.
    """
    magic = _read_magic(path)
    try:
        source: _Source = _FFmpegSource(path)
    except UndecodableAudioError:
        if not magic.startswith(_SOUNDFILE_MAGICS):
            raise
        try:
            source = _SoundFileSource(path)
        except soundfile.LibsndfileError:
            source = None  # type: ignore[assignment]
        if source is None:
            raise
    return AudioReader(path, source)


def load_audio(path: Path) -> Floats:
    """A whole recording: (n,) float32, mono 16 kHz. Raises as `open_audio`."""
    with open_audio(path) as reader:
        return np.concatenate([np.empty(0, np.float32), *reader.blocks()])


def find_recordings(path: Path) -> list[Path]:
    """The recordings a path stands for: a file itself, of a folder all files named like audio or video, sorted.

    Raises:
        AudioNotFoundError: no such path, it may not be read, or nothing in the folder.
    """
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file())
    if not found:
        raise AudioNotFoundError(
            f"There is no recording in the folder {path}.", remedy="Choose a folder with audio or video files in it."
        )
    return found


def _read_magic(path: Path) -> bytes:
    """The first 16 bytes of an ordinary file that may be read and is not empty."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not an ordinary file"
            raise AudioNotFoundError(f"{path} is {kind}.", remedy="Name an audio or video file.")
        with path.open("rb") as file:
            magic = file.read(16)
    except FileNotFoundError as e:
        raise AudioNotFoundError(f"There is no file {path}.", remedy="Check the name and the folder.") from e
    except PermissionError as e:
        raise AudioNotFoundError(
            f"{path} may not be read: permission denied.", remedy="Ask for read access to it, or copy it."
        ) from e
    except OSError as e:
        raise AudioNotFoundError(
            f"{path} cannot be read: {e.strerror}.", remedy="Check the disk or the network it is on."
        ) from e
    if not magic:
        raise UndecodableAudioError(f"{path.name} is empty (0 bytes).", remedy="Copy or download it again.")
    return magic


class _Resampler:
    """Mono blocks from `rate` to 16 kHz."""

    def __init__(self, rate: int) -> None:
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise UndecodableAudioError(
                f"The recording claims a sample rate of {rate} Hz, expected {_MIN_RATE} to {_MAX_RATE}.",
                remedy="The file is damaged: copy or download it again.",
            )
        self.rate = rate
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32") if rate != SAMPLE_RATE else None

    def __call__(self, samples: Floats) -> Floats:
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def flush(self) -> Floats:
        empty = np.empty(0, np.float32)
        return empty if self._stream is None else self._stream.resample_chunk(empty, last=True)


def _nonempty(block: Floats) -> Iterator[Floats]:
    if len(block):
        yield block


class _FFmpegSource:
    """Decodes the best audio stream of a file with FFmpeg. Damaged packets are skipped and counted."""

    def __init__(self, path: Path) -> None:
        self.warnings: list[str] = []
        self._path = path
        try:
            # Content only, and nothing but this file: playlists must not open others.
            self._container: InputContainer = av.open(
                path.open("rb"), mode="r", options={"protocol_whitelist": "none"}, metadata_errors="ignore"
            )
        except av.error.FFmpegError as e:
            raise UndecodableAudioError(
                f"{path.name} is not a recording that can be decoded: {e.strerror}.",
                remedy="Check that it plays in a media player.",
            ) from e
        stream = self._container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            self.close()
            raise NoAudioStreamError(f"{path.name} has no sound in it.", remedy="Choose a file with an audio track.")
        self._stream = stream
        self.duration_s = self._header_duration_s()

    def _header_duration_s(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return self._container.duration / av.time_base
        return None

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        for packet in self._packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.error.FFmpegError:
                continue
            for frame in frames:
                yield frame.sample_rate, _to_mono(frame)

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        yield from self._container.demux(self._stream)

    def close(self) -> None:
        self._container.close()


def _to_mono(frame: AudioFrame) -> Floats:
    """(n,) float32 in -1..1: the mean of a frame's channels."""
    samples: NDArray[np.number] = frame.to_ndarray()  # (n_channels, n) planar, (1, n * n_channels) packed
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    mono: Floats = samples.mean(axis=0, dtype=np.float32)
    if samples.dtype == np.uint8:
        mono = mono - np.float32(128)
    return mono * _SAMPLE_SCALES.get(samples.dtype.name, np.float32(1))


class _SoundFileSource:
    """Decodes with libsndfile what FFmpeg does not know."""

    def __init__(self, path: Path) -> None:
        self.warnings: list[str] = []
        self._file = soundfile.SoundFile(path)
        self.duration_s: float | None = self._file.frames / self._file.samplerate

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        rate = self._file.samplerate
        for block in self._file.blocks(rate, dtype="float32", always_2d=True):  # (n, n_channels)
            yield rate, block.mean(axis=1)

    def close(self) -> None:
        self._file.close()
