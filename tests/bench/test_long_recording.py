from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.bench.long_recording import interleaved, join, parts, repeat
from tests.support.corpus import FREE_AUDIO, Clip, corpus_folder, read_manifest, why_no_corpus


def clip(name: str) -> Clip:
    return Clip(Path(name), name, "en", 1.0, name)


def test_speakers_take_turns_as_long_as_they_have_something_to_say() -> None:
    names = ["librispeech/1-a.flac", "librispeech/1-b.flac", "librispeech/1-c.flac", "librispeech/2-a.flac"]
    order = [Path(c.name).stem for c in interleaved([clip(name) for name in names])]
    assert order == ["1-a", "2-a", "1-b", "1-c"]


@pytest.fixture
def joined(tmp_path: Path) -> tuple[list[Clip], Clip]:
    clips = [c for c in read_manifest(FREE_AUDIO) if c.name in ("jfk.wav", "librivox_0870.wav")]
    return clips, join(clips, tmp_path / "long.wav")


def test_clips_follow_each_other_with_pauses(joined: tuple[list[Clip], Clip]) -> None:
    clips, recording = joined
    assert len(clips) == 2
    samples, rate = soundfile.read(recording.path, dtype="float32")
    assert rate == 16000
    assert recording.seconds == len(samples) / rate == pytest.approx(sum(c.seconds for c in clips) + 1.0, abs=0.02)
    assert recording.reference == f"{clips[0].reference} {clips[1].reference}"
    assert not samples[-8000:].any()
    first = len(samples) - 8000 - round(clips[1].seconds * rate) - 8000
    assert not samples[first + 100 : first + 7900].any()
    assert np.abs(samples[:first]).max() > 0.1


def test_repeated_up_to_a_length(joined: tuple[list[Clip], Clip], tmp_path: Path) -> None:
    _, recording = joined
    longer = repeat(recording, 2.5 * recording.seconds, tmp_path / "longer.wav")
    once, _ = soundfile.read(recording.path, dtype="int16")
    samples, _ = soundfile.read(longer.path, dtype="int16")
    assert np.array_equal(samples, np.tile(once, 3))
    assert longer.seconds == pytest.approx(len(samples) / 16000)
    assert longer.reference.split() == recording.reference.split() * 3


@pytest.mark.corpus
@pytest.mark.skipif(why_no_corpus() is not None, reason=why_no_corpus() or "")
def test_the_recording_repeats_nothing() -> None:
    clips = parts(read_manifest(corpus_folder()))
    assert len(clips) == 41
    assert len({c.name for c in clips}) == len({c.reference for c in clips}) == 41
    speakers = [Path(c.name).stem.split("-")[0] for c in clips]
    assert all(a != b for a, b in pairwise(speakers))
    assert 300 < sum(c.seconds + 0.5 for c in clips) < 380
