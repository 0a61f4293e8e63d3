"""Make mel/openai_jfk.npz: openai-whisper's log-mel spectrogram of jfk.wav, a subset of its frames.

Run with a Python that has openai-whisper (20250625) and soundfile: python tests/data/make_mel_fixture.py
"""

from pathlib import Path

import numpy as np
import whisper

DATA = Path(__file__).parent


def main() -> None:
    audio = whisper.load_audio(str(DATA / "audio" / "jfk.wav"))
    arrays = {}
    for n_mels, step in ((80, 7), (128, 19)):
        mel = whisper.log_mel_spectrogram(audio, n_mels, padding=whisper.audio.N_SAMPLES).numpy()
        arrays[f"filters_{n_mels}"] = whisper.audio.mel_filters("cpu", n_mels).numpy()
        arrays[f"frames_{n_mels}"] = np.arange(0, whisper.audio.N_FRAMES, step)
        arrays[f"log_mel_{n_mels}"] = mel[:, arrays[f"frames_{n_mels}"]]
    np.savez_compressed(DATA / "mel" / "openai_jfk.npz", **arrays)


if __name__ == "__main__":
    main()
