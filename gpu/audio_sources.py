"""The decoders behind `audio.py`: FFmpeg (PyAV), and libsndfile for what FFmpeg does not know.

Both yield mono at the rate of the file and go on as far as they can: what is wrong with a file becomes a warning.
"""

from __future__ import annotations

import errno
import math
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from gpu.errors import NoAudioStreamError, UndecodableAudioError, reason
from gpu.types import Words

Floats = NDArray[np.float32]

_MISSING_S = 1.0  # how far a file may fall short of its header before that counts as cut off
_LOST_S = 0.25  # how much sound may be missing between time stamps: encoder delays, rounding
_MAX_BAD_PACKETS = 1_000  # at the beginning, before a file counts as not decodable
_MAX_READ_ERRORS = 100  # in a row, before the rest of a file counts as unreadable
# Formats whose header states the length; FFmpeg estimates that of others from the size of the file or its last packet.
_LENGTH_IN_HEADER = {"aiff", "ape", "au", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "tta", "wv"}
_MAX_CHUNKS = 1_000  # of a WAV file, before its sound
_UNKNOWN_LENGTH = 0x7FFF_0000  # bytes; what recorders that cannot seek put into a WAV header lies above
# Formats FFmpeg cannot decode, by their first bytes (Ensoniq PARIS, Psion). Asking libsndfile about any file would
# be wrong: it takes almost everything for MP3, an MP4 for instance, and returns noise.
_SOUNDFILE_MAGICS = (b" paf", b"fap ", b"ALawSoundFile")
_CONVERT = Words("Check that it plays in a media player, or convert it to WAV, FLAC or MP3.")


class AudioSource(Protocol):
    """A decoder at work. `duration_s` is what the header says, `warnings` grows while `chunks` runs.

    `error` is what kept it from reading on.
    """

    duration_s: float | None
    n_channels: int
    warnings: list[Words]

    @property
    def error(self) -> OSError | None: ...

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        """(rate in Hz, (n,) float32 mono samples), to the end."""
        ...

    def close(self) -> None: ...


