"""Live decoding with the real model. Time is made up: each reading takes as long as the test says."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from gpu.cancel import CancelToken
from gpu.live import LiveDecoder, LiveOptions
from gpu.types import Committed, Final, LanguageDetected, LivePace, Speaking, Tentative, TranscribeOptions
from tests.bench.metrics import count_errors
from tests.support.corpus import FREE_AUDIO, read_manifest

RATE = 16000
CLIPS = {clip.path.stem: clip for clip in read_manifest(FREE_AUDIO)}
ENGLISH = TranscribeOptions(language="en")


def speech(name):
    return soundfile.read(CLIPS[name].path, dtype="float32")[0]


def pause(seconds):
    return np.random.default_rng(3).normal(0, 1e-4, round(seconds * RATE)).astype(np.float32)


@dataclass
class Clock:
    """Each reading takes as long, whatever the machine."""

    cost_s: float
    now: float = 0.0

    def __call__(self):
        self.now += self.cost_s
        return self.now


@dataclass
class Heard:
    """What a stream yielded, with when (seconds of it)."""

    events: list = field(default_factory=list)

    def of(self, kind):
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def text(self):
        settled = (event for _, event in self.events if isinstance(event, Committed | Final))
        return "".join(word.word for event in settled for word in event.words)


def listen(engine, audio, options=ENGLISH, *, cost_s=0.3, live=LiveOptions()):  # noqa: B008 - frozen
    """The stream in real time: what comes while a reading is under way is fed after it."""
    decoder = LiveDecoder(engine._loaded, options, CancelToken(), live, Clock(cost_s))
    heard, now, fed = Heard(), 0.0, 0
    while fed < len(audio):
        now += 0.1
        upto = min(round(now * RATE), len(audio))
        decoder.feed(audio[fed:upto])
        fed = upto
        new = list(decoder.step())
        if any(isinstance(event, LivePace) for event in new):
            now += cost_s
        heard.events += [(now, event) for event in new]
    heard.events += [(now, event) for event in decoder.finish()]
    return heard


@pytest.fixture(scope="module")
def two_sentences(engine):
    audio = np.concatenate([pause(1), speech("librivox_0870"), pause(1), speech("librivox_0880"), pause(1)])
    return listen(engine, audio)


@pytest.mark.slow
def test_what_is_said_is_what_is_written(two_sentences):
    reference = f"{CLIPS['librivox_0870'].reference} {CLIPS['librivox_0880'].reference}"
    assert count_errors(reference, two_sentences.text, "en").percent <= 5
    assert len(two_sentences.of(Final)) >= 2


@pytest.mark.slow
def test_words_come_while_they_are_spoken(two_sentences):
    """A word is seen within a second and a half of its end, and settled within three: all in the time made up."""
    seen, settled = {}, {}
    for now, event in two_sentences.events:
        if isinstance(event, Tentative | Committed | Final):
            for word in event.words:
                seen.setdefault(round(word.end, 1), now - word.end)
        if isinstance(event, Committed | Final):
            settled |= {word.end: now - word.end for word in event.words}
    assert np.median(list(settled.values())) < 2.5
    assert max(settled.values()) < 4.0
    assert np.median([late for end, late in seen.items() if any(abs(end - s) < 0.06 for s in settled)]) < 1.5


@pytest.mark.slow
def test_times_go_forward_and_lie_in_the_speech(two_sentences):
    words = [w for _, e in two_sentences.events if isinstance(e, Committed | Final) for w in e.words]
    assert all(a.start <= b.start + 0.02 for a, b in pairwise(words))
    assert words[0].start > 0.9


@pytest.mark.slow
def test_each_utterance_ends_with_silence(two_sentences):
    ends = [event.end for event in two_sentences.of(Final)]
    assert ends == sorted(ends)
    assert [event.speaking for event in two_sentences.of(Speaking)] == [True, False] * len(ends)


def test_nothing_is_heard_in_silence_and_noise(engine):
    noise = np.random.default_rng(1).normal(0, 0.02, 5 * RATE).astype(np.float32)
    heard = listen(engine, np.concatenate([pause(3), noise, np.zeros(RATE, np.float32)]))
    assert heard.events == []


@pytest.mark.long
def test_long_speech_without_a_pause_is_left_behind_as_it_goes(engine):
    """Nothing is lost where what is settled is forgotten."""
    names = ["librivox_0870", "librivox_0880", "librivox_0890", "librivox_0920"]
    audio = np.concatenate([speech(name) for name in names] + [pause(1)])
    heard = listen(engine, audio, live=LiveOptions(last_end=2.0, first_end=1.8, trim=6.0, most=9.0))
    assert count_errors(" ".join(CLIPS[name].reference for name in names), heard.text, "en").percent <= 12


@pytest.mark.long
def test_a_slow_machine_looks_less_often(engine):
    audio = np.concatenate([speech("librivox_0870"), pause(1)])
    slow = listen(engine, audio, cost_s=1.5)
    steps = [event.step_s for event in slow.of(LivePace)]
    assert steps
    assert all(step == pytest.approx(1.3 * 1.5) for step in steps)
    assert count_errors(CLIPS["librivox_0870"].reference, slow.text, "en").percent <= 10


@pytest.mark.slow
def test_the_language_is_decided_once(engine):
    audio = np.concatenate([speech("ast_fr_vm-intro"), pause(1), speech("librivox_0880"), pause(1)])
    heard = listen(engine, audio, TranscribeOptions())
    assert [event.language for event in heard.of(LanguageDetected)] == ["fr"]
