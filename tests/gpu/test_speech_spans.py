"""Spans beside those of Silero's own function (tests/data/make_silero_spans.py), whole and as a recording comes."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.paths import vad_model
from gpu.audio import load_audio
from gpu.speech_spans import Span, SpanFinder, SpeechStream, VadOptions, speech_spans
from gpu.vad import CHUNK, SileroVad

CASES = json.loads((Path(__file__).parents[1] / "data" / "silero_spans.json").read_text("utf-8"))
OPTIONS = ("threshold", "min_speech_s", "min_silence_s", "pad_s")


@pytest.mark.parametrize("case", CASES)
def test_spans_are_those_of_silero(case):
    options = VadOptions(**{name: case[name] for name in OPTIONS})
    probabilities = np.array(case["probabilities_64"], np.float32) / 64
    expected = [Span(*span) for span in case["spans"]]
    assert speech_spans(probabilities, options) == expected
    finder = SpanFinder(options)
    streamed = []
    for probability in np.split(probabilities, len(probabilities)):
        streamed += finder.feed(probability)
        assert all(span.end <= finder._n_chunks * CHUNK for span in streamed), "settled before it was heard"
    assert streamed + finder.finish(len(probabilities) * CHUNK) == expected


@given(
    probabilities=st.lists(st.sampled_from([0.0, 0.4, 0.6, 1.0]), max_size=120),
    options=st.builds(VadOptions, min_speech_s=st.floats(0, 0.3), min_silence_s=st.floats(0, 1), pad_s=st.floats(0, 1)),
    missing=st.integers(0, 511),
)
def test_spans_are_in_order_apart_and_within_the_recording(probabilities, options, missing):
    n_samples = max(len(probabilities) * CHUNK - missing, 0)
    spans = speech_spans(np.array(probabilities, np.float32), options, n_samples)
    times = [time for span in spans for time in (span.start, span.end)]
    assert times == sorted(times)
    assert all(0 <= span.start < span.end <= n_samples for span in spans)


def test_a_recording_is_known_as_far_as_it_has_been_read(audio):
    parts = [load_audio(audio / "librivox_0880.wav"), np.zeros(4 * 16000, np.float32), load_audio(audio / "jfk.wav")]
    samples = np.concatenate(parts)
    second = len(parts[0]) + len(parts[1])
    vad = SileroVad(vad_model())
    speech = SpeechStream(vad, VadOptions())
    n_read = 0
    for block in speech.listen(iter(np.array_split(samples, 20))):
        n_read += len(block)
        known = speech.spans(0, len(samples))
        assert all(span.end <= n_read for span in known)
        assert len(known) >= (n_read > 16000) + (n_read > second + 16000)
    first, last = speech.spans(0, len(samples))
    assert first.end < second <= last.start + 0.5 * 16000
    assert [first, last] == speech_spans(vad.probabilities(samples), VadOptions(), len(samples))
    assert speech.spans(first.end, last.start) == []
    assert speech.spans(16000, second + 32000) == [Span(16000, first.end), Span(last.start, second + 32000)]
