"""Recordings made for a test: in any container, cut, damaged, without sound."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def write_audio(path: Path, audio: Floats, rate: int, codec: str, **options: str) -> Path:
    """Encode (n,) mono or (n_channels, n) float32 with FFmpeg; the name gives the container, `options` go to both."""
    channels = np.atleast_2d(audio)
    layout = "mono" if len(channels) == 1 else f"{len(channels)}c"
    with av.open(str(path), "w", container_options=options) as output:
        stream = output.add_stream(codec, rate=rate, layout="stereo" if layout == "2c" else layout, options=options)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=stream.layout.name)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return path


def write_video(path: Path, n_frames: int = 25, audio: Floats | None = None, *, n_tracks: int = 1) -> Path:
    """A grey video of 64 x 64 at 25 frames a second, silent or with `n_tracks` tracks of 16 kHz sound."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        tracks = (
            [output.add_stream("aac", rate=16000, layout="mono") for _ in range(n_tracks)] if audio is not None else []
        )
        picture = np.full((64, 64, 3), 128, np.uint8)
        for _ in range(n_frames):
            output.mux(video.encode(VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(video.encode(None))
        for track in tracks:
            frame = AudioFrame.from_ndarray(np.atleast_2d(audio), format="fltp", layout="mono")
            frame.sample_rate = 16000
            output.mux(track.encode(frame))
            output.mux(track.encode(None))
    return path


def wav_bytes(samples: bytes, *, stated: int | None = None, rate: int = 16000, after: bytes = b"") -> bytes:
    """A 16-bit mono WAV file whose header states `stated` bytes of sound, by default those it has."""
    n_stated = len(samples) if stated is None else stated
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    data = struct.pack("<4sI", b"data", n_stated) + samples + after
    return struct.pack("<4sI4s", b"RIFF", 4 + len(fmt) + len(data), b"WAVE") + fmt + data


def cut(source: Path, target: Path, share: float) -> Path:
    """The first part of a file."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def damage(source: Path, target: Path, begin: float, end: float) -> Path:
    """A file with nonsense in one part of it."""
    content = bytearray(source.read_bytes())
    first, last = int(len(content) * begin), int(len(content) * end)
    content[first:last] = np.random.default_rng(0).bytes(last - first)
    target.write_bytes(content)
    return target
