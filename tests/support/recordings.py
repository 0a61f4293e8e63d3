"""Recordings of every awkward kind, made on the spot."""

import shutil
from pathlib import Path

import av
import numpy as np
import soundfile

from gpu.audio import SAMPLE_RATE, load_audio

AUDIO = Path(__file__).parents[1] / "data" / "audio"
SPEECH = AUDIO / "librivox_0880.wav"  # 3 s: "he was not an ill disposed young man"


def make_long_recording(path: Path) -> None:
    """A minute of English speech: three windows."""
    clips = [*sorted(AUDIO.glob("librivox_*.wav")), *sorted(AUDIO.glob("ast_en_*.flac")), AUDIO / "jfk.wav"]
    soundfile.write(path, np.concatenate([load_audio(clip) for clip in clips]), SAMPLE_RATE)


def make_awkward_files(folder: Path) -> None:
    """Files that are no recordings, or damaged, or unusual, or not what their name says."""
    speech, rate = soundfile.read(SPEECH)  # (n,), 16 kHz
    (folder / "zero.wav").touch()
    (folder / "text.wav").write_text("This is no sound at all.\n" * 50)
    (folder / "nothing").mkdir()
    (folder / "nothing" / "notes.txt").touch()
    shutil.copy(SPEECH, folder / "forbidden.wav")
    (folder / "forbidden.wav").chmod(0)
    soundfile.write(folder / "eight.wav", np.tile(speech[:, None], 8), rate)  # channels
    soundfile.write(folder / "96khz.wav", np.repeat(speech, 6), rate * 6, subtype="PCM_24")
    _cut_in_half(AUDIO / "jfk.mp3", folder / "cut.mp3")
    soundfile.write(folder / "whole.flac", *soundfile.read(AUDIO / "jfk.wav"))
    _cut_in_half(folder / "whole.flac", folder / "cut.flac")
    with av.open(str(folder / "silent.mp4"), "w") as video:
        picture = video.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        for _ in range(25):
            video.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        video.mux(picture.encode())
    with av.open(str(folder / "mp4.mp3"), "w", format="mp4") as file:
        sound = file.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(speech[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        file.mux(sound.encode(frame))
        file.mux(sound.encode())


def _cut_in_half(whole: Path, half: Path) -> None:
    data = whole.read_bytes()
    half.write_bytes(data[: len(data) // 2])
