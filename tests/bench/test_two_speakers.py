from pathlib import Path

import numpy as np
import soundfile

from gpu.audio import load_audio
from tests.bench.two_speakers import errors_by_speaker, join_sides, turns
from tests.support.corpus import FREE_AUDIO, Clip, read_manifest


def clip(name: str) -> Clip:
    return Clip(Path(name), name, "en", 1.0, name)


def test_two_of_the_speakers_take_turns() -> None:
    names = ["special/x.flac", *(f"librispeech/{s}-{i}.flac" for s in (1, 2, 3) for i in "ab")]
    order = [Path(c.name).stem for c in turns([clip(name) for name in names])]
    assert order == ["1-a", "2-a", "1-b", "2-b"]


def test_each_speaker_has_a_side(tmp_path: Path) -> None:
    jfk, librivox = [c for c in read_manifest(FREE_AUDIO) if c.name in ("jfk.wav", "librivox_0870.wav")]
    recording, sides = join_sides([jfk, librivox], tmp_path / "stereo.wav")
    assert sides == (jfk.reference, librivox.reference)
    assert recording.reference == " ".join(sides)
    samples, rate = soundfile.read(recording.path, dtype="float32")
    assert recording.seconds == len(samples) / rate
    first, second = load_audio(jfk.path), load_audio(librivox.path)
    begin = len(first) + rate // 2
    assert np.abs(samples[: len(first), 0] - first).max() < 1e-4
    assert np.abs(samples[begin : begin + len(second), 1] - second).max() < 1e-4
    assert not samples[: len(first), 1].any()
    assert not samples[begin:, 0].any()


def test_words_of_the_wrong_speaker_count_twice() -> None:
    said = "Speaker 1: red green\nSpeaker 2: black white\nSpeaker 1: blue\n"
    assert errors_by_speaker(("red green blue", "black white"), said, "en").count == 0
    assert errors_by_speaker(("red green blue", "black white"), said.replace("1: blue", "2: blue"), "en").count == 2
    assert errors_by_speaker(("red green blue", "black white"), "", "en").deletions == 5
