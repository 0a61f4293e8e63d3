"""A device breaks in the middle of a run: the text is what it would have been, and the user is told."""

import logging
from contextlib import closing
from dataclasses import replace

import pytest

from gpu.audio import open_audio
from gpu.backends.failover import FailoverBackend
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.errors import DeviceFailedError, DeviceMemoryError
from gpu.transcribe import Transcription
from gpu.types import DeviceChanged, RunStats, RunWarning, Segment, TranscribeOptions, Words
from tests.support.failing_backend import FailingBackend
from tests.support.requantize import SHIPPED_MODEL

JFK = SHIPPED_MODEL.parents[1] / "samples" / "jfk.wav"
LOST = DeviceFailedError(
    Words("An illegal memory access was encountered (CUDA error 700)."), remedy=Words("Start the program again.")
)
FULL = DeviceMemoryError(Words("The GPU's memory is full."), remedy=Words("Close other programs."))
ENGLISH = TranscribeOptions(language="en")


@pytest.fixture
def transcribe(engine):
    """Runs a recording on a device that fails there; what came, the device, and the notes it gave the CPU."""

    def run(path, options, method, nth, error=LOST, ahead=False):
        notes = []

        def take_over(note):
            notes.append(note)
            return engine._backend

        failing = FailingBackend(engine._backend, method, nth, error)
        failing.encodes_ahead = ahead
        loaded = replace(engine._loaded, backend=FailoverBackend(failing, take_over))
        with closing(open_audio(path)) as audio:
            events = list(Transcription(loaded, [audio], options, CancelToken()).events())
        return events, failing, notes

    return run


@pytest.fixture(scope="module")
def jfk_words(engine):
    """What is said with words timed, on a device that works."""
    options = replace(ENGLISH, word_timestamps=True)
    return segments(engine.transcribe(JFK, options, CancelToken()))


def segments(events):
    return [event for event in events if isinstance(event, Segment)]


def told(events):
    return [event for event in events if isinstance(event, DeviceChanged | RunWarning)]


@pytest.mark.parametrize(
    ("method", "nth"),
    [
        ("encode", 1),
        ("advance", 2),
        pytest.param("open", 1, marks=pytest.mark.long),
        pytest.param("admit", 1, marks=pytest.mark.long),
        pytest.param("retire", 1, marks=pytest.mark.long),
        pytest.param("attention", 1, marks=pytest.mark.long),
    ],
)
def test_one_window(transcribe, jfk_words, method, nth):
    options = replace(ENGLISH, word_timestamps=True)
    events, failing, notes = transcribe(JFK, options, method, nth)
    assert failing.is_broken
    assert failing.is_closed
    assert segments(events) == jfk_words
    [note] = notes
    assert note.startswith("A failing GPU failed: An illegal memory access")
    changed, warning = told(events)
    assert changed.device.kind == "cpu"
    assert isinstance(warning, RunWarning)
    assert isinstance(events[-1], RunStats)


@pytest.mark.long
@pytest.mark.parametrize(("method", "nth"), [("advance", 4), ("encode", 2), ("admit", 2), ("retire", 2)])
def test_windows_at_once(transcribe, reading, reading_segments, method, nth, caplog):
    """Those that were being decoded begin again; none twice, none lost."""
    with caplog.at_level(logging.ERROR):
        events, failing, notes = transcribe(reading[0], ENGLISH, method, nth, FULL)
    assert failing.is_broken
    assert len(notes) == 1
    assert [(s.start, s.end, s.text) for s in segments(events)] == [(s.start, s.end, s.text) for s in reading_segments]
    assert "the CPU takes over" in caplog.text
    assert events[-1].n_windows == 4


@pytest.mark.long
def test_a_window_that_was_encoded_ahead(transcribe, reading, reading_segments):
    """On a device that does so, and breaks at it: the same text."""
    events, failing, _ = transcribe(reading[0], ENGLISH, "encode", 4, LOST, ahead=True)
    assert failing.is_broken
    assert [(s.start, s.end, s.text) for s in segments(events)] == [(s.start, s.end, s.text) for s in reading_segments]


def test_fewer_windows_where_the_memory_is_full(engine, caplog):
    """By what others took since the model was loaded: the device goes on, with what fits."""

    class Tight(FailingBackend):
        def open(self, plan, cancel):
            if plan.rows > 2:
                raise FULL
            return super().open(plan, cancel)

    loaded = engine._loaded
    backend = FailoverBackend(Tight(engine._backend, "", 1, FULL), lambda note: pytest.fail(note))
    decoder = WindowDecoder(backend, loaded.dims, loaded.tokenizer, ENGLISH, CancelToken())
    assert decoder.open_batch(8)[1] == 2
    assert "4 windows at once instead of 8" in caplog.text
    assert backend.device.kind == "cuda"


@pytest.mark.long
def test_beams(transcribe, engine):
    options = replace(ENGLISH, beam_size=2)
    expected = segments(engine.transcribe(JFK, options, CancelToken()))
    events, _, _ = transcribe(JFK, options, "choose", 7)
    assert segments(events) == expected


@pytest.mark.long
def test_language_is_listened_for_again(transcribe):
    events, _, _ = transcribe(JFK, TranscribeOptions(), "admit", 1)
    assert events[0].language == "en" or any(getattr(e, "language", None) == "en" for e in events)
    assert segments(events)


def test_both_fail(engine):
    """The second failure is the run's."""
    second = FailingBackend(engine._backend, "encode", 1, FULL)
    backend = FailoverBackend(FailingBackend(engine._backend, "encode", 1, LOST), lambda note: second)
    with closing(open_audio(JFK)) as audio, pytest.raises(DeviceMemoryError):
        list(Transcription(replace(engine._loaded, backend=backend), [audio], ENGLISH, CancelToken()).events())
