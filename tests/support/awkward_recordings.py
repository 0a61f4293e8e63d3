"""Recordings good and bad, as users bring them: unusual formats, files that are cut, files that are no recordings."""

import shutil
from pathlib import Path

import numpy as np
import soundfile

from gpu.audio import load_audio
from tests.support.audio_files import cut, write_audio, write_video
from tests.support.speech import AUDIO, SPEECH

SENTENCE = "not an ill"  # in SPEECH and all made from it
GOOD = ["speech.wav", "eight.wav", "96khz.wav", "mp4.mp3", "cut.mp3", "cut.flac"]
BAD = {
    "gone.wav": "no file",
    "nothing": "no recording in the folder",
    "zero.wav": "empty",
    "text.wav": "not audio",
    "silent.mp4": "no sound",
    "forbidden.wav": "denied",
}


def make_awkward_files(folder: Path) -> None:
    """`speech.wav`, and the same in unusual ways; files that are cut; files that are no recordings."""
    shutil.copy(SPEECH, folder / "speech.wav")
    speech = load_audio(SPEECH)  # (n,), 16 kHz
    soundfile.write(folder / "eight.wav", np.tile(speech[:, None], 8), 16000)  # channels
    soundfile.write(folder / "96khz.wav", np.repeat(speech, 6), 96000, subtype="PCM_24")
    write_audio(folder / "aac.mp4", speech, 16000, "aac").rename(folder / "mp4.mp3")
    cut(AUDIO / "jfk.mp3", folder / "cut.mp3", 0.5)
    soundfile.write(folder / "whole.flac", load_audio(AUDIO / "jfk.wav"), 16000)
    cut(folder / "whole.flac", folder / "cut.flac", 0.5)
    (folder / "zero.wav").touch()
    (folder / "text.wav").write_text("This is no sound at all.\n" * 50)
    (folder / "nothing").mkdir()
    (folder / "nothing" / "notes.txt").touch()
    write_video(folder / "silent.mp4")
    shutil.copy(SPEECH, folder / "forbidden.wav")
    (folder / "forbidden.wav").chmod(0)
