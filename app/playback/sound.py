"""The sound of a recording from any position on, at any speed, as blocks for a loudspeaker; and its outline.

FFmpeg decodes, converts and changes the speed (`atempo` keeps the pitch). Time 0 is the first sample that is decoded,
as in the transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from app.playback.errors import PlaybackError
from app.playback.units import BINS_PER_SECOND, Outline
from gpu.errors import reason
from gpu.types import Words

Floats = NDArray[np.float32]

SLOWEST, FASTEST = 0.5, 3.0
_PRE_ROLL_S = 0.5  # decoders need some packets until they are right


class Source:
    """A recording that stays open: FFmpeg finds back at once to where it has been, also in files without an index."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._container: InputContainer | None = None

    def blocks(self, path: Path, start_s: float, speed: float, rate: int) -> Generator[Floats, None, None]:
        """(n, 2) float32 from a position on, to the end; a second of them lasts `speed` seconds of the recording.

        One at a time: who begins another has closed the one before.

        Raises:
            PlaybackError: the file is not there, or holds nothing that can be decoded.
        """
        if start_s <= _PRE_ROLL_S:  # the beginning, which some formats find in a fresh file alone
            with closing(_open(path)) as container:
                yield from _blocks(container, path, (start_s, speed, rate))
        else:
            yield from _blocks(self._opened(path), path, (start_s, speed, rate))

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._key, self._container = (), None

    def _opened(self, path: Path) -> InputContainer:
        """The file as it is now."""
        _check(path)
        info = path.stat()
        key = (path, info.st_ino, info.st_size, info.st_mtime_ns)
        if self._container is None or key != self._key:
            self.close()
            self._key, self._container = key, _open(path)
        return self._container


def _blocks(container: InputContainer, path: Path, passage: tuple[float, float, int]) -> Iterator[Floats]:
    start_s, speed, rate = passage
    stream = _main_stream(container, path)
    graph = _Graph(stream, speed, rate)
    for frame in _frames_from(container, stream, start_s):
        yield from graph.push(frame)
    yield from graph.flush()


def blocks(path: Path, start_s: float, speed: float, rate: int) -> Generator[Floats, None, None]:
    """`Source.blocks` of a file that is closed then."""
    with closing(Source()) as source:
        yield from source.blocks(path, start_s, speed, rate)


def outline(path: Path, is_wanted: Callable[[], bool] = lambda: True) -> Iterator[Outline]:
    """How loud it is: (n, 2) int8, lowest and highest sample of each hundredth of a second, a stretch at a time.

    Args:
        is_wanted: asked now and then; ends it.

    Raises:
        PlaybackError: as `blocks`.
    """
    with closing(_open(path)) as container:
        for rate, samples in _by_second(_decoded(container, _main_stream(container, path))):
            if not is_wanted():
                return
            yield _extremes(samples, rate)


def _by_second(frames: Iterator[AudioFrame]) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """The mean of all channels, (rate,) of each second; less at the end, and where the stream changes its form."""
    form: tuple[object, ...] = ()
    resampler: av.AudioResampler | None = None
    rate = 0
    pending = np.zeros(0, np.int16)
    for frame in frames:
        if (new := _form(frame)) != form:
            if resampler is not None:
                yield from _cut(np.concatenate([pending, *_mono(resampler, None)]), rate)
            form, rate, pending = new, frame.sample_rate, np.zeros(0, np.int16)
            resampler = av.AudioResampler("s16", "mono", rate, rate)
        assert resampler is not None
        if parts := _mono(resampler, frame):
            pending = np.concatenate([pending, *parts])
            n_whole = len(pending) // rate * rate
            yield from _cut(pending[:n_whole], rate)
            pending = pending[n_whole:]
    if resampler is not None:
        yield from _cut(np.concatenate([pending, *_mono(resampler, None)]), rate)


