"""Values as SQLite holds them: the same when they come back, and readable when another version wrote them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store import codec
from gpu.types import Segment, TranscribeOptions, Word, Words
from tests.support.engine_messages import make_segment, make_stats

seconds = st.floats(0, 1e5)
texts = st.text(st.characters(exclude_categories=["Cs"]))
words = st.builds(Word, texts, seconds, seconds, st.floats(0, 1))
segments = st.builds(
    Segment, st.integers(0), seconds, seconds, texts, st.lists(st.integers(0, 51865)).map(tuple), seconds,
    st.floats(-10, 0), seconds, st.floats(0, 1), st.lists(st.sampled_from(["improbable", "repeated"])).map(tuple),
    st.none() | st.just("zh"), st.none() | st.integers(1, 2), st.none() | st.lists(words).map(tuple),
)  # fmt: skip


@given(segments)
def test_segments(segment: Segment) -> None:
    assert codec.segment_from_json(codec.segment_to_json(segment)) == segment


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_paths_that_are_no_text(name: bytes) -> None:
    path = Path("/recordings") / name.replace(b"/", b"").decode("utf-8", "surrogateescape")
    assert codec.path_from_blob(codec.path_to_blob(path)) == path


def test_options_and_statistics() -> None:
    options = TranscribeOptions(language="de", temperature=(0.0,), clip_timestamps=(1.0, 2.5), beam_size=5)
    assert codec.options_from_json(codec.options_to_json(options)) == options
    assert codec.options_from_json(codec.options_to_json(TranscribeOptions())) == TranscribeOptions()
    stats = make_stats(30.0, None)
    assert codec.stats_from_json(codec.stats_to_json(stats)) == stats


def test_what_a_newer_version_wrote_is_left_out() -> None:
    assert codec.options_from_json('{"language": "fr", "telepathy": true}') == TranscribeOptions(language="fr")
    newer = json.loads(codec.segment_to_json(make_segment(0))) | {"mood": "sad"}
    assert codec.segment_from_json(json.dumps(newer)) == make_segment(0)


def test_words_can_be_translated_again() -> None:
    inner = Words("{device} does not start.", device="GPU {0}")
    told = Words("Because: {cause}", cause=inner)
    found = codec.words_from_json(codec.words_to_json(told))
    assert (found, found.template, found.values) == (told, told.template, told.values)
    cause = found.values["cause"]
    assert isinstance(cause, Words)
    assert cause.template == inner.template


def test_a_segment_without_its_text_is_an_error() -> None:
    with pytest.raises(TypeError):
        codec.segment_from_json('{"id": 1}')


def test_a_doubt_of_another_version_hides_no_segment() -> None:
    newer = json.loads(codec.segment_to_json(make_segment(0))) | {"doubts": ["sung"], "words": None}
    found = codec.segment_from_json(json.dumps(newer))
    assert (found.text, found.doubts) == (make_segment(0).text, ("sung",))
