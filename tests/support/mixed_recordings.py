"""The same words in every usual kind of file, and what users take for recordings."""

from pathlib import Path

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from gpu.audio import load_audio
from tests.support.audio_files import Floats, cut, write_video
from tests.support.speech import SPEECH

RATE = 48000  # which all of them take

# Codecs of the sound by the file's name; those with a picture say which codec that has.
GOOD: dict[str, tuple[str, str]] = {
    "a.mp3": ("libmp3lame", ""),
    "b.m4a": ("aac", ""),
    "d.ogg": ("vorbis", ""),  # by libsndfile: FFmpeg's own encoder counts as an experiment
    "c.flac": ("flac", ""),
    "e.opus": ("libopus", ""),
    "f.wav": ("pcm_s16le", ""),
    "g.aac": ("aac", ""),
    "h.wma": ("wmav2", ""),
    "i.aiff": ("pcm_s16be", ""),
    "j.mka": ("libopus", ""),
    "k.mp4": ("aac", "mpeg4"),
    "l.mkv": ("ac3", "mpeg4"),
    "m.webm": ("libopus", "libvpx"),
    "n.mov": ("pcm_s16le", "mpeg4"),
    "o.avi": ("libmp3lame", "mpeg4"),
}
BAD = {
    "p-cut.m4a": "UndecodableAudioError",  # what says where the sound is comes at its end
    "q-empty.mp3": "UndecodableAudioError",
    "r-text.mp3": "UndecodableAudioError",
    "s-silent.mp4": "NoAudioStreamError",
    "t-vanished.wav": "AudioNotFoundError",
}


def make_mixed_files(folder: Path) -> list[Path]:
    """Those of `GOOD` and `BAD`, by name; the last is not there."""
    speech = np.repeat(load_audio(SPEECH), RATE // 16000)  # (n,)
    for name, (codec, picture) in GOOD.items():
        if codec == "vorbis":
            soundfile.write(folder / name, speech, RATE, subtype="VORBIS")
        else:
            _write(folder / name, speech, codec, picture)
    cut(folder / "b.m4a", folder / "p-cut.m4a", 0.6)
    (folder / "q-empty.mp3").touch()
    (folder / "r-text.mp3").write_text("Milk, bread, and a letter to Aunt Jane.\n" * 50)
    write_video(folder / "s-silent.mp4")
    return [folder / name for name in (*GOOD, *BAD)]


def _write(path: Path, audio: Floats, codec: str, picture: str) -> None:
    with av.open(str(path), "w") as output:
        video = output.add_stream(picture, rate=25, width=64, height=64, pix_fmt="yuv420p") if picture else None
        sound = output.add_stream(codec, rate=RATE, layout="mono")
        sound.bit_rate = 96_000
        if video is not None:
            grey = np.full((64, 64, 3), 128, np.uint8)
            for _ in range(25 * len(audio) // RATE):
                output.mux(video.encode(VideoFrame.from_ndarray(grey, format="rgb24")))
            output.mux(video.encode(None))
        kind = sound.codec_context.format.name
        whole = (audio * 32767).astype(np.int16)
        frame = AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampled = av.AudioResampler(format=kind, layout="mono", rate=RATE, frame_size=sound.codec_context.frame_size)
        for part in [*resampled.resample(frame), *resampled.resample(None)]:
            output.mux(sound.encode(part))
        output.mux(sound.encode(None))