class FFmpegSource:
    """Decodes the main audio stream of a file. Damaged packets are skipped and counted.

    Args:
        file: open for reading; closed by `close`.
        name: for messages.
        channel: the only one to be heard; None for the mean of all.

    Raises:
        NoAudioStreamError: a media file without sound.
        UndecodableAudioError: nothing FFmpeg knows.
        OSError: the file cannot be read.
    """

    def __init__(self, file: BinaryIO, name: str, channel: int | None = None) -> None:
        self.warnings: list[Words] = []
        self._file = file
        self._content = _Content(file)
        self._name, self._channel = name, channel
        wav = _read_wav_length(file)
        self._container = self._open({"ignore_length": "1"} if wav.is_too_short else {})
        self._stream = self._main_stream()
        self.n_channels = self._stream.channels
        self.duration_s = wav.stated_s or self._header_duration_s()
        self._stated_s = wav.stated_s or (self.duration_s if self._states_length() else None)
        if wav.is_too_short:
            self.warnings.append(Words("{name} holds more sound than its header says; all of it is read.", name=name))
        self._audio_span, self._span = _Span(), _Span()  # of the sound, and of sound and pictures
        self._decoded_s = 0.0
        self._n_bad = 0
        self._ends_badly = False  # in a packet that is damaged or not all there

    def _open(self, options: dict[str, str]) -> InputContainer:
        # Without a name FFmpeg judges by content alone; without protocols a playlist cannot make it open other files.
        options["protocol_whitelist"] = "none"
        self._file.seek(0)
        try:
            return av.open(self._content, mode="r", container_options=options, metadata_errors="ignore")
        except av.error.FFmpegError as e:
            if self._content.error is not None:
                raise self._content.error from e
            self._file.seek(4)
            if self._file.read(4) == b"ftyp":
                raise UndecodableAudioError(
                    Words(
                        "{name} is an MP4 file without its index: it was cut off, or its recording was interrupted.",
                        name=self._name,
                    ),
                    remedy=Words("Copy or download it again."),
                ) from e
            raise UndecodableAudioError(
                Words("{name} is not audio or video in any format known here.", name=self._name), remedy=_CONVERT
            ) from e

    def _main_stream(self) -> AudioStream:
        streams = self._container.streams
        if not streams.audio:
            raise NoAudioStreamError(
                Words("{name} has no sound in it.", name=self._name), remedy=Words("Choose a file with a sound track.")
            )
        main = streams.best("audio")
        if not isinstance(main, AudioStream) or main.codec_context is None:
            raise UndecodableAudioError(
                Words("The sound of {name} is damaged, or stored in a way not known here.", name=self._name),
                remedy=_CONVERT,
            )
        if len(streams.audio) > 1:
            number = streams.audio.index(main) + 1
            n = len(streams.audio)
            self.warnings.append(
                Words("{name} has {n} sound tracks; number {i} is used.", name=self._name, n=n, i=number)
            )
        return main

    def _header_duration_s(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return self._container.duration / av.time_base
        return None

    def _states_length(self) -> bool:
        if self._container.format.name == "mp3":
            return _mp3_states_length(self._file)
        return self._container.format.name in _LENGTH_IN_HEADER

    @property
    def error(self) -> OSError | None:
        return self._content.error

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        tick_s = float(self._stream.time_base or 0)
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._n_bad += 1
                self._ends_badly = True
                if self._decoded_s == 0 and self._n_bad > _MAX_BAD_PACKETS:
                    return
                continue
            self._audio_span.add(packet, tick_s)
            if packet.size:  # the last one is empty
                # Of a WAV file without a length FFmpeg always reports that.
                self._ends_badly = packet.is_corrupt and self._container.format.name != "wav"
            for frame in frames:
                if isinstance(frame, AudioFrame) and frame.samples:
                    self._decoded_s += frame.samples / frame.sample_rate
                    yield frame.sample_rate, _to_mono(frame, self._channel)
        self._judge()

    def _packets(self) -> Iterator[Packet[Stream]]:
        """The main stream's packets to the end of the file, the last an empty one that flushes the decoder."""
        timed = (self._stream, *self._container.streams.video)
        ticks_s = {stream.index: float(stream.time_base or 0) for stream in timed}
        n_errors = 0
        while n_errors < _MAX_READ_ERRORS:
            try:
                for packet in self._container.demux(*timed):
                    n_errors = 0
                    self._span.add(packet, ticks_s[packet.stream_index])
                    if packet.stream_index == self._stream.index:
                        yield packet
                return
            except av.error.FFmpegError:
                n_errors += 1

    def _judge(self) -> None:
        """Compare what was read with what should be there."""
        name = self._name
        if self._content.error is not None:
            at, why = clock(self._decoded_s), reason(self._content.error)
            self.warnings.append(
                Words("{name} could not be read beyond {time}: {reason}.", name=name, time=at, reason=why)
            )
        # A track in MP4 states its own length; in Matroska it may end before the pictures, whose length is stated.
        reached_s = self._audio_span.seconds if self._stream.duration is not None else self._span.seconds
        reached_s = max(reached_s, self._decoded_s)
        if self._n_bad:
            one = Words("1 damaged packet of {name} could not be decoded.", name=name)
            several = Words("{n} damaged packets of {name} could not be decoded.", n=self._n_bad, name=name)
            self.warnings.append(one if self._n_bad == 1 else several)
        lost_s = self._audio_span.seconds - self._decoded_s
        if _LOST_S < lost_s < (self.duration_s or math.inf):  # beyond that the time stamps are wrong
            lost = f"{lost_s:.1f}"
            self.warnings.append(
                Words("{lost} s of sound are missing inside {name}: times after that are early.", lost=lost, name=name)
            )
        if self._stated_s is not None and reached_s < self._stated_s - _MISSING_S:
            end, stated = clock(reached_s), clock(self._stated_s)
            self.warnings.append(
                Words("{name} ends at {end} of {stated}: the rest is missing.", name=name, end=end, stated=stated)
            )
        elif self._ends_badly:
            end = clock(reached_s)
            self.warnings.append(
                Words("{name} ends in the middle of a packet, at {end}: it may be cut off.", name=name, end=end)
            )

    def close(self) -> None:
        self._container.close()
        self._file.close()


class SoundFileSource:
    """Decodes a file with libsndfile. Same arguments as `FFmpegSource`."""

    def __init__(self, file: BinaryIO, name: str, channel: int | None = None) -> None:
        self.warnings: list[Words] = []
        self.error: OSError | None = None
        self._file, self._channel = file, channel
        file.seek(0)
        import soundfile  # here: few recordings need it

        try:
            self._sound = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as e:
            why = e.error_string.rstrip(".")
            raise UndecodableAudioError(
                Words("{name} cannot be decoded: {reason}.", name=name, reason=why), remedy=_CONVERT
            ) from e
        self.duration_s: float | None = self._sound.frames / self._sound.samplerate
        self.n_channels: int = self._sound.channels

    def chunks(self) -> Iterator[tuple[int, Floats]]:
        rate = self._sound.samplerate
        for block in self._sound.blocks(rate, dtype="float32", always_2d=True):  # (n, n_channels)
            yield rate, block.mean(axis=1) if self._channel is None else block[:, self._channel].copy()

    def close(self) -> None:
        self._sound.close()
        self._file.close()


def is_soundfile_only(file: BinaryIO) -> bool:
    """Whether libsndfile decodes a file and FFmpeg does not, by its first bytes."""
    file.seek(0)
    return file.read(16).startswith(_SOUNDFILE_MAGICS)


def clock(seconds: float) -> str:
    """0:42, 1:02:03: rounded down."""
    minutes, s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{s:02}" if hours else f"{minutes}:{s:02}"


class _Content:
    """A file as FFmpeg sees it: without its name, and with errors kept aside (PyAV would print some of them).

    `error` is what stopped reading before the end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def read(self, n: int) -> bytes:
        try:
            return self._file.read(n)
        except OSError as e:
            self.error = e
            return b""

    def seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError:  # a damaged file may point anywhere, before its own beginning for instance
            return -errno.EINVAL

    def tell(self) -> int:
        return self._file.tell()


class _Span:
    """From the first to the last time stamp of some packets."""

    def __init__(self) -> None:
        self._begin_s = math.inf
        self._end_s = 0.0

    def add(self, packet: Packet[Stream], tick_s: float) -> None:
        """`tick_s`: the unit of the packet's time stamps (a Fraction in PyAV, 50 times slower)."""
        if packet.pts is not None:
            self._begin_s = min(self._begin_s, packet.pts * tick_s)
            self._end_s = max(self._end_s, (packet.pts + (packet.duration or 0)) * tick_s)

    @property
    def seconds(self) -> float:
        return max(self._end_s - self._begin_s, 0.0)


def _to_mono(frame: AudioFrame, channel: int | None) -> Floats:
    """(n,) float32: the mean of a frame's channels, or one of them, integers scaled to -1..1."""
    samples: NDArray[np.number] = frame.to_ndarray()  # (n_channels, n) planar, (1, n * n_channels) packed
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if channel is not None:  # a frame may have fewer than the header says
        samples = samples[min(channel, len(samples) - 1)][np.newaxis]
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is the reader's business
        mono: Floats = samples.mean(axis=0, dtype=np.float32)
    if samples.dtype.kind == "f":
        return mono
    full_scale = np.float32(2 ** (8 * samples.dtype.itemsize - 1))
    return (mono - full_scale if samples.dtype.kind == "u" else mono) / full_scale


def _mp3_states_length(file: BinaryIO) -> bool:
    """Whether an MP3 begins with the frame that counts the others; else its length is a guess from the bit rate."""
    position = file.tell()
    file.seek(0)
    head = file.read(10)
    if head.startswith(b"ID3"):
        a, b, c, d = head[6:10]  # 7 bits each
        file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
    first_frame = file.read(4096)
    file.seek(position)
    return any(tag in first_frame for tag in (b"Xing", b"Info", b"VBRI"))


class _WavLength(NamedTuple):
    """What the header of a WAV file says: seconds, where more than the file holds; or that it states too little."""

    stated_s: float | None = None
    is_too_short: bool = False


def _read_wav_length(file: BinaryIO) -> _WavLength:
    """Compare the stated length of a WAV file's sound with the file.

    FFmpeg goes by the file where the header says more, so nobody would see that it was cut; and it stops where the
    header says, though a recorder that crashed may have written more than it stated.
    """
    n_file = file.seek(0, os.SEEK_END)
    file.seek(0)
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        return _WavLength()
    byte_rate = 0
    for _ in range(_MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            break
        name, n_stated = struct.unpack("<4sI", header)
        begin = file.tell()
        if name == b"data":
            return _compare_wav_length(file, n_stated, n_file - begin, byte_rate)
        if name == b"fmt ":
            byte_rate = int.from_bytes(file.read(12)[8:], "little")
        file.seek(begin + n_stated + n_stated % 2)
    return _WavLength()


def _compare_wav_length(file: BinaryIO, n_stated: int, n_held: int, byte_rate: int) -> _WavLength:
    """The file stands at its first byte of sound; `n_held` bytes follow, of which `n_stated` should be sound."""
    if byte_rate == 0 or n_stated == 0 or n_stated >= _UNKNOWN_LENGTH:
        return _WavLength()
    if n_stated > n_held:
        return _WavLength(stated_s=n_stated / byte_rate)
    n_rest = n_held - n_stated
    if n_rest < byte_rate * _MISSING_S:
        return _WavLength()
    file.seek(n_stated + n_stated % 2, os.SEEK_CUR)
    rest = file.read(65536)
    is_named = rest[:4].isascii() and rest[:4].decode("ascii").isprintable()
    is_chunk = is_named and int.from_bytes(rest[4:8], "little") <= n_rest
    return _WavLength(is_too_short=not is_chunk and any(rest))