def _cut(samples: NDArray[np.int16], rate: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    for first in range(0, len(samples), rate):
        yield rate, samples[first : first + rate]


def _mono(resampler: av.AudioResampler, frame: AudioFrame | None) -> list[NDArray[np.int16]]:
    frame_or_end: Any = frame
    return [part.to_ndarray()[0] for part in resampler.resample(frame_or_end)]


def _extremes(samples: NDArray[np.int16], rate: int) -> Outline:
    """(n,), a second or less, to (n_bins, 2)."""
    edges = np.arange(0, len(samples) * BINS_PER_SECOND / rate) * rate / BINS_PER_SECOND
    first = np.round(edges).astype(np.intp)
    first = first[first < len(samples)]
    low, high = np.minimum.reduceat(samples, first), np.maximum.reduceat(samples, first)
    outline: Outline = (np.stack([low, high], axis=1) >> 8).astype(np.int8)
    return outline


class _Graph:
    """FFmpeg's filters between the decoder and the loudspeaker. Begins anew where the stream changes its form."""

    def __init__(self, stream: AudioStream, speed: float, rate: int) -> None:
        self._speed, self._rate = min(max(speed, SLOWEST), FASTEST), rate
        self._form: tuple[object, ...] = ()
        self._graph: av.filter.Graph | None = None
        self._n_in = 0

    def push(self, frame: AudioFrame) -> Iterator[Floats]:
        if (form := _form(frame)) != self._form:
            yield from self.flush()
            self._form, self._graph, self._n_in = form, self._made(frame), 0
        assert self._graph is not None
        frame.pts, frame.time_base = self._n_in, Fraction(1, frame.sample_rate)  # what was left out is no gap
        self._n_in += frame.samples
        self._graph.push(frame)
        yield from self._pulled()

    def flush(self) -> Iterator[Floats]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pulled()
            self._graph = None

    def _made(self, frame: AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.sample_rate),
        )
        # FFmpeg would make one channel softer on two.
        layout = "mono" if len(frame.layout.channels) == 1 else "stereo"
        form = f"sample_fmts=flt:sample_rates={self._rate}:channel_layouts={layout}"
        tempo = [graph.add("atempo", f"{self._speed:g}")] if self._speed != 1 else []
        chain = [source, *tempo, graph.add("aformat", form), graph.add("abuffersink")]
        graph.link_nodes(*chain).configure()
        return graph

    def _pulled(self) -> Iterator[Floats]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, AudioFrame)
            packed: Any = frame.to_ndarray()
            samples: Floats = packed.reshape(frame.samples, -1)
            yield samples if samples.shape[1] == 2 else samples.repeat(2, axis=1)


def _form(frame: AudioFrame) -> tuple[object, ...]:
    return frame.sample_rate, frame.layout.name, frame.format.name


def _check(path: Path) -> None:
    """Raises: PlaybackError: it cannot be read."""
    try:
        path.open("rb").close()
    except OSError as e:
        raise PlaybackError(
            Words("{name} cannot be read: {reason}.", name=path.name, reason=reason(e)),
            remedy=Words("Put the recording back to where it was."),
        ) from e


def _open(path: Path) -> InputContainer:
    _check(path)
    try:  # a playlist must not make it open other files
        return av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="ignore")
    except av.error.FFmpegError as e:
        raise _unplayable(path) from e


def _main_stream(container: InputContainer, path: Path) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        raise _unplayable(path)
    return stream


def _unplayable(path: Path) -> PlaybackError:
    return PlaybackError(
        Words("{name} holds no sound that can be played.", name=path.name),
        remedy=Words("Check that it plays in a media player."),
    )


def _frames_from(container: InputContainer, stream: AudioStream, start_s: float) -> Iterator[AudioFrame]:
    """What is decoded from a position on, to the sample."""
    first_s = float((stream.start_time or 0) * (stream.time_base or 0))
    if start_s > _PRE_ROLL_S:
        container.seek(round((first_s + start_s - _PRE_ROLL_S) * av.time_base), backward=True)
    n_left: int | None = None
    for frame in _decoded(container, stream):
        if n_left is None:  # samples before the position
            at_s = float(frame.time) - first_s if frame.time is not None else 0.0
            n_left = max(round((start_s - at_s) * frame.sample_rate), 0)
        if n_left >= frame.samples:
            n_left -= frame.samples
            continue
        yield _without(frame, n_left) if n_left else frame
        n_left = 0


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """All frames that can be decoded; what is damaged is left out, as in transcribing."""
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            yield from (frame for frame in frames if isinstance(frame, AudioFrame))
    except av.error.FFmpegError:
        return  # the file ends badly


def _without(frame: AudioFrame, n_samples: int) -> AudioFrame:
    """A frame but for its first samples."""
    samples: Any = frame.to_ndarray()
    per_sample = 1 if frame.format.is_planar else len(frame.layout.channels)
    rest = AudioFrame.from_ndarray(
        np.ascontiguousarray(samples[:, n_samples * per_sample :]), frame.format.name, frame.layout.name
    )
    rest.sample_rate = frame.sample_rate
    return rest
